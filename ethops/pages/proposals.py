"""What was seen and is no CI: the list, and one of them with what shows it, to decide about."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from adapters.cmdb import proposing, queries
from adapters.cmdb.models import Proposal
from adapters.cmdb.precedence import ATTRIBUTE, EXISTS, Stand, is_locked
from adapters.json_value import JSON
from ethops.api import acts
from ethops.pages import typed, words
from ethops.pages.ci import FORBIDDEN
from ethops.pages.typed import Typed
from ethops.pages.words import Moment
from personas.approvals import queries as approvals
from personas.approvals.errors import ApprovalRefusedError

SHOWN: Final = 100
DECIDED: Final = 20
LARGEST: Final = 2**63 - 1
FIELDS: Final = {"name": "Name", "ci_class": "Class", "attributes.runs_on": "Runs on"}
"""Fields that are called otherwise by people; other attributes by their own names."""
UNSAID: Final = frozenset({EXISTS, "managed_by"})
"""What goes with every word of the desk."""


@require_safe
def all_shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the list: what waits, then what was decided of late."""
    now = timezone.now()
    waiting = proposing.waiting()
    decided = [
        one for state in ("accepted", "declined") for one in proposing.of_state(state)[:DECIDED]
    ]
    decided.sort(key=lambda one: one.decided_at or one.proposed_at, reverse=True)
    about = {
        **context,
        "title": "Proposals",
        "number": waiting.count(),
        "waiting": [_line(one, now) for one in waiting[:SHOWN]],
        "decided": [_line(one, now) for one in decided[:DECIDED]],
    }
    return TemplateResponse(request, "desk/proposals.html", about)


def shown(request: HttpRequest, context: dict[str, Any], number: int) -> HttpResponse:
    """Draw one, or do what a person decided about it."""
    refused: Typed | None = None
    if request.method == "POST":
        told = _decided(request, number)
        if not told:
            return HttpResponseRedirect(reverse("admin:proposals"))
        refused = typed.refused(request, request.POST.get("act", ""), told)
    # Taken first, so that what is seen while this is drawn is seen as changed since; and anew where
    # something was refused, since what is drawn then is new, too.
    digest = proposing.digest(min(number, LARGEST))
    found = Proposal.objects.filter(pk=min(number, LARGEST)).first()
    if found is None:
        raise Http404("There is no such proposal.")
    about = {**context, **content(request, found), "refused": refused, "shown": digest}
    decides = about["waits"] and about["may"]
    offered = {"accept": decides and not about["locked"], "decline": decides}
    about["lost"] = refused.lost(offered) if refused else ""
    return TemplateResponse(request, "desk/proposal.html", about, status=422 if refused else 200)


def _decided(request: HttpRequest, number: int) -> str:
    """Do what was pressed; returns why it was refused, empty where it was not."""
    if not request.user.has_perm(acts.MAY_DECLARE):
        return FORBIDDEN
    person, why = request.user.get_username(), request.POST.get("why", "").strip()
    about, digest = min(number, LARGEST), request.POST.get("shown", "")
    try:
        if request.POST.get("act") == "accept":
            code = request.POST.get("code", "")
            acts.accept_proposal(proposal=about, person=person, why=why, code=code, shown=digest)
            messages.success(request, "It is said in the CMDB now, in your name.")
        elif request.POST.get("act") == "decline":
            acts.decline_proposal(proposal=about, person=person, why=why, shown=digest)
            messages.success(
                request, "It is declined, and asked again only if it is seen otherwise."
            )
        else:
            return "Accept it or decline it."
    except ApprovalRefusedError as fault:
        return f"{fault} {fault.hint}"
    return ""


def content(request: HttpRequest, one: Proposal) -> dict[str, Any]:
    """Return everything that the page says of a proposal; names in it are a stranger's words."""
    now, person = timezone.now(), request.user.get_username()
    stands = {stand.field: stand for stand in queries.stands_of(one.ref)}
    locked = any(
        is_locked(stands[name]) for name in one.said if name in stands and stands[name].held
    )
    return {
        "title": f"Proposal: {one.name}",
        "one": one,
        "headline": headline(one),
        "state": words.proposal_state(one.state),
        "waits": one.state == "proposed",
        "seen": [
            (each.source, words.count(each.times, "time"), Moment(each.first, now),
             Moment(each.last, now), each.said)
            for each in sorted(proposing.seen(one), key=lambda each: each.last, reverse=True)
        ],
        "fields": [
            (_called(name), words.plain(value), _said_by(stands.get(name)))
            for name, value in sorted(one.said.items(), key=_order)
            if name not in UNSAID
        ],
        "about_href": reverse("admin:cmdb_ci_change", args=[one.about]) if one.about else "",
        "is_new": EXISTS in one.said,
        "locked": locked,
        "ref_href": reverse("admin:cmdb_ci_change", args=[one.ref])
        if EXISTS in stands and one.state == "accepted"
        else "",
        "decided": Moment(one.decided_at, now) if one.decided_at else None,
        "may": request.user.has_perm(acts.MAY_DECLARE),
        "forbidden": FORBIDDEN,
        "has_factor": approvals.has_factor(person),
        "person": person,
    }  # fmt: skip


def headline(one: Proposal) -> str:
    """Say in a few words what is proposed."""
    if one.kind == "attribute":
        return f"{one.about}: {one.name} is {words.plain(one.said.get(ATTRIBUTE + one.name))}"
    return f"{one.name} on {one.about}" if one.about else one.name


def _line(one: Proposal, now: Any) -> dict[str, Any]:
    return {
        "href": reverse("admin:proposal", args=[one.pk]),
        "what": headline(one),
        "kind": one.kind,
        "source": one.source,
        "times": words.count(one.times, "time"),
        "last": Moment(one.last_seen_at, now),
        "state": words.proposal_state(one.state),
        "by": one.decided_by,
        "why": one.why,
    }


def _order(field: tuple[str, JSON]) -> tuple[int, str]:
    known = ("name", "ci_class")
    return (known.index(field[0]) if field[0] in known else len(known)), field[0]


def _called(name: str) -> str:
    return FIELDS.get(name, name.removeprefix(ATTRIBUTE))


def _said_by(stand: Stand | None) -> str:
    """Say what counts by now, and who says so."""
    if stand is None:
        return ""
    return f"{words.plain(stand.counts.value)}, says {stand.counts.source}"
