"""Many causes at once that hang together: one incident, its root first, the rest within it."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.rows import now as clock
from adapters.text import one_line
from adapters.tickets.port import Ticket, TicketDraft
from adapters.tickets.states import SETTLED
from audit.work import rows
from ethops.desk import numbers, picture
from ethops.desk.ground import Ground, of_event, of_seen
from ethops.desk.models import Event, Storm
from ethops.desk.numbers import Numbers
from ethops.desk.picture import Picture
from ethops.desk.related import Told, family, told
from ethops.desk.seen import AUTHOR, Seen, moment, urgency
from ethops.desk.topology import Topology
from ethops.executor import tickets

NAMESPACE: Final = UUID("0f4e3b62-9b1d-4a55-8f0c-6d0d9c7c5a41")
MOST_EVENTS: Final = 2_000
"""So many of the latest alerts are looked at for what belongs together."""
MOST_REASONS: Final = 400
"""So many of a storm's latest alerts give reasons for another to belong to it."""
MOST_CIS: Final = 50
MOST_CHILDREN: Final = 100
GENERATIONS: Final = 3
ASKING: Final = ("warning", "exception")


def belongs_to(seen: Seen, ground: Ground, said: Numbers) -> tuple[str, str]:
    """Return the storm's incident that an alert goes into, and why; begins one where it is due.

    Run within a turn. Empty where the alert belongs to no storm.
    """
    topology = ground.around([of_seen(seen)])
    one = told(seen.cause, seen.alert.labels, seen.ci_ref, topology)
    stormy: list[str] = []
    for storm in _open_storms():
        refs = [storm.ticket_ref, *_under(storm.ticket_ref)]
        why = _why(one, seen, storm, refs, ground)
        if why:
            return storm.ticket_ref, why
        stormy += refs
    members = _recent(said, but=stormy)
    topology = ground.around(map(of_event, members))
    causes = family(one, [_told(event, topology) for event in members])
    if len(causes) < said.storm_causes:
        return "", ""
    ref = _begin([event for event in members if event.cause_key in causes], seen, ground)
    return ref, f"{len(causes)} causes that belong together within {_seconds(said)} s"


def watch() -> None:
    """Tell of storms that grow, and settle those to which nothing is added any more."""
    for ref in Storm.objects.filter(settled_at=None).values_list("ticket_ref", flat=True):
        with transaction.atomic():
            said = numbers.take_turn()
            storm = Storm.objects.select_for_update().get(pk=ref)
            if storm.settled_at is None:
                _look(storm, said)


def _open_storms() -> list[Storm]:
    """Return storms whose incident is open, the newest first."""
    newest = Storm.objects.order_by("-began_at")[:20]
    return [one for one in newest if _ticket(one.ticket_ref).state not in SETTLED]


def _why(one: Told, seen: Seen, storm: Storm, refs: Sequence[str], ground: Ground) -> str:
    """Return why an alert belongs to a storm: while it grows for any reason, later by its roots."""
    events = _of(refs, most=MOST_REASONS)
    topology = ground.around(map(of_event, events))
    if storm.settled_at is None:
        reasons = {reason for event in events for reason in _told(event, topology).reasons}
        shared = sorted(one.reasons & reasons)
        return f"it belongs to {storm.ticket_ref}: {_readable(shared)}" if shared else ""
    place = topology.place_of(seen.alert.labels, seen.ci_ref)
    roots = {root.place for root in picture.of(events, topology).roots}
    carriers = sorted(topology.with_above(place) & roots) if place else []
    return f"{carriers[0]} carries it, whose incident is {storm.ticket_ref}" if carriers else ""


def _readable(reasons: Sequence[str]) -> str:
    # Where it stands says more than what it says.
    best = min(reasons, key=lambda reason: (not reason.startswith("on "), reason))
    return one_line(best, 100)


def _recent(said: Numbers, but: Sequence[str]) -> list[Event]:
    """Return the latest alerts that asked for action and are in no open storm, one per cause."""
    found = (
        Event.objects.filter(
            status="firing",
            meaning__in=ASKING,
            decision__in=("opened", "folded", "reopened"),
            at__gt=clock() - said.relate,
        )
        .exclude(ticket_ref__in=but)
        .order_by("-at")[:MOST_EVENTS]
    )
    return list({event.cause_key: event for event in found}.values())


def _of(refs: Sequence[str], most: int = MOST_EVENTS) -> list[Event]:
    """Return the latest alerts of a storm's incident and of those under it."""
    found = Event.objects.filter(ticket_ref__in=refs, status="firing", meaning__in=ASKING)
    return list(found.order_by("-at")[:most])


def _under(ref: str) -> list[str]:
    """Return the tickets under one, and those under them."""
    reader, found, edge = registry.reader("tickets"), list[str](), [ref]
    for _ in range(GENERATIONS):
        edge = [child.ref for one in edge for child in reader.children(one)]
        found += edge
    return found


def _told(event: Event, topology: Topology) -> Told:
    return told(event.cause_key, event.labels, event.ci_ref, topology)


