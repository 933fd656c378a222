"""A proposal: facts that the gate computed first, the agent's words below, and two buttons."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ethops.api import acts
from ethops.pages import typed
from ethops.pages.seals import seal
from ethops.pages.typed import Typed
from ethops.pages.words import Moment, State, approval_state, count, listed, span
from ethops.world import approvals, ledger_proofs, runs
from ethops.world.approvals import Dossier
from ethops.world.story import deed
from personas.approvals import queries
from personas.approvals.errors import ApprovalRefusedError
from personas.approvals.models import Approval

ENTRIES = (
    "action.proposed", "person.approved", "person.rejected", "person.vetoed", "approval.ended",
)  # fmt: skip


CHANGED = {
    "blast_radius": "what shares its host",
    "observed": "what its probes say",
    "planned": "what else is planned there",
    "used": "how often it was used",
    "read": "what the run has read",
    "card_digest": "the card of the agent",
}
"""Names of facts in words; the others are words already."""


class ApproveForm(forms.Form):
    """What was on the page, by its hash, and the code of the second factor."""

    shown = forms.RegexField(r"^[0-9a-f]{64}$")
    diff = forms.RegexField(r"^([0-9a-f]{64})?$", required=False)
    code = forms.RegexField(
        r"^[0-9]{6}$", required=False, error_messages={"invalid": "Six digits."}
    )
    why = forms.CharField(max_length=2000, required=False)


class RejectForm(forms.Form):
    """Why not; nobody is kept from it for want of a reason."""

    why = forms.CharField(max_length=2000, required=False)


def shown(request: HttpRequest, context: dict[str, Any], action_id: UUID) -> HttpResponse:
    """Draw a proposal, or do what a person decided."""
    found = approvals.dossier(action_id)
    if found is None:
        raise Http404(f"No person has to decide about {action_id}.")
    refused: Typed | None = None
    if request.method == "POST":
        done = _decide(request, found.approval)
        if isinstance(done, HttpResponse):
            return done
        refused = done
        found = approvals.dossier(action_id) or found
    about = {**context, **content(request, found), "refused": refused}
    waits = about["waits"]
    offered = {"approve": waits and found.approval.kind != "veto", "reject": waits}
    about["lost"] = refused.lost(offered) if refused else ""
    return TemplateResponse(request, "desk/approval.html", about, status=422 if refused else 200)


def _decide(request: HttpRequest, one: Approval) -> HttpResponse | Typed:
    """Do what was pressed; returns where to go, or what was refused."""
    rejecting = request.POST.get("act") == "reject"
    form = (RejectForm if rejecting else ApproveForm)(request.POST)
    if not form.is_valid():
        return typed.unread(request, "reject" if rejecting else "approve", form)
    person, said = request.user.get_username(), form.cleaned_data
    try:
        if rejecting:
            acts.reject(action_id=one.pk, person=person, why=said["why"])
            messages.success(request, "It will not happen. The agent goes on without it.")
        else:
            acts.approve(
                action_id=one.pk,
                person=person,
                shown_sha256=said["shown"],
                diff_sha256=said["diff"],
                code=said["code"],
                why=said["why"],
            )
            messages.success(request, "Approved. It happens as soon as that is on record.")
    except ApprovalRefusedError as fault:
        return typed.refused(request, "reject" if rejecting else "approve", f"{fault} {fault.hint}")
    return HttpResponseRedirect(reverse("admin:approval", args=[one.pk]))


def content(request: HttpRequest, found: Dossier) -> dict[str, Any]:
    """Return everything the page says."""
    now, one = timezone.now(), found.approval
    proven_to = ledger_proofs.agreed_to()
    entries = [e for e in runs.entries_of(str(one.pk)) if e.kind in ENTRIES]
    return {
        "title": f"{deed(one.action)} for {one.ticket_ref}",
        "one": one,
        "deed": deed(one.action),
        "state": state(one),
        "now": Moment(now, now),
        "waits": one.state == "waiting" and one.expires_at > now,
        "until": f"{one.expires_at.astimezone(UTC):%a %d %b, %H:%M} UTC",
        "left": span(one.expires_at - now) if one.expires_at > now else "",
        "shown": found.now.sha256,
        "raw": found.now.shown,
        "changed": listed([CHANGED.get(name, name) for name in found.now.changed]),
        "unseen": found.now.unseen,
        "parked": one.run.state == "parked",
        "needs_code": (
            one.change_class != "standard" or found.profile.single or is_lifeline(found.facts)
        ),
        "lifeline": is_lifeline(found.facts),
        "has_factor": queries.has_factor(request.user.get_username()),
        "single": found.profile.single,
        "delay_s": found.profile.delay_s,
        "intact": queries.is_intact(one),
        "facts": facts(found.facts),
        "changes": change_facts(one, found),
        "near": near(found.facts),
        "planned": planned(found.facts),
        "args": [(name, str(value)) for name, value in sorted(found.facts["arguments"].items())],
        "tree": found.tree,
        "diff_sha256": one.facts.get("diff_sha256", ""),
        "read": [f"{taint.source} ({taint.trust})" for taint in found.read],
        "says": found.says,
        "why": found.why,
        "engine": found.engine or "an agent",
        "decided": decided(one, now),
        "seals": [(e.kind, seal(e.seq, proven_to)) for e in entries],
        "ticket_href": reverse("admin:ticket", args=[one.ticket_ref]),
        "action_href": reverse("admin:action", args=[one.pk]),
        "run_href": reverse("admin:run", args=[one.run_id]),
    }


def state(one: Approval) -> State:
    """Return its state; where one person decided about his own, that stands beside it."""
    said = approval_state(one.state)
    alone = "not independent: one person operates here" if one.independent is False else ""
    return State(said.word, said.tone, said.glyph, alone)


def facts(known: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what will happen and where, in names and texts; what is not known is left out."""
    target = known["target"]
    hosts = [
        f"{h['name']} ({h['connection']}{' ' + h['address'] if h['address'] else ''}"
        f"{', as ' + h['user'] if h['user'] else ''})"
        for h in known["hosts"]
    ]
    marks = [word for word in ("user_facing", "lifeline") if target.get(word)]
    found = [
        ("What", known["title"] or known["verb"]),
        ("CI", f"{target['name'] or target['ref']} ({target['ref']}), {target['class']}"),
        ("Its probes say", seen(known.get("observed"))),
        ("Marks", listed([mark.replace("_", " ") for mark in marks])),
        ("Maintenance", str(target.get("maintenance_until") or "")),
        ("Hosts", ", ".join(hosts) or "no host is declared"),
        ("Risk", f"{known['risk'] or 'unknown'}: a {known['change_class']} change"),
        ("Ends after", f"{known['timeout_s']} s at most" if known["timeout_s"] else ""),
        ("Undone by", undone(known.get("rollback"))),
        ("By sudo", ", ".join(known["sudo"] or [])),
        ("Ticket", f"{known['ticket']['ref']}, {known['ticket']['priority'] or 'no priority'}"),
        ("Used before", used(known["used"])),
    ]
    return [(name, text) for name, text in found if text]


