"""A ticket: what happened, oldest first; its facts; and what a person may do about it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from adapters.errors import AdapterError
from adapters.tickets.form_fields import PENDING_REASONS
from adapters.tickets.models import LINK_KINDS, Ticket
from adapters.tickets.services import LINKED
from adapters.tickets.states import SETTLED
from ethops.api import acts
from ethops.pages import approval as approval_page
from ethops.pages import classes, levels, moving, nearby, telling, together
from ethops.pages import live as live_parts
from ethops.pages.classes import LINK_WORDS
from ethops.pages.moving import Refused
from ethops.pages.words import (
    Moment,
    State,
    count,
    entry,
    first_sentence,
    run_state,
    span,
    ticket_state,
)
from ethops.sla import queries as clocks
from ethops.world import ledger_proofs, ledger_state, story, tickets
from ethops.world.ledger_proofs import Head
from ethops.world.story import deed
from ethops.world.tickets import Dossier
from personas.approvals import queries as approvals
from personas.models import Run
from personas.states import LIVE

SECOND = timedelta(seconds=1)


class NoteForm(forms.Form):
    """A note of a person; the key makes a second press of the button harmless."""

    text = forms.CharField(
        max_length=4000, error_messages={"required": "Write what you want to say."}
    )
    private = forms.BooleanField(required=False)
    key = forms.UUIDField()


class TakeForm(forms.Form):
    """Why somebody takes the ticket, and from whom, as it was shown to him."""

    why = forms.CharField(max_length=500, required=False)
    instead_of = forms.CharField(max_length=150, required=False)
    key = forms.UUIDField()


class BackForm(forms.Form):
    """Nothing but the wish to give the ticket back."""

    key = forms.UUIDField()


class StepForm(forms.Form):
    """A step of a request that is done."""

    n = forms.IntegerField(min_value=1, max_value=9999)
    key = forms.UUIDField()


class LinkForm(forms.Form):
    """How the ticket hangs together with another."""

    kind = forms.ChoiceField(
        choices=[(kind, kind) for kind in LINK_KINDS],
        error_messages={"required": "Choose how they hang together."},
    )
    other = forms.CharField(
        max_length=16, error_messages={"required": "Write the ref of the other ticket."}
    )
    key = forms.UUIDField()


FORMS: dict[str, type[forms.Form]] = {
    "note": NoteForm,
    "take": TakeForm,
    "back": BackForm,
    "step": StepForm,
    "link": LinkForm,
    **together.FORMS,
}
"""What a person may press -> the form that is read."""
TYPED = frozenset({"note", "watch", "major", "link"})
"""Where a person types: what he typed stays, whatever it is refused for."""


def shown(request: HttpRequest, context: dict[str, Any], ref: str) -> HttpResponse:
    """Draw the ticket, or do what a person pressed."""
    dossier = _dossier(ref)
    faulty: dict[str, forms.Form] = {}
    refused: Refused | None = None
    if request.method == "POST":
        done = _pressed(request, dossier.ticket, faulty)
        if isinstance(done, HttpResponse):
            return done
        refused = done
        dossier = _dossier(ref)
    offers = moving.offers(dossier, request.user.get_username(), refused)
    about = {
        **context,
        **content(dossier, everything="all" in request.GET),
        "title": f"{ref} {dossier.ticket.title}",
        "live": True,
        "live_query": "?all" if "all" in request.GET else "",
        "tag": live_parts.tag(request, _about(request, ref)),
        "faulty": faulty,
        "refused": refused,
        "offers": offers,
        "may_take": any(one.stimulus == "ev_assign" for one in offers),
        "may_link": links_from(dossier.ticket),
        "key": uuid4(),
        "told": refused.told if refused else _told(faulty),
    }
    about["lost"] = _lost(about)
    wrong = faulty or refused
    return TemplateResponse(request, "desk/ticket.html", about, status=422 if wrong else 200)


def live(request: HttpRequest, ref: str) -> HttpResponse:
    """Draw the part that keeps itself fresh."""
    return live_parts.part(
        request,
        "desk/ticket_live.html",
        _about(request, ref),
        lambda: content(_dossier(ref), everything="all" in request.GET),
    )


def _about(request: HttpRequest, ref: str) -> str:
    return f"{ref}{'+' if 'all' in request.GET else ''}"


def _dossier(ref: str) -> Dossier:
    found = tickets.dossier(ref)
    if found is None:
        raise Http404(f"There is no ticket {ref}.")
    return found


def content(dossier: Dossier, *, everything: bool) -> dict[str, Any]:
    """Return what is shown of a ticket."""
    now = timezone.now()
    proven_to = ledger_proofs.agreed_to()
    head = ledger_proofs.behind(dossier.entries)
    lines = telling.lines(story.story(dossier), proven_to, now)
    routine = [line for line in lines if line.routine]
    live_run = next((run for run in dossier.runs if run.state in LIVE), None)
    return {
        "now": Moment(now, now),
        "ticket": dossier.ticket,
        "state": _state(dossier, live_run),
        "lines": lines if everything else [line for line in lines if not line.routine],
        **together.content(dossier.ticket, now),
        "routine": len(routine),
        "everything": everything,
        "facts": [*facts(dossier, live_run, now), *nearby.facts(dossier, now)],
        "clocks": levels.clocks(clocks.of_ticket(dossier.ticket.ref), now),
        "cis": [(ci.name, reverse("admin:cmdb_ci_change", args=[ci.ref])) for ci in dossier.cis],
        "changes": [
            (
                *(one.ref, one.title, ticket_state(one.state)),
                reverse("admin:ticket", args=[one.ref]),
                "a part of it" if one.ticket_class == "incident" else "standard change",
            )
            for one in dossier.changes
        ],
        "approvals": [
            (deed(one.action), approval_page.state(one), reverse("admin:approval", args=[one.pk]))
            for one in approvals.of_ticket(dossier.ticket.ref)
        ],
        "proof": proof(dossier, now),
        "provable": head is not None,
        "proof_href": reverse("api:tickets-proof", args=[dossier.ticket.ref]),
        "behind": behind(head),
        "called": classes.called(dossier).capitalize(),
        "of_class": classes.facts(dossier),
        "prose": classes.prose(dossier),
        "steps": dossier.steps,
        "may_step": classes.is_worked_on(dossier.ticket),
        "links": classes.links(dossier),
        "live_run": live_run is not None,
        "say": f"{dossier.ticket.ref} is {_state(dossier, live_run).word}",
    }


def _state(dossier: Dossier, live_run: Run | None) -> State:
    """Return the ticket's state; while an agent works on it, what that agent does."""
    state = ticket_state(dossier.ticket.state)
    if live_run is None or dossier.ticket.state not in {"new", "assigned"}:
        return state
    acting = any(
        one.run_id == live_run.id and one.verdict == "authorised" and not one.outcome
        for one in dossier.actions
    )
    doing = run_state(live_run.state, acting=acting)
    return State(state.word, state.tone, state.glyph, f"{live_run.card_id} is {doing.word}")


