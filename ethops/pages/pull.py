"""Pull requests: which wait, what one of them changes, and three ways to decide."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from adapters.forge import port as forge
from adapters.forge.errors import ForgeError, PullNotFoundError
from adapters.forge.port import Pull
from ethops.api import acts
from ethops.pages import typed
from ethops.pages.typed import Typed
from ethops.pages.words import Moment, State
from ethops.world import pulls
from ethops.world.pulls import Dossier
from personas.approvals import queries
from personas.approvals.errors import ApprovalRefusedError

SHOWN: Final = 50
LARGEST: Final = 2**63 - 1
STATES: Final[dict[str, State]] = {
    "open": State("open", "doubt", "clock"),
    "merging": State("being merged", "run", "clock"),
    "merged": State("merged", "ok", "tick"),
    "closed": State("closed", "quiet", "failed"),
}
LISTS: Final[dict[forge.State, str]] = {
    "open": "Wait for a person", "merging": "Being merged", "merged": "Merged",
    "closed": "Closed unmerged",
}  # fmt: skip
EMPTY: Final = {"open": "Nothing waits for you.", "merged": "None yet."}
VERDICTS: Final = {
    "approved": "approved",
    "changes_requested": "asked for changes",
    "commented": "commented",
}


class ReviewForm(forms.Form):
    """What was on the page, by its hashes, and the code of the second factor."""

    verdict = forms.ChoiceField(choices=[(each, each) for each in VERDICTS])
    head = forms.RegexField(r"^[0-9a-f]{40,64}$")
    shown = forms.RegexField(r"^([0-9a-f]{64})?$", required=False)
    code = forms.RegexField(
        r"^[0-9]{6}$", required=False, error_messages={"invalid": "Six digits."}
    )
    why = forms.CharField(max_length=2000, required=False)


class MergeForm(forms.Form):
    """Which head."""

    head = forms.RegexField(r"^[0-9a-f]{40,64}$")


class CloseForm(forms.Form):
    """Which head, and why."""

    head = forms.RegexField(r"^[0-9a-f]{40,64}$")
    why = forms.CharField(max_length=500, error_messages={"required": "Say why it is closed."})


FORMS: Final[dict[str, type[forms.Form]]] = {"merge": MergeForm, "close": CloseForm}


@require_safe
def all_shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the list: what waits first, then what was merged."""
    now, away = timezone.now(), ""
    lists: list[tuple[str, str, list[dict[str, Any]]]] = []
    try:
        for state, title in LISTS.items():
            found = pulls.pulls(state, SHOWN)
            if found or state in EMPTY:
                lists.append((title, EMPTY.get(state, ""), [_line(one, now) for one in found]))
    except ForgeError as fault:
        away = f"{fault} {fault.hint}"
    about = {
        **context, "title": "Pull requests", "lists": lists, "away": away, **_elsewhere(now),
    }  # fmt: skip
    return TemplateResponse(request, "desk/pulls.html", about)


def _elsewhere(now: Any) -> dict[str, Any]:
    """Return what is followed at another forge: as it was seen there, and how long ago."""
    found = pulls.elsewhere(SHOWN)
    look = found.look
    return {
        "followed": [
            {
                "number": one.number, "url": link(one.url), "title": pulls.seen(one.title),
                "ticket": one.ticket_ref, "state": STATES[one.state],
                "by": pulls.seen(one.ended_by), "missing": one.missing,
                "reviews": [(pulls.seen(r["by"]), VERDICTS[r["verdict"]]) for r in one.reviews],
                "seen": Moment(one.seen_at, now) if one.seen_at else None,
            }
            for one in found.followed
        ],
        "unreachable": Moment(look.away_since, now)
        if look and found.is_away and look.away_since else None,
        "unreachable_said": pulls.seen(look.said) if look else "",
    }  # fmt: skip


def shown(request: HttpRequest, context: dict[str, Any], number: int) -> HttpResponse:
    """Draw one, or do what a person decided."""
    if number > LARGEST:
        raise Http404("There is no pull request of this number.")
    refused: Typed | None = None
    if request.method == "POST":
        done = _decide(request, number)
        if isinstance(done, HttpResponse):
            return done
        refused = done
    try:
        found = pulls.dossier(number)
    except PullNotFoundError as fault:
        raise Http404(str(fault)) from fault
    except ForgeError as fault:
        about = {**context, "title": "Pull requests", "lists": [], "away": f"{fault} {fault.hint}"}
        return TemplateResponse(request, "desk/pulls.html", about, status=503)
    about = {**context, **content(request, found), "refused": refused}
    waits = about["waits"]
    offered = {"approved": waits and about["diff"], "changes_requested": waits, "close": waits}
    about["lost"] = refused.lost(offered) if refused else ""
    return TemplateResponse(request, "desk/pull.html", about, status=422 if refused else 200)


