"""Memory as a page: what runs may be given, how often it held, and whether it helped."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ethops.pages.seals import Seal, seal
from ethops.pages.words import Moment, State, count
from ethops.world import ledger_proofs, memory
from ethops.world.memory import Helped, Known
from personas.memory.models import Evidence

SHOWN = 100
EPISODES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One item as a line."""

    subject: str
    about: str
    kind: str
    held: str
    trust: str
    helped: str
    seal: Seal
    href: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One episode as a line."""

    card: str
    ticket: str
    ticket_href: str
    did: str
    state: State
    at: Moment
    seal: Seal
    href: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page."""
    proven_to = ledger_proofs.agreed_to()
    now = timezone.now()
    about = {
        **context,
        "title": "Memory",
        "lines": [_line(one, proven_to) for one in memory.known(SHOWN)],
        "episodes": [_happened(one, proven_to, now) for one in memory.episodes(EPISODES)],
        "learned": count(memory.learned(), "run"),
    }
    return TemplateResponse(request, "desk/memory.html", about)


def helped(of: Helped) -> str:
    """Say what an item was good for."""
    if of.gain is None:
        return f"not to be said yet: {count(of.given, 'run')} with it, {of.without} without"
    with_it = f"{of.given_well} of {of.given} went well with it"
    return f"{with_it}, {of.without_well} of {of.without} without"


def _line(one: Known, proven_to: int) -> Line:
    item = one.item
    return Line(
        subject=item.subject,
        about=f"{item.alert or 'any alert'} on {item.ci_class or 'no CI'}",
        kind=item.kind,
        held=f"{one.held} of {one.seen}",
        trust=f"{one.trust:.2f}",
        helped=helped(one.helped),
        seal=seal(one.newest, proven_to),
        href=reverse("admin:memory_item_change", args=[item.id]),
    )


def _happened(one: Evidence, proven_to: int, now: Any) -> Happened:
    facts = one.item.facts if isinstance(one.item.facts, dict) else {}
    entries = [str(entry) for entry in facts.get("entries") or []]
    return Happened(
        card=str(facts.get("card", "")),
        ticket=one.ticket_ref,
        ticket_href=reverse("admin:tickets_ticket_change", args=[one.ticket_ref]),
        did=", then ".join(entries) or "nothing was run",
        state=State("it worked", "ok", "tick")
        if one.held
        else State("it did not", "quiet", "would"),
        at=Moment(one.at, now),
        seal=seal(one.source_seq, proven_to),
        href=reverse("admin:run", args=[one.run]),
    )
