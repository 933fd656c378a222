"""When a notice may go, how often again, and to whom after that. Pure: no clock, no rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

Occasion: TypeAlias = Literal["opened", "moved", "said"]

FIRST_PAUSE: Final = timedelta(minutes=5)
LONGEST_PAUSE: Final = timedelta(hours=4)
ESCALATES_AFTER: Final = 3
"""So often somebody is told before the one after him is told, too."""
MOST_TOLD: Final = 12
"""So often somebody is told at most of one thing: half a day and more, with growing pauses."""
PIERCES: Final = "P1"
"""What is told whatever the hour."""
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which somebody is left alone: wall clock of his zone, over midnight if need be."""

    zone: str
    begin: time
    end: time

    @classmethod
    def of_hours(cls, zone: str, hours: str) -> "Quiet":
        """Return the hours written as 22:00-07:00."""
        begin, _, end = hours.partition("-")
        return cls(zone, time.fromisoformat(begin), time.fromisoformat(end))


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a ticket, and how the ticket stands."""

    occasion: Occasion
    ticket_class: str
    priority: str
    state: str
    service: str = ""
    stimulus: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rule is about; what is empty is not asked."""

    occasion: Occasion
    ticket_class: str = ""
    priorities: Collection[str] = ()
    states: Collection[str] = ()
    service: str = ""


def matches(wanted: Wanted, fact: Fact) -> bool:
    """Tell whether a rule speaks of what happened."""
    return (
        wanted.occasion == fact.occasion
        and wanted.ticket_class in ("", fact.ticket_class)
        and (not wanted.priorities or fact.priority in wanted.priorities)
        and (not wanted.states or fact.state in wanted.states)
        and wanted.service in ("", fact.service)
    )


def is_quiet(at: datetime, quiet: Quiet) -> bool:
    """Tell whether somebody is to be left alone at an instant."""
    wall = at.astimezone(ZoneInfo(quiet.zone)).time()
    if quiet.begin <= quiet.end:
        return quiet.begin <= wall < quiet.end
    return wall >= quiet.begin or wall < quiet.end


def may_go(at: datetime, quiet: Quiet | None, priority: str) -> datetime:
    """Return the first instant from here on at which a notice may go.

    Minute by minute: hours that a clock skips or shows twice need no rule of their own.
    """
    if quiet is None or priority == PIERCES or not is_quiet(at, quiet):
        return at
    next_at = at.replace(second=0, microsecond=0) + MINUTE
    while is_quiet(next_at, quiet):
        next_at += MINUTE
    return next_at


def pause(told: int) -> timedelta:
    """Return how long to wait for an acknowledgement after so many times."""
    doubled: int = 1 << max(0, min(told - 1, 16))
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def next_time(told: int, at: datetime, quiet: Quiet | None, priority: str) -> datetime | None:
    """Return when to tell again who has not acknowledged; None where it was enough."""
    if told >= MOST_TOLD:
        return None
    return may_go(at + pause(told), quiet, priority)


def escalates(told: int) -> bool:
    """Tell whether the one after him is told now."""
    return told == ESCALATES_AFTER