def is_lifeline(known: dict[str, Any]) -> bool:
    """Tell whether it is about what the house or its operators stand on."""
    return bool(known["target"].get("lifeline"))


def seen(observed: dict[str, Any] | None) -> str:
    """Say how the CI's probes find it; empty where it has none."""
    probes = (observed or {}).get("probes", [])
    return ", ".join(
        f"{one['name']}: {one['says'].replace('_', ' ')}{', its alert fires' * one['firing']}"
        for one in probes
    )


def undone(rollback: dict[str, Any] | None) -> str:
    """Say how it is undone, or why not."""
    if not rollback:
        return ""
    return str(rollback.get("playbook") or f"nothing: {rollback.get('none', '')}")


def used(counts: dict[str, int]) -> str:
    """Say how often it was used already."""
    return (
        f"{count(counts['on_ticket'], 'time')} on this ticket,"
        f" {count(counts['in_an_hour'], 'time')} within an hour"
    )


def change_facts(one: Approval, found: Dossier) -> list[tuple[str, str]]:
    """Return hashes and principals of the proposal."""
    people, again = ", ".join(one.asked_by), one.confirmed_sha256
    return [
        ("Shown", one.shown_sha256),
        *([("Shown again", again)] if again not in ("", one.shown_sha256) else []),
        *([("Files", one.tree_hash)] if one.tree_hash else []),
        *([("Tree before", found.tree.before)] if found.tree and found.tree.before else []),
        ("Proposed by", f"{one.facts['card']}, {one.author}"),
        *([("Behind it", people)] if people else []),
    ]


def near(known: dict[str, Any]) -> list[str]:
    """Return what else breaks when this does: what shares its host."""
    radius = known["blast_radius"]
    return [
        f"{ci['name']} ({ci['class']})"
        + "".join(f", {w.replace('_', ' ')}" for w in ("user_facing", "lifeline") if ci[w])
        for ci in radius["same_host"]
    ]


def planned(known: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what else is on its way to the CI or its host."""
    return [
        (
            f"{one['entry']} on {one['target']} for {one['ticket']}: {one['state']}",
            reverse("admin:action", args=[one["action"]]),
        )
        for one in known["planned"]
    ]


def decided(one: Approval, now: datetime) -> list[tuple[str, str]]:
    """Return who decided, with what, and who carried it out."""
    if one.state == "waiting" or one.decided_at is None:
        return []
    independent: dict[bool | None, str] = {
        True: "yes",
        False: "no: not independent, one person operates here",
    }
    found = [
        ("Decided by", one.approver.removeprefix("person:")),
        ("Decided at", Moment(one.decided_at, now).clock),
        ("Why", one.why),
        ("Second factor", {"totp": "code of an authenticator"}.get(one.factor, "")),
        ("Independent", independent.get(one.independent, "") if one.approver else ""),
        ("Carried out by", one.implementer.removeprefix("executor:")),
    ]
    return [(name, text) for name, text in found if text]