def _begin(members: list[Event], last: Seen, ground: Ground) -> str:
    """Open the incident of a storm, put those of its members under it, and tell a person."""
    topology = ground.pictured([*map(of_event, members), of_seen(last)])
    shown = picture.of([*members, picture.unsaved(last)], topology)
    at = clock()
    deed = tickets.open_incident(
        key=uuid5(NAMESPACE, f"begin:{last.cause}:{at.isoformat()}"),
        draft=_draft(shown, members, last, at),
        facts={"causes": len(members) + 1, "root": shown.root_name},
    )
    Storm.objects.create(ticket_ref=deed.ref, began_at=at)
    for ref in sorted({event.ticket_ref for event in members})[:MOST_CHILDREN]:
        child = _ticket(ref)
        if child.state not in SETTLED and child.ticket_class == "incident" and not child.parent_ref:
            tickets.adopt_by_rule(
                key=uuid5(NAMESPACE, f"adopt:{ref}:{deed.ref}"),
                ref=ref,
                parent=deed.ref,
                rule=AUTHOR,
                text=f"One of many at once: belongs to {deed.ref}, which is looked at first.",
            )
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"escalate:{deed.ref}"),
        ref=deed.ref,
        rule=AUTHOR,
        stimulus="ev_escalate",
        fields={"team": "people"},
        text=f"{shown.line()} More may come: it is told when this has settled.",
    )
    rows.enqueue(
        kind="dispatch",
        subject=deed.ref,
        payload={"ticket": deed.ref, "why": "storm"},
        dedup=f"storm:{deed.ref}",
        priority=3,
    )
    return deed.ref


def _draft(shown: Picture, members: list[Event], last: Seen, at: datetime) -> TicketDraft:
    severities = [str(event.labels.get("severity", "")) for event in members]
    severities.append(last.alert.labels.get("severity", ""))
    grave = min(map(urgency, severities))
    starts = [moment(event.starts_at) for event in members] + [moment(last.alert.starts_at)]
    return TicketDraft(
        ticket_class="incident",
        title=shown.title(),
        description=shown.listed(),
        # Many outages at once are a wide one; many warnings can wait for whoever is there.
        impact=1 if grave == 1 else 2,
        urgency=grave,
        author=AUTHOR,
        author_kind="rule",
        ci_refs=tuple(shown.cis[:MOST_CIS]),
        cause_key=one_line(f"storm:{at.isoformat()}:{last.cause}", 200),
        first_bad_at=min((one for one in starts if one), default=None),
        detected_at=min((event.at for event in members), default=at),
        tainted=True,
    )


def _look(storm: Storm, said: Numbers) -> None:
    ref = storm.ticket_ref
    if _ticket(ref).state in SETTLED:
        Storm.objects.filter(pk=ref).update(settled_at=clock())
        return
    events = _of([ref, *_under(ref)])
    first_of: dict[str, datetime] = {}
    for event in reversed(events):
        first_of.setdefault(event.cause_key, event.at)
    newest = max(first_of.values(), default=storm.began_at)
    if clock() - newest >= said.settle:
        _settle(storm, events)
        return
    doubled = int(math.log2(max(1, len(first_of) / said.storm_causes)))
    if doubled:
        topology = Ground().pictured(map(of_event, events))
        _say(ref, f"grew:{doubled}", picture.of(events, topology).line())


def _settle(storm: Storm, events: list[Event]) -> None:
    """Say what it was, call it by its root, and let go what is none of it."""
    topology = Ground().pictured(map(of_event, events))
    shown = picture.of(events, topology)
    let_go = _let_go(storm.ticket_ref, events, shown, topology)
    said = [shown.line(), *shown.branches()]
    if let_go:
        said.append(f"Not explained by that, and now of their own: {', '.join(let_go)}.")
    tickets.retitle_by_rule(
        key=uuid5(NAMESPACE, f"settled:{storm.ticket_ref}"),
        ref=storm.ticket_ref,
        title=shown.title(),
        rule=AUTHOR,
        text="Settled. " + "\n".join(said),
    )
    Storm.objects.filter(pk=storm.ticket_ref).update(settled_at=clock())


def _let_go(ref: str, events: list[Event], shown: Picture, topology: Topology) -> list[str]:
    """Open incidents for what came at the same time, stands elsewhere, and is explained by nothing.

    Only where the CMDB says what it stands on: of what nobody knows the time is all there is.
    """
    strays = shown.strays(topology)
    found: list[str] = []
    for event in events:
        if event.ticket_ref != ref or event.ci_ref not in strays:
            continue
        deed = tickets.open_incident(
            key=uuid5(NAMESPACE, f"stray:{ref}:{event.cause_key}"),
            draft=_own(event, topology),
            facts={"fingerprint": event.fingerprint, "storm": ref},
        )
        Event.objects.filter(pk=event.pk).update(
            ticket_ref=deed.ref,
            decision="opened" if deed.outcome == "opened" else "folded",
            reason=f"the storm {ref} does not explain it",
        )
        if deed.outcome == "opened":
            found.append(deed.ref)
            rows.enqueue(
                kind="dispatch",
                subject=deed.ref,
                payload={"ticket": deed.ref, "why": "opened"},
                dedup=f"opened:{deed.ref}",
                priority=3,
            )
    return found


def _own(event: Event, topology: Topology) -> TicketDraft:
    ci = topology.cis[event.ci_ref]
    summary = str(event.annotations.get("summary") or event.labels.get("alertname"))
    return TicketDraft(
        ticket_class="incident",
        title=summary,
        description=str(event.annotations.get("description", "")),
        impact=ci.impact,
        urgency=urgency(str(event.labels.get("severity", ""))),
        author=AUTHOR,
        author_kind="rule",
        ci_refs=(ci.ref,),
        cause_key=event.cause_key,
        first_bad_at=moment(event.starts_at),
        detected_at=event.at,
        tainted=True,
    )


def _say(ref: str, occasion: str, text: str) -> None:
    key = uuid5(NAMESPACE, f"{occasion}:{ref}")
    tickets.comment_by_rule(key=key, ref=ref, rule=AUTHOR, text=text, tainted=True)


def _ticket(ref: str) -> Ticket:
    return registry.reader("tickets").get(ref)


def _seconds(said: Numbers) -> int:
    return int(said.relate.total_seconds())
