"""The safeguards: how far each is carried and how that is known; one of them, to attest it."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from adapters import registry
from adapters.cmdb.errors import CINotFoundError
from adapters.compliance.port import WHOLE, Finding, Safeguard
from adapters.compliance.safeguards import CIS
from adapters.text import one_line
from ethops.api import acts
from ethops.pages.words import Moment, State, listed
from personas.approvals import queries as approvals
from personas.approvals.doors import Attested
from personas.approvals.errors import ApprovalRefusedError

FORBIDDEN: Final = "Approvers and admins say what is so of a safeguard."
SHOWN: Final = 100
"""CIs of one safeguard; the command shows all."""
GROUNDS: Final[Mapping[str, State]] = {
    "contradicted": State("spoken against", "no", "failed"),
    "expired": State("expired", "doubt", "clock"),
    "nothing": State("nobody knows", "quiet", "doubt"),
    "exempt": State("does not apply", "quiet", "denied"),
}
STRENGTHS: Final[Mapping[str, State]] = {
    "strong": State("carried", "ok", "tick"),
    "partial": State("carried in part", "ok", "tick"),
}
MODES: Final = {
    "machine": "A machine can show it.",
    "ticket": "Tickets can show it.",
    "document": "A dated document can show it.",
    "person": "Only a person can say it.",
}
FIELDS: Final = ("why", "document", "until", "ci")
"""What is shown again where it was refused; a code is not."""


@require_safe
def all_shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the list, as it stands now."""
    now, reader = timezone.now(), registry.reader("compliance")
    whole = {one.safeguard: one for one in reader.findings(CIS) if one.scope == WHOLE}
    lines = [_line(one, whole[one.id], now) for one in reader.safeguards(CIS)]
    counts = Counter(line["state"].word for line in lines)
    told = [f"{counts[name]} {name}" for name in _words() if counts[name]]
    about = {**context, "title": "Safeguards", "lines": lines, "told": listed(told)}
    return TemplateResponse(request, "desk/safeguards.html", about)


def shown(request: HttpRequest, context: dict[str, Any], number: str) -> HttpResponse:
    """Draw one, or keep what a person says of it."""
    reader, told = registry.reader("compliance"), ""
    known = {one.id: one for one in reader.safeguards(CIS)}
    if number not in known:
        raise Http404("There is no such safeguard.")
    if request.method == "POST":
        told = _attested(request, number)
        if not told:
            return HttpResponseRedirect(reverse("admin:safeguard", args=[number]))
    found = list(reader.findings(CIS, safeguard=number))
    about = {**context, **_content(request, known[number], found), "told": told}
    return TemplateResponse(request, "desk/safeguard.html", about, status=422 if told else 200)


def _attested(request: HttpRequest, number: str) -> str:
    """Keep the word; returns why it was refused, empty where it was not."""
    if not request.user.has_perm(acts.MAY_ATTEST):
        return FORBIDDEN
    said = {name: request.POST.get(name, "").strip() for name in FIELDS}
    try:
        until = date.fromisoformat(said["until"])
    except ValueError:
        return "Name the last day on which it holds, such as 2027-06-30."
    word = Attested(
        safeguard=number,
        ci=said["ci"],
        what=one_line(said["why"], 151),
        document=one_line(said["document"], 131),
        until=until,
        holds=request.POST.get("act") != "withdraw",
    )
    try:
        if word.ci:
            registry.reader("cmdb").get(word.ci)
        code = request.POST.get("code", "")
        acts.attest(person=request.user.get_username(), said=word, code=code)
    except (ApprovalRefusedError, CINotFoundError) as fault:
        return f"{fault} {fault.hint}"
    kept = "It is kept as your word." if word.holds else "What people have said is taken back."
    messages.success(request, kept)
    return ""


def _content(request: HttpRequest, one: Safeguard, found: list[Finding]) -> dict[str, Any]:
    now, person = timezone.now(), request.user.get_username()
    return {
        "title": f"{one.id} {one.title}",
        "one": one,
        "mode": MODES[one.mode],
        "places": [_place(each, now) for each in found[: SHOWN + 1]],
        "more": max(0, len(found) - SHOWN - 1),
        "may": request.user.has_perm(acts.MAY_ATTEST),
        "forbidden": FORBIDDEN,
        "has_factor": approvals.has_factor(person),
        "person": person,
        "given": {name: request.POST.get(name, "") for name in FIELDS},
    }


def _line(one: Safeguard, found: Finding, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "href": reverse("admin:safeguard", args=[one.id]),
        "state": _state(found),
        "known": "" if found.known == "none" else found.known,
        "until": Moment(found.expires_at, now) if found.expires_at else None,
    }


def _place(found: Finding, now: datetime) -> dict[str, Any]:
    return {
        "name": found.scope or "Everything",
        "state": _state(found),
        "known": "" if found.known == "none" else found.known,
        "until": Moment(found.expires_at, now) if found.expires_at else None,
        "because": found.because,
    }


def _state(found: Finding) -> State:
    return STRENGTHS.get(found.strength) or GROUNDS[found.ground]


def _words() -> list[str]:
    return [one.word for one in (*STRENGTHS.values(), *GROUNDS.values())]
