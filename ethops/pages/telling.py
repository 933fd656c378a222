"""How a ticket's story is shown: one dot, one sentence and one seal per line. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ethops.pages.seals import Seal, seal_of
from ethops.pages.words import Moment, count, short_span, span
from ethops.world.story import Told

RULES = frozenset({"rules", "rule engine", "embedded", "adapters.inference.embedded"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line as shown; `strong` follows the coloured `lead` where there is one."""

    at: Moment
    glyph: str
    tone: str
    lead: str
    strong: str
    sub: str
    said: str
    label: str
    seal: Seal | None
    routine: bool
    run: str
    action: str
    new_day: str = ""


GLYPHS = {
    "alert": ("bell", ""),
    "alert_ended": ("bell", "quiet"),
    "note": ("person", ""),
    "permit": ("permit", "run"),
    "denied": ("denied", "no"),
    "would": ("would", "quiet"),
    "done": ("tick", "ok"),
    "told": ("person", "ok"),
    "failed": ("failed", "no"),
    "in_doubt": ("doubt", "doubt"),
    "proposed": ("person", "doubt"),
    "void": ("denied", "quiet"),
    "run": ("robot", "quiet"),
    "run_ended": ("robot", "doubt"),
}
"""Kind of a thing that happened -> its glyph and tone."""

BY = {"agent": "robot", "person": "person", "rule": "rule", "executor": "tick"}

LEADS = {
    "permit": "Authorised",
    "denied": "Denied",
    "would": "Would have run",
    "done": "Done",
    "told": "Done",
    "failed": "Failed",
    "in_doubt": "In doubt",
    "proposed": "Proposed",
}


def lines(told: Iterable[Told], proven_to: int, now: datetime) -> list[Line]:
    """Return the story as shown; a line that begins a new day names it."""
    shown: list[Line] = []
    day = ""
    for one in told:
        line = _line(one, proven_to, now)
        new_day = line.at.day if day and line.at.day != day else ""
        day = line.at.day
        shown.append(_dated(line, new_day) if new_day else line)
    return shown


def _dated(line: Line, day: str) -> Line:
    return Line(
        line.at, line.glyph, line.tone, line.lead, line.strong, line.sub, line.said, line.label,
        line.seal, line.routine, line.run, line.action, day,
    )  # fmt: skip


def _line(one: Told, proven_to: int, now: datetime) -> Line:
    glyph, tone = GLYPHS.get(one.kind, ("rule", "quiet"))
    if one.kind == "note":
        glyph = BY.get(one.author, "rule")
    return Line(
        at=Moment(one.at, now),
        glyph=glyph,
        tone=tone,
        lead=LEADS.get(one.kind, one.who.capitalize() if one.kind == "void" else ""),
        strong=strong(one),
        sub=sub(one),
        said=one.said,
        label=label(one),
        seal=seal_of(one.seq, proven_to),
        routine=one.routine,
        run=one.run,
        action=one.action,
    )


def strong(one: Told) -> str:
    """Return the sentence of a line, without its coloured first word."""
    if one.kind in {"alert", "alert_ended"}:
        return f"{one.who}: {one.what}"
    if one.kind in LEADS or one.kind == "void":
        took = took_of(one) if one.kind in {"done", "told"} else ""
        return f"{one.what}{took}"
    return f"{one.who} {one.what}".strip()


def took_of(one: Told) -> str:
    """Return ` in 3.8 s` where both ends are known."""
    return f" in {short_span(one.at - one.last_at)}" if one.last_at else ""


def sub(one: Told) -> str:
    """Return the quiet facts under a line."""
    parts = [one.detail] if one.detail else []
    if one.kind == "permit" and one.who:
        parts.insert(0, f"asked by {one.who}")
    if one.kind in {"denied", "proposed"} and one.who:
        parts.append(f"asked by {one.who}")
    if one.kind == "in_doubt" and one.last_at:
        parts.append(f"next at {one.last_at:%H:%M:%S}")
    if one.repeats:
        until = f" until {one.last_at:%H:%M:%S}" if one.last_at else ""
        parts.append(f"{count(one.repeats, 'repeat')} folded in{until}")
    if one.run and one.kind in {"note", "run", "run_ended"}:
        parts.append(f"run {one.run[:4]}")
    if one.confidence is not None:
        parts.append(f"{engine(one.engine)}, {one.confidence:.1g} sure")
    if one.private and one.author == "person":
        parts.append("private")
    return "; ".join(parts)


def engine(name: str) -> str:
    """Return an engine's name as people say it."""
    return "rule engine" if "rule" in name or name in RULES else name


def label(one: Told) -> str:
    """Say above prose where it comes from, where that is not a person of the desk."""
    if one.author == "alert":
        return "Text of the alert, from outside"
    if one.author == "agent":
        by = engine(one.engine) if one.engine else "an agent"
        by = f"the {by}" if by == "rule engine" else by
        source = " from untrusted text" if one.tainted else ""
        return f"Written by {by}{source}"
    return "Holds text from outside" if one.tainted else ""


def ages(opened: datetime, until: datetime | None, now: datetime) -> str:
    """Return how long something took, or has taken so far."""
    return span((until or now) - opened)
