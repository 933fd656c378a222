"""Clocks of tickets as the desk shows them: calm words, and a colour only where time is short."""

from collections.abc import Iterable
from datetime import datetime

from ethops.pages.words import NARROW, State
from ethops.sla import words
from ethops.sla.standing import Standing

MARKS = {
    "met": ("ok", "tick"),
    "missed": ("no", "late"),
    "late": ("no", "late"),
    "running": ("quiet", "clock"),
    "paused": ("quiet", "clock"),
}
"""How a clock stands -> its tone and glyph."""


def clocks(standings: Iterable[Standing], now: datetime) -> list[tuple[str, State, str]]:
    """Return name, state and deadline of each clock."""
    return [
        (words.NAMES[one.kind], state(one, words.said(one, now, NARROW)), _until(one))
        for one in standings
    ]


def state(one: Standing, said: str) -> State:
    """Return a clock's state as shown."""
    tone, glyph = MARKS[one.word]
    return State(said, "doubt" if one.word == "running" and one.urgent else tone, glyph)


def pressing(standings: Iterable[Standing]) -> Standing | None:
    """Return the clock to look at: what is due first of those that still run, else one that waits.

    What is over its target and does not stop comes first by that.
    """
    open_ones = [one for one in standings if one.word not in {"met", "missed"}]
    return min(
        open_ones,
        key=lambda one: (one.due_at is None, one.due_at.timestamp() if one.due_at else 0.0),
        default=None,
    )


def left(standings: Iterable[Standing]) -> State | None:
    """Return the short form of the pressing clock, for a column; None where nothing runs."""
    one = pressing(standings)
    return None if one is None else state(one, words.short(one, NARROW))


def _until(one: Standing) -> str:
    if one.due_at is None or one.word in {"met", "paused"}:
        return ""
    word = "was due" if one.word in {"late", "missed"} else "due"
    by = "" if one.outside else f", calendar {one.calendar}"
    return f"{word} {one.due_at:%-d %b %H:%M} UTC{by}"
