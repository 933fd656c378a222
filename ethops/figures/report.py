"""One report over a period: what the page, the API and Prometheus all show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ethops.figures import arithmetic, reading
from ethops.figures.arithmetic import FirstTime, Share, Spread
from ethops.figures.facts import Actor

MENDERS: frozenset[Actor] = frozenset({"agent", "person"})


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, by who did it and by all of them together."""

    agent: Spread | None
    person: Spread | None
    all: Spread | None


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of how many, by who did it and by all together."""

    agent: Share
    person: Share
    itself: Share
    all: Share


@dataclass(frozen=True, slots=True)
class Kept:
    """How many promises of one class and clock were kept."""

    ticket_class: str
    kind: str
    share: Share


@dataclass(frozen=True, slots=True)
class Counts:
    """What the figures are made of, and what could not be counted among it."""

    incidents: int
    open: int
    by_agent: int
    by_person: int
    by_itself: int
    untaken: int
    """Nobody ever put a hand to them."""
    unseen: int
    """Resolved, and nobody has seen since when it was well."""
    changes: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about a period."""

    since: datetime
    until: datetime
    days: int
    cut: bool
    counts: Counts
    detect: Spread | None
    acknowledge: Durations
    repair: Durations
    healed_alone: Spread | None
    """Counted apart: whoever mends nothing is not fast."""
    reopened: Shares
    came_back: Shares
    changes: Shares
    first_time_right: Sequence[FirstTime]
    promises: Sequence[Kept]


def report(days: int, now: datetime) -> Report:
    """Return the figures of the last so many days."""
    since = now - timedelta(days=days)
    facts = reading.read(since, now)
    incidents = facts.incidents
    return Report(
        since=since,
        until=now,
        days=days,
        cut=facts.cut,
        counts=_counts(facts),
        detect=arithmetic.detect(incidents),
        acknowledge=Durations(
            arithmetic.acknowledge(incidents, "agent"),
            arithmetic.acknowledge(incidents, "person"),
            arithmetic.acknowledge(incidents),
        ),
        repair=Durations(
            arithmetic.repair(incidents, frozenset({"agent"})),
            arithmetic.repair(incidents, frozenset({"person"})),
            arithmetic.repair(incidents, MENDERS),
        ),
        healed_alone=arithmetic.repair(incidents, frozenset({"itself"})),
        reopened=_shares(arithmetic.reopened(incidents, now)),
        came_back=_shares(arithmetic.came_back(incidents, now)),
        changes=_shares(arithmetic.succeeded(facts.changes, incidents, now)),
        first_time_right=arithmetic.first_time_right(facts.repairs),
        promises=[
            Kept(ticket_class, kind, share)
            for (ticket_class, kind), share in sorted(arithmetic.kept(facts.promises).items())
        ],
    )


def _shares(by: Mapping[Actor, Share]) -> Shares:
    return Shares(by["agent"], by["person"], by["itself"], arithmetic.together(by))


def _counts(facts: reading.Facts) -> Counts:
    ends = [one.episodes[-1] for one in facts.incidents]
    over = [one for one in ends if one.resolved_at is not None]
    return Counts(
        incidents=len(ends),
        open=len(ends) - len(over),
        by_agent=sum(one.by == "agent" for one in over),
        by_person=sum(one.by == "person" for one in over),
        by_itself=sum(one.by == "itself" for one in over),
        untaken=sum(one.taken_at is None for one in facts.incidents),
        unseen=sum(one.well_from is None for one in over),
        changes=len(facts.changes),
    )
