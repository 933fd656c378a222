"""Twos and threes that hang together: what stands on a thing that fails is of its incident."""

from typing import Final
from uuid import UUID, uuid5

from adapters import registry
from adapters.rows import now as clock
from adapters.tickets.port import Ticket
from adapters.tickets.states import SETTLED
from ethops.desk.ground import Ground, of_event, of_seen
from ethops.desk.models import Event
from ethops.desk.numbers import Numbers
from ethops.desk.seen import AUTHOR, Seen
from ethops.executor import tickets

NAMESPACE: Final = UUID("3a1f3d2b-5b1e-4c0c-9d0d-6d7f0f6b6b52")
MOST_EVENTS: Final = 500
GRAVITY: Final = {"warning": 1, "exception": 2}


def greater(seen: Seen, ground: Ground, said: Numbers) -> tuple[str, str]:
    """Return the open incident of the same minutes that an alert is a part of, and why.

    That of a thing that its CI stands on and that fails itself, the furthest down first; else one
    of the very same CI that is as grave. Empty where there is none.
    """
    if not seen.ci_ref:
        return "", ""
    fresh = _fresh(said)
    topology = ground.around([of_seen(seen), *map(of_event, fresh)])
    below = topology.above(seen.ci_ref)
    found: list[tuple[int, Event, str]] = []
    for event in fresh:
        place = topology.place_of(event.labels, event.ci_ref)
        if place in below and event.meaning == "exception":
            why = f"{seen.ci_ref} stands on {place}, which fails itself: {event.ticket_ref}"
            found.append((len(topology.above(place)), event, why))
        elif event.ci_ref == seen.ci_ref and _as_grave(event, seen):
            why = f"{event.ticket_ref} is open for {seen.ci_ref} since the same minutes"
            found.append((len(below), event, why))
    for _, event, why in sorted(found, key=lambda one: (one[0], one[1].at)):
        if _ticket(event.ticket_ref).state not in SETTLED:
            return event.ticket_ref, why
    return "", ""


def adopt(ref: str, seen: Seen, ground: Ground, said: Numbers) -> int:
    """Put the incidents of the same minutes under a new one on which they stand; returns how many.

    What stands on a thing is often the first to be heard of.
    """
    if seen.classified.meaning != "exception":
        return 0
    fresh = _fresh(said)
    topology = ground.around([of_seen(seen), *map(of_event, fresh)])
    place = topology.place_of(seen.alert.labels, seen.ci_ref)
    adopted = 0
    for event in fresh:
        other = topology.place_of(event.labels, event.ci_ref)
        if not place or place not in topology.above(other) or event.ticket_ref == ref:
            continue
        child = _ticket(event.ticket_ref)
        if child.state in SETTLED or child.parent_ref or child.ticket_class != "incident":
            continue
        tickets.adopt_by_rule(
            key=uuid5(NAMESPACE, f"adopt:{child.ref}:{ref}"),
            ref=child.ref,
            parent=ref,
            rule=AUTHOR,
            text=f"It stands on {place}, which fails itself: {ref} is looked at first.",
        )
        adopted += 1
    return adopted


def _fresh(said: Numbers) -> list[Event]:
    """Return the alerts of the last minutes that have incidents of their own."""
    found = Event.objects.filter(
        status="firing", decision__in=("opened", "reopened"), at__gt=clock() - said.relate
    )
    return list(found.order_by("-at")[:MOST_EVENTS])


def _as_grave(event: Event, seen: Seen) -> bool:
    return GRAVITY.get(event.meaning, 0) >= GRAVITY.get(seen.classified.meaning, 0)


def _ticket(ref: str) -> Ticket:
    return registry.reader("tickets").get(ref)
