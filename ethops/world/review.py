"""The review of a major incident: what happened, reckoned from what is on record, as a document.

Causes and lessons are for people to write below; nothing here is anybody's prose but the lines
that are quoted, and those are marked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from adapters.text import one_line
from adapters.tickets import majors
from adapters.tickets.majors import Major
from adapters.tickets.models import LogLine, Ticket
from ethops.world import story, tickets
from ethops.world.story import Told
from personas.models import Action

LONGEST: Final = 300
OUTCOMES: Final = frozenset({"done", "failed", "void", "told"})
"""Kinds of what came of something that was asked for."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened, and to which ticket."""

    ref: str
    told: Told


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that a review says, oldest first."""

    ticket: Ticket
    major: Major
    facts: list[tuple[str, str]]
    children: list[Ticket]
    timeline: list[Happened]


def review(ref: str, now: datetime) -> Review | None:
    """Reckon the review of a major incident; None where it never was one."""
    major, dossier = majors.of_ticket(ref), tickets.dossier(ref)
    if major is None or dossier is None:
        return None
    children = [one for one in dossier.changes if one.ticket_class == "incident"]
    family = [dossier, *filter(None, (tickets.dossier(child.ref) for child in children))]
    timeline = [
        Happened(one.ticket.ref, told)
        for one in family
        for told in story.story(one)
        if not told.routine
    ]
    actions = [action for one in family for action in one.actions if action.run_id]
    cis = sorted({ci.name for one in family for ci in one.cis})
    facts = [
        *_times(dossier.ticket, major, now),
        ("CIs", ", ".join(cis) or "none joined"),
        ("Parts", ", ".join(child.ref for child in children) or "none"),
        *_updates(major, dossier.lines, now),
        *_agents(actions, sum(len(one.runs) for one in family)),
    ]
    return Review(
        dossier.ticket, major, facts, children, sorted(timeline, key=lambda one: one.told.at)
    )


def _times(ticket: Ticket, major: Major, now: datetime) -> Iterator[tuple[str, str]]:
    begun = ticket.first_bad_at or ticket.opened_at
    yield "Began", clock(begun)
    if ticket.detected_at:
        yield "Detected", f"{clock(ticket.detected_at)}, {span(ticket.detected_at - begun)} later"
    yield "Declared", f"{clock(major.declared_at)} by {major.declared_by}"
    yield "Because", "; ".join(major.criteria)
    yield "Led by", major.lead or "nobody"
    if ticket.resolved_at:
        yield "Resolved", f"{clock(ticket.resolved_at)}, {span(ticket.resolved_at - begun)} later"
    until = major.ended_at
    yield "Ended", f"{clock(until)} by {major.ended_by}" if until else "not yet"
    yield "Lasted as a major incident", span((until or now) - major.declared_at)


def _updates(major: Major, lines: list[LogLine], now: datetime) -> Iterator[tuple[str, str]]:
    until = major.ended_at or now
    said = [
        line.at
        for line in lines
        if line.author_kind == "person"
        and line.visibility == "public"
        and major.declared_at < line.at <= until
    ]
    marks = [major.declared_at, *said, until]
    gaps = [after - before for before, after in pairwise(marks)]
    late = sum(gap > timedelta(minutes=major.update_minutes) for gap in gaps)
    promised = f"every {major.update_minutes} min were promised"
    yield "Updates", f"{len(said)}; {promised}, {late} came late"
    yield "Longest without one", span(max(gaps))


def _agents(actions: list[Action], runs: int) -> Iterator[tuple[str, str]]:
    kept = sum(action.guard == "major" for action in actions)
    done = sum(action.outcome == "done" for action in actions)
    yield "Runs of agents", str(runs)
    yield "Done by agents", str(done)
    yield "Kept from acting", str(kept)


def markdown(of: Review) -> Iterator[str]:
    """Yield the document, line by line."""
    yield f"# Review of major incident {of.ticket.ref}: {_plain(of.ticket.title)}"
    yield ""
    yield "Reckoned from the record. Words of others are quoted as they stand there."
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, text in of.facts:
        yield f"| {name} | {_plain(text)} |"
    if of.children:
        yield from ("", "## Parts", "")
        for child in of.children:
            yield f"- {child.ref} {_plain(child.title)}: {child.state}"
    yield from ("", "## What happened", "", "| when | ticket | what |", "|---|---|---|")
    for one in of.timeline:
        yield f"| {clock(one.told.at)} | {one.ref} | {_plain(sentence(one.told))} |"
    yield from ("", "## Causes", "", "To be written by people.", "")
    yield from ("## What we change", "", "To be written by people.")


VERDICTS: Final = {
    "permit": "was permitted",
    "denied": "was denied",
    "would": "would have done, and may only observe,",
    "proposed": "proposed",
}
"""What the gate has said -> the words between who asked and what for."""


def sentence(told: Told) -> str:
    """Return what happened in a line; what comes from outside stands in quotation marks."""
    said = f": {_quoted(told.said)}" if told.said else ""
    if told.kind in VERDICTS:
        why = f" ({told.detail})" if told.detail else ""
        return f"{told.who} {VERDICTS[told.kind]} {told.what}{why}{said}"
    if told.kind in OUTCOMES:
        # What was said of it may come from whatever was acted on.
        said = f": {_quoted(told.detail)}" if told.detail else ""
        return f"{told.what} {told.who}{said}"
    detail = f", {told.detail}" if told.detail else ""
    return f"{told.who} {told.what}{detail}{said}"


def _quoted(text: str) -> str:
    return f"“{one_line(text, LONGEST)}”"


def clock(at: datetime) -> str:
    """Return day and time, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(time: timedelta) -> str:
    """Return a length of time: `3 h 05 min`, `42 s`."""
    seconds = max(int(time.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _plain(text: str) -> str:
    """Return text that no reader of Markdown takes for a sign, a link or a tag."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!~])", r"\\\1", one_line(text, 1000))
