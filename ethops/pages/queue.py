"""The runtime's queue as a page: who waits for what, how far admission is open, what lies dead."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from ethops.pages import live as live_parts
from ethops.pages.agents import LEVELS, waits_for
from ethops.pages.words import Moment, State, approval_state, count, listed, run_state, span
from ethops.world import queue
from ethops.world.queue import Picture, Places
from ethops.world.story import deed
from personas.approvals.models import Approval
from personas.intents import Queue
from personas.models import Run

SHOWN: Final = 20
"""Lines of each list; the whole stands behind its link."""
PRIORITIES: Final = ("critical", "high", "normal", "low", "backlog")


@dataclass(frozen=True, slots=True)
class Line:
    """One run as a line."""

    place: str
    short: str
    href: str
    card: str
    ticket: str
    ticket_href: str
    detail: str
    state: State
    at: Moment


@dataclass(frozen=True, slots=True)
class Share:
    """Places of an environment or a card, with how full they are."""

    name: str
    at_work: str
    waits: str
    full: bool
    note: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page."""
    about = {
        **context,
        **content(),
        "title": "Queue",
        "live": True,
        "tag": live_parts.tag(request, "queue"),
    }
    return TemplateResponse(request, "desk/queue.html", about)


def live(request: HttpRequest) -> HttpResponse:
    """Draw the part that keeps itself fresh."""
    return live_parts.part(request, "desk/queue_live.html", "queue", content)


def content() -> dict[str, Any]:
    """Return what the page says."""
    seen = queue.picture()
    return {
        "now": Moment(seen.at, seen.at),
        "say": summary(seen),
        "level": level(seen),
        "admission": admission(seen),
        "environments": [environment(one, seen.at) for one in seen.environments],
        "cards": [card(one) for one in seen.cards],
        "lists": [
            ("waiting", "Wait for a place", "Nobody waits.", *_cut(waiting(seen))),
            ("parked", "Parked for a person", "Nothing waits for a person.", *_cut(parked(seen))),
            ("retrying", "Tried again", "Nothing is tried again.", *_cut(retrying(seen))),
            ("at-work", "Have a place", "Nobody is at work.", *_cut(at_work(seen))),
            ("held", "Set aside by people", "Nothing is set aside.", *_cut(held(seen))),
            ("dead", "Dead letters", "Nothing was given up.", *_cut(dead(seen))),
        ],
    }


def _cut(lines: list[Line]) -> tuple[list[Line], int]:
    return lines[:SHOWN], max(0, len(lines) - SHOWN)


def summary(seen: Picture) -> str:
    """Say in one sentence how it stands."""
    parts = [
        f"{len(seen.at_work)} at work",
        f"{len(seen.waiting)} waiting for a place",
        f"{len(seen.parked)} parked for a person",
        *([f"{len(seen.retrying)} tried again"] if seen.retrying else []),
        *([f"{len(seen.held)} set aside"] if seen.held else []),
        *([count(len(seen.dead), "dead letter")] if seen.dead else []),
    ]
    said = listed(parts)
    return f"{said[:1].upper()}{said[1:]}."


def level(seen: Picture) -> State:
    """Return how far new runs are let in."""
    name = seen.throttle.level if seen.throttle else "open"
    return LEVELS.get(name, State(name))


def admission(seen: Picture) -> list[tuple[str, str]]:
    """Say why it is as far open as it is."""
    now = seen.throttle
    if now is None:
        return [("Why", "Nobody has looked yet: everything is let in.")]
    found = [("Why", now.said), ("Expected in a minute", str(now.predicted))]
    if now.level != "open":
        highest = "critical ones" if not now.lowest_priority else f"0 to {now.lowest_priority}"
        found += [("Lets in priorities", highest), ("Others after", f"{now.retry_after_s} s")]
    found.append(("For", Moment(now.at, seen.at).ago))
    return [(name, text) for name, text in found if text]


