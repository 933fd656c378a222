"""What was promised as one text: its calendar, its target, and whom it tells. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, cast

from audit.canonical import JSON, canonical
from ethops.sla.calendars import ALWAYS, Calendar

OUTSIDE = "outside"
"""The name of the calendar by which an outside desk reckons: its deadline alone is known."""


@dataclass(frozen=True, slots=True)
class Given:
    """What holds for one clock of a ticket."""

    target_s: int
    calendar_name: str
    calendar: Calendar
    service: str = ""
    warn: str = ""
    breach: str = ""

    @property
    def outside(self) -> bool:
        """True where an outside desk says when it is due."""
        return self.calendar_name == OUTSIDE


def body(given: Given) -> dict[str, JSON]:
    """Return it as JSON."""
    return {
        "target_s": given.target_s,
        "service": given.service,
        "warn": given.warn,
        "breach": given.breach,
        "calendar": {
            "name": given.calendar_name,
            "zone": given.calendar.zone,
            "week": [[list(hours) for hours in day] for day in given.calendar.week],
            "holidays": sorted(day.isoformat() for day in given.calendar.holidays),
        },
    }


def digest(of: Mapping[str, JSON]) -> str:
    """Return the name under which it is kept."""
    return hashlib.sha256(canonical(of)).hexdigest()


def of_outside(target_s: int) -> Given:
    """Return the terms of a deadline that an outside desk has set."""
    return Given(max(target_s, 1), OUTSIDE, ALWAYS)


def given(of: Mapping[str, Any]) -> Given:
    """Return what a kept text says."""
    calendar = of["calendar"]
    return Given(
        target_s=int(of["target_s"]),
        calendar_name=str(calendar["name"]),
        calendar=_calendar(
            str(calendar["zone"]),
            tuple(tuple((int(a), int(b)) for a, b in day) for day in calendar["week"]),
            tuple(calendar["holidays"]),
        ),
        service=str(of["service"]),
        warn=str(of["warn"]),
        breach=str(of["breach"]),
    )


@lru_cache(maxsize=256)
def _calendar(
    zone: str, week: tuple[tuple[tuple[int, int], ...], ...], holidays: tuple[str, ...]
) -> Calendar:
    """Return the same calendar each time, so that what it was asked before is remembered."""
    return Calendar(zone, cast("Any", week), frozenset(date.fromisoformat(day) for day in holidays))