def facts(dossier: Dossier, live_run: Run | None, now: datetime) -> list[tuple[str, str]]:
    """Return names and texts; what is not known is left out, never zero."""
    one = dossier.ticket
    found: list[tuple[str, str]] = []
    if one.detected_at and one.first_bad_at:
        late = one.detected_at - one.first_bad_at
        at_once = "with the first bad sample"
        found.append(
            ("Detected", f"{span(late)} after the first bad sample" if late > SECOND else at_once)
        )
    if one.resolved_at:
        found.append(
            ("Resolved", f"after {span(one.resolved_at - (one.first_bad_at or one.opened_at))}")
        )
    else:
        found.append(("Open for", telling.ages(one.opened_at, one.closed_at, now)))
    if one.state not in SETTLED:
        found.append(("Has it", holder(one, live_run)))
    if one.team:
        found.append(("Team", one.team))
    found += of_people(one)
    found.append(("Impact, urgency", f"{one.get_impact_display()}, {one.get_urgency_display()}"))
    if one.repeats:
        found.append(("Repeats", f"{count(one.repeats, 'alert')} folded in"))
    if one.solution:
        found.append(("Solution", first_sentence(one.solution)))
    return found


def of_people(one: Ticket) -> list[tuple[str, str]]:
    """Return whose wish a ticket is, and what people said of it."""
    waits = dict(PENDING_REASONS).get(one.pending_reason, "").removeprefix("waits for ")
    again = count(one.reopens, "time") if one.reopens else ""
    said = [
        ("Asked by", one.requester),
        ("Service", one.service),
        ("Opened again", again),
        ("Waits for", waits),
    ]
    return [(name, text) for name, text in said if text]


