"""What was done about a ticket before a run goes on with it: reckoned from rows, nobody's prose."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from adapters import registry
from adapters.json_value import JSON
from adapters.tickets import questions
from adapters.tickets.port import LogLine, Ticket
from ethops.executor import tickets
from personas import queries
from personas.queries import Done, Ended

NAMESPACE: Final = UUID("0f2b5a4e-6a54-4b06-9a3a-6b8b4a6f2d11")
AUTHOR: Final = "dispatcher"
MOST: Final = 20
"""So many actions and lines are named, the newest."""


def inputs(ref: str, *, key: str) -> dict[str, JSON]:
    """Return what a run gets to know that goes on after people, and write it into the ticket.

    Nothing for a first run, or where nobody has said anything since the last one.
    """
    lines = registry.reader("tickets").worklog(ref)
    ended = queries.runs_of(ref)
    people = [line for line in lines if line.author_kind == "person"]
    if not ended or not people or people[-1].at < ended[-1].created_at:
        return {}
    ticket = registry.reader("tickets").get(ref)
    text = "\n".join(summary(ticket, lines, ended, queries.done_for(ref)))
    tickets.comment_by_rule(
        key=uuid5(NAMESPACE, key), ref=ref, rule=AUTHOR, text=text, tainted=False
    )
    return {"so_far": text}


def summary(
    ticket: Ticket, lines: tuple[LogLine, ...], ended: list[Ended], done: list[Done]
) -> Iterator[str]:
    """Yield what was done so far, each in a line: runs, actions, questions, people, the state."""
    yield f"A new run goes on with {ticket.ref}, which is {ticket.state}. So far:"
    for run in ended[-MOST:]:
        how = f"{run.state.replace('_', ' ')} after {run.steps} steps"
        yield f"- {run.card} {how}, {_clock(run.ended_at)}"
    for one in done[-MOST:]:
        what = f"{one.entry or one.verb} on {one.target}"
        yield f"- {what}: {one.outcome or one.verdict}, {_clock(one.at)}"
    for asked in questions.of_ticket(ticket.ref):
        answer = f"{asked.answer}, said {asked.answered_by}" if asked.answer else "no answer"
        yield f"- Q{asked.n} {asked.name}: {answer}"
    for person, numbers in _by_person(lines).items():
        named = ", ".join(f"#{n}" for n in numbers[-MOST:])
        yield f"- {person} wrote {named}"


def _by_person(lines: tuple[LogLine, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line in lines:
        if line.author_kind == "person":
            found.setdefault(line.author, []).append(line.n)
    return found


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %H:%M:%S} UTC"