def _decide(request: HttpRequest, number: int) -> HttpResponse | Typed:
    """Do what was pressed; returns where to go, or what was refused."""
    act = request.POST.get("act", "")
    form = FORMS.get(act, ReviewForm)(request.POST)
    pressed = act or request.POST.get("verdict", "")
    if not form.is_valid():
        return typed.unread(request, pressed, form)
    person, said = request.user.get_username(), form.cleaned_data
    try:
        if act == "close":
            acts.close_pull(number=number, person=person, **said)
            messages.success(request, "On record: it is closed, and its ticket is told.")
        elif act == "merge":
            acts.merge_pull(number=number, person=person, head=said["head"])
            messages.success(request, "It is merged as soon as that is on record.")
        else:
            acts.review_pull(number=number, person=person, **said)
            messages.success(request, f"On record: you {VERDICTS[said['verdict']]}.")
    except ApprovalRefusedError as fault:
        return typed.refused(request, pressed, f"{fault} {fault.hint}")
    return HttpResponseRedirect(reverse("admin:pull", args=[number]))


def content(request: HttpRequest, found: Dossier) -> dict[str, Any]:
    """Return everything the page says; titles and files are an agent's words."""
    now, pull = timezone.now(), found.pull
    order = found.merge
    return {
        "title": f"Pull request {pull.number}",
        "pull": pull,
        "name": pulls.seen(pull.title),
        "body": pulls.seen(pull.body),
        "state": STATES[pull.state],
        "facts": facts(found, now),
        "changes": [(c.kind, c.path, c.size) for c in found.changes],
        "diff": pulls.seen(found.diff),
        "shown": found.sha256,
        "reviews": [
            (r.reviewer, VERDICTS[r.verdict], notes(current=r.head == pull.head, counts=r.counts),
             pulls.seen(r.why), Moment(r.at, now))
            for r in found.reviews
        ],
        "stands": found.stands,
        "waits": pull.state == "open" and found.here,
        "elsewhere": "" if found.here else link(pull.url),
        "here": found.here and pull.state in {"open", "merging"},
        "may_merge": pull.state == "merging"
        or (bool(found.stands.approvers) and not found.stands.objectors),
        "ordered": order is not None and not order.outcome,
        "order_said": str(order.result.get("said", "")) if order and order.outcome else "",
        "order_href": reverse("admin:action", args=[order.pk]) if order else "",
        "has_factor": queries.has_factor(request.user.get_username()),
    }  # fmt: skip


def facts(found: Dossier, now: Any) -> list[tuple[str, str, str]]:
    """Return names, texts and links that we know of it ourselves."""
    pull = found.pull
    known = pull.ticket_ref and pull.ticket_ref.isascii()
    said = [
        ("Proposed by", pull.author, ""),
        ("Behind it", ", ".join(pull.behind), ""),
        ("Ticket", pull.ticket_ref, f"/tickets/{pull.ticket_ref}/" if known else ""),
        ("Run", "its run" if found.run else "",
         reverse("admin:run", args=[found.run]) if found.run else ""),
        ("Action", "its action" if pull.key and found.here else "",
         reverse("admin:action", args=[pull.key]) if pull.key and found.here else ""),
        ("Opened", Moment(pull.opened_at, now).full, ""),
        ("Onto", pull.base, ""),
        ("Branch", pull.branch, ""),
        ("Head", pull.head, ""),
        ("What is shown", found.sha256, ""),
        ("Merged as", pull.merged_as, ""),
    ]  # fmt: skip
    return [each for each in said if each[1]]


def link(url: str) -> str:
    """Return an address that a page may lead to; a forge's word may be another kind of thing."""
    return url if url.startswith(("https://", "http://")) else ""


def notes(*, current: bool, counts: bool) -> str:
    """Say why a review says little of what is there now; empty where it counts."""
    if not counts:
        return "does not count"
    return "" if current else "of an earlier head"


def _line(one: Pull, now: Any) -> dict[str, Any]:
    return {
        "href": reverse("admin:pull", args=[one.number]),
        "number": one.number,
        "title": pulls.seen(one.title),
        "author": one.author,
        "ticket": one.ticket_ref,
        "at": Moment(one.opened_at, now),
        "state": STATES[one.state],
    }