def environment(one: Queue, now: datetime) -> Share:
    """Return the places of an environment."""
    oldest = f"the oldest for {span(now - one.oldest)}" if one.oldest else ""
    return Share(
        name=one.environment,
        at_work=f"{one.at_work} of {one.max_concurrent}",
        waits=f"{one.queued} of {one.max_queued}",
        full=one.at_work >= one.max_concurrent,
        note=oldest,
    )


def card(one: Places) -> Share:
    """Return the places of a card."""
    more = [
        *([f"{one.parked} parked"] if one.parked else []),
        *([f"{one.retrying} tried again"] if one.retrying else []),
        *([f"no new runs, {one.isolated}"] if one.isolated else []),
    ]
    return Share(
        name=one.card,
        at_work=f"{one.at_work} of {one.most}" if one.most is not None else str(one.at_work),
        waits=str(one.waiting),
        full=bool(one.isolated) or (one.most is not None and one.at_work >= one.most),
        note=listed(more),
    )


def waiting(seen: Picture) -> list[Line]:
    """Return who waits for a place, in the order in which they get one."""
    return [
        _line(
            run,
            seen,
            place=str(place),
            detail=f"{PRIORITIES[run.intent.priority]}; waits for {_waits(run.id, seen)}",
            at=run.created_at,
        )
        for place, run in enumerate(seen.waiting, start=1)
    ]


def parked(seen: Picture) -> list[Line]:
    """Return what waits for a person, what is over first at the top."""
    return [_parked(one, seen.at) for one in seen.parked]


def _parked(one: Approval, now: datetime) -> Line:
    left = span(one.expires_at - now)
    ask = "happens by itself unless somebody objects" if one.kind == "veto" else "waits"
    return Line(
        place="",
        short=deed(one.action),
        href=reverse("admin:approval", args=[one.pk]),
        card=one.run.card_id,
        ticket=one.ticket_ref,
        ticket_href=_ticket(one.ticket_ref),
        detail=f"{one.change_class} change, {ask}; another {left}",
        state=approval_state(one.state),
        at=Moment(one.proposed_at, now),
    )


def retrying(seen: Picture) -> list[Line]:
    """Return who is tried again, which try it is, and when."""
    return [
        _line(run, seen, detail=f"{run.why}; {_again(run, seen)}", at=run.created_at)
        for run in seen.retrying
    ]


def _again(run: Run, seen: Picture) -> str:
    at = seen.next_try.get(str(run.id))
    if at is None or at <= seen.at:
        return "at once"
    return f"in {span(at - seen.at)}"


def at_work(seen: Picture) -> list[Line]:
    """Return who has a place, and what keeps them."""
    return [
        _line(
            run,
            seen,
            detail=f"waits for {said}" if (said := _waits(run.id, seen)) else "",
            at=run.started_at or run.created_at,
        )
        for run in seen.at_work
    ]


def held(seen: Picture) -> list[Line]:
    """Return what people have set aside, and why."""
    return [
        _line(run, seen, detail=f"{run.told_by}: {run.why}", at=run.held_at or run.created_at)
        for run in seen.held
    ]


def dead(seen: Picture) -> list[Line]:
    """Return what was given up, newest first."""
    return [
        _line(run, seen, detail=run.summary.partition(". ")[0], at=run.ended_at or run.created_at)
        for run in seen.dead
    ]


def _line(run: Run, seen: Picture, *, detail: str, at: datetime, place: str = "") -> Line:
    return Line(
        place=place,
        short=f"run {str(run.id)[:4]}",
        href=reverse("admin:run", args=[run.id]),
        card=run.card_id,
        ticket=run.ticket_ref,
        ticket_href=_ticket(run.ticket_ref),
        detail=detail,
        state=run_state(run.state),
        at=Moment(at, seen.at),
    )


def _waits(run: UUID, seen: Picture) -> str:
    return listed([waits_for(one) for one in seen.waits.get(run, ())])


def _ticket(ref: str) -> str:
    return reverse("admin:tickets_ticket_change", args=[ref])
