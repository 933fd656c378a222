"""Service levels as a site file declares them, and the short texts for hours and lengths."""

import re
from datetime import date
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from adapters.declared import Declaration, refusal

Class: TypeAlias = Literal["incident", "problem", "change", "request"]
Priority: TypeAlias = Literal["P1", "P2", "P3", "P4"]
Hours: TypeAlias = tuple[tuple[int, int], ...]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$", max_length=64)]
Who = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,150}$")]
"""A team or a person by name, empty for nobody."""

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PROVIDED: Final = ("always", "office")
"""Calendars that are there before anybody makes one."""
LONGEST_SECONDS: Final = 366 * 86_400
MOST_HOLIDAYS: Final = 2_000

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*(?:-|to)\s*(\d{1,2}):(\d{2})")
_LENGTH = re.compile(r"(?:(\d{1,5})\s*h)?\s*(?:(\d{1,5})\s*min)?\s*(?:(\d{1,7})\s*s)?")


class TextRefusedError(ValueError):
    """A short text is not what it should be; `what` says why and `mend` how to write it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what, self.mend = what, mend


def hours(text: str) -> Hours:
    """Read `08:00-12:00, 13:00-17:00`, `all day`, or nothing for a day without hours.

    Raises:
        TextRefusedError: it is none of these.
    """
    if text.strip() in {"", "closed"}:
        return ()
    if text.strip() == "all day":
        return ((0, 86_400),)
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        begin, end = _span(part.strip())
        if found and begin < found[-1][1]:
            raise TextRefusedError(
                f"{part.strip()} begins before the hours ahead of it end.", "Put them in order."
            )
        found.append((begin, end))
    return tuple(found)


def _span(part: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(part)
    if match is None:
        raise TextRefusedError(
            f"{part!r} is no time of day.", "Write 08:00-12:00, 13:00-17:00, or all day."
        )
    first, second, third, fourth = (int(group) for group in match.groups())
    begin, end = first * 60 + second, third * 60 + fourth
    if second > 59 or fourth > 59 or end > 24 * 60:
        raise TextRefusedError(f"{part} is no time of day.", "A day goes from 00:00 to 24:00.")
    if begin >= end:
        raise TextRefusedError(
            f"{part} ends before it begins.",
            "For a night write 22:00-24:00, and 00:00-06:00 on the day after.",
        )
    return begin * 60, end * 60


def length(text: str) -> int:
    """Read `15 min`, `4 h`, `1 h 30 min` as seconds.

    Raises:
        TextRefusedError: it is no such length, none at all, or more than a year.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        mend = "Write 15 min, 4 h or 1 h 30 min. A day has as many hours as its calendar gives it."
        raise TextRefusedError(f"{text!r} is no length of time.", mend)
    hour, minute, second = (int(group or 0) for group in match.groups())
    seconds = hour * 3_600 + minute * 60 + second
    if not 60 <= seconds <= LONGEST_SECONDS:
        raise TextRefusedError(f"{text} is out of bounds.", "Write from 1 min to 8784 h.")
    return seconds


def holiday(text: str) -> tuple[date, str]:
    """Read `2026-12-25 Christmas` as a day and its name, which may be left out.

    Raises:
        TextRefusedError: it does not begin with a day.
    """
    first, _, name = text.strip().partition(" ")
    try:
        return date.fromisoformat(first), name.strip()
    except ValueError as fault:
        raise TextRefusedError(
            f"{first!r} is no day.", "Write one a line: 2026-12-25 Christmas."
        ) from fault


def zone(name: str) -> str:
    """Return a zone's name if it is one.

    Raises:
        TextRefusedError: this machine knows no such zone.
    """
    if name not in available_timezones():
        raise TextRefusedError(f"There is no zone {name!r}.", "Write one as Europe/Berlin or UTC.")
    return ZoneInfo(name).key


def _hours(text: str) -> str:
    try:
        hours(text)
    except TextRefusedError as fault:
        raise refusal(fault.what, fault.mend) from fault
    return text


def _holiday(text: str) -> str:
    try:
        holiday(text)
    except TextRefusedError as fault:
        raise refusal(fault.what, fault.mend) from fault
    return text


def _length(text: str) -> str:
    try:
        length(text)
    except TextRefusedError as fault:
        raise refusal(fault.what, fault.mend) from fault
    return text


def _zone(name: str) -> str:
    try:
        return zone(name)
    except TextRefusedError as fault:
        raise refusal(fault.what, fault.mend) from fault


HoursText = Annotated[str, Field(max_length=200), AfterValidator(_hours)]
LengthText = Annotated[str, Field(max_length=40), AfterValidator(_length)]


class DeclaredWeek(Declaration):
    """Hours of each weekday; one that is left out has none."""

    monday: HoursText = ""
    tuesday: HoursText = ""
    wednesday: HoursText = ""
    thursday: HoursText = ""
    friday: HoursText = ""
    saturday: HoursText = ""
    sunday: HoursText = ""

    @model_validator(mode="after")
    def _some(self) -> "DeclaredWeek":
        if not any(hours(getattr(self, day)) for day in DAYS):
            raise refusal("No day has hours.", "Give at least one day some, or `all day`.")
        return self


class DeclaredCalendar(Declaration):
    """When time counts."""

    name: Slug
    zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    hours: DeclaredWeek
    holidays: Annotated[
        tuple[Annotated[str, Field(max_length=120), AfterValidator(_holiday)], ...],
        Field(max_length=MOST_HOLIDAYS),
    ] = ()
    """Days on which no time counts: `2026-12-25 Christmas`."""


class DeclaredService(Declaration):
    """What people rely on, and the CIs that it stands on."""

    slug: Slug
    name: Annotated[str, Field(min_length=1, max_length=120)]
    cis: Annotated[tuple[Slug, ...], Field(max_length=2_000)] = ()


class DeclaredTarget(Declaration):
    """Within which time a ticket has somebody, and is resolved."""

    ticket_class: Annotated[Class, Field(alias="class")]
    priority: Priority
    service: Slug | None = None
    """None: of every service."""
    tto: LengthText | None = None
    ttr: LengthText | None = None
    calendar: Slug = "always"
    warn: Who = ""
    """Who is told when three quarters of the time are used; empty: the ticket alone."""
    breach: Who = ""
    """Who is told when it is over."""

    @model_validator(mode="after")
    def _promises(self) -> "DeclaredTarget":
        if self.tto is None and self.ttr is None:
            raise refusal("A target that promises nothing.", "Give `tto`, `ttr` or both.")
        return self


class ServiceLevels(Declaration):
    """Calendars, services and targets of one site, beside those that were there before."""

    calendars: tuple[DeclaredCalendar, ...] = ()
    services: tuple[DeclaredService, ...] = ()
    targets: tuple[DeclaredTarget, ...] = ()