def holder(one: Ticket, live_run: Run | None) -> str:
    """Return who has the ticket."""
    if one.assignee:
        return one.assignee
    if live_run is not None:
        return f"{live_run.card_id}, run {str(live_run.id)[:4]}"
    return "nobody"


def behind(head: Head | None) -> str:
    """Return how many independent administrators have signed a head; empty where none has."""
    others = head.administrators if head else ()
    return count(len(others), "independent administrator") if others else ""


def proof(dossier: Dossier, now: datetime) -> str:
    """Return the ticket's one line of proof; it claims no more than was checked."""
    waits = f", {dossier.waiting} being written" if dossier.waiting else ""
    entries = f"{count(len(dossier.entries), 'entry', 'entries')} recorded{waits}."
    checked = ledger_state.last_check()
    if checked is None:
        return f"{entries} The chain has not been checked yet."
    ago = Moment(checked.at, now).ago
    if not checked.whole:
        return f"{entries} The chain is broken: {checked.finding}."
    return f"{entries} The chain is whole to {entry(checked.to_seq)}, checked {ago} ago."


def _pressed(
    request: HttpRequest, of: Ticket, faulty: dict[str, forms.Form]
) -> HttpResponse | Refused | None:
    """Do what was pressed; no answer yet where a form must be shown again."""
    act = request.POST.get("act", "")
    if act == "move":
        return _moved(request, of)
    if act not in FORMS:
        raise Http404("There is no such act.")
    form = FORMS[act](request.POST)
    if not form.is_valid():
        faulty[act] = form
        return None
    try:
        messages.success(
            request, _done(act, request.user.get_username(), of.ref, form.cleaned_data)
        )
    except AdapterError as fault:
        told = f"Not done: {fault} {fault.hint}"
        if act in TYPED:
            form.add_error(None, told)
            faulty[act] = form
            return None
        messages.error(request, told)
    return HttpResponseRedirect(reverse("admin:ticket", args=[of.ref]))


def _told(faulty: dict[str, forms.Form]) -> str:
    """Return why a form was refused for something else than its fields."""
    return " ".join(str(one) for form in faulty.values() for one in form.non_field_errors())


def _lost(about: dict[str, Any]) -> str:
    """Return what was typed into a form that the page no longer offers."""
    refused, faulty = about["refused"], about["faulty"]
    if refused is not None and not any(one.open for one in about["offers"]):
        return str(refused.wrote)
    if "major" in faulty and not about["may_be_major"]:
        return str(faulty["major"]["why"].value() or "")
    return ""


def _moved(request: HttpRequest, of: Ticket) -> HttpResponse | Refused:
    said, refused = moving.moved(request, of)
    if refused is not None:
        return refused
    messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:ticket", args=[of.ref]))


def links_from(of: Ticket) -> list[tuple[str, str]]:
    """Return how a ticket of this class may hang together with others."""
    return [
        (kind, LINK_WORDS[kind][0])
        for kind, (classes_from, _) in LINKED.items()
        if of.ticket_class in classes_from
    ]


def _done(act: str, person: str, ref: str, said: dict[str, Any]) -> str:
    key: UUID = said["key"]
    if act == "note":
        visibility = "private" if said["private"] else "public"
        acts.comment(ref=ref, person=person, text=said["text"], visibility=visibility, key=key)  # type: ignore[arg-type]
        return "Your note is in the worklog."
    if act == "take":
        acts.take(ref=ref, person=person, why=said["why"], key=key, instead_of=said["instead_of"])
        return f"{ref} is yours. No agent works on it, and nothing permitted will still begin."
    if act == "back":
        acts.give_back(ref=ref, person=person, key=key)
        return f"{ref} is with the agents again."
    if act in together.DONE:
        return together.DONE[act](person, ref, said)
    if act == "step":
        acts.finish_step(ref=ref, n=said["n"], person=person, note="", key=key)
        return f"Step {said['n']} is done."
    acts.link(ref=ref, kind=said["kind"], other=said["other"].strip(), person=person, key=key)
    return f"{ref} and {said['other']} hang together now."
