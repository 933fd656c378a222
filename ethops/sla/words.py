"""How promises are said. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final

from ethops.sla.standing import Standing
from ethops.sla.stopwatch import Kind

NAMES: Final[dict[Kind, str]] = {"tto": "Time to own", "ttr": "Time to resolve"}
SOON: Final = timedelta(hours=3)
NIGHT: Final = timedelta(hours=18)


def length(seconds: int, gap: str = " ") -> str:
    """Return `40 s`, `12 min`, `2 h 10 min`: whole minutes from a minute and a half on."""
    if seconds < 90:
        return f"{max(seconds, 0)}{gap}s"
    hours, minutes = seconds // 3_600, seconds // 60 % 60
    parts = [f"{number}{gap}{unit}" for number, unit in ((hours, "h"), (minutes, "min")) if number]
    return " ".join(parts)


def exactly(seconds: int) -> str:
    """Return a length as it would be written into a form or file, to the second."""
    parts = ((seconds // 3_600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def said(one: Standing, now: datetime, gap: str = " ") -> str:
    """Return how a clock stands in a few calm words."""
    target, used = length(one.target_s, gap), length(one.used_s, gap)
    if one.word == "met":
        return "in time" if one.outside else f"took {used} of {target}"
    if one.word == "missed":
        return f"took {used}; {target} were promised"
    if one.word == "late":
        return f"late by {length(-one.left_s, gap)}; {target} were promised"
    left = f"{length(one.left_s, gap)} left of {target}"
    if one.outside:
        left = f"{length(one.left_s, gap)} left, as the outside desk says"
    if one.word == "paused":
        return f"{left}, paused while it waits"
    return f"{left}{_rests(one.counts_again, now)}"


def short(one: Standing, gap: str = " ") -> str:
    """Return it for a column: what is left, or by how much it is late."""
    if one.word == "late":
        return f"late by {length(-one.left_s, gap)}"
    rests = ", paused" if one.word == "paused" or one.counts_again else ""
    return f"{length(one.left_s, gap)} left{rests}"


def _rests(again: datetime | None, now: datetime) -> str:
    """Say until when nobody is there by the calendar, where that is so."""
    if again is None:
        return ""
    at = again.astimezone(UTC)
    if again - now <= SOON:
        return f", paused until {at:%H:%M} UTC"
    if again - now <= NIGHT:
        return ", paused overnight"
    return f", paused until {at:%a %-d %b %H:%M} UTC"
