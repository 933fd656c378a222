"""What happened on each ticket, in a few lines, for the end of the demo."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adapters.registry import reader
from adapters.text import one_line
from ethops.demo import facts
from ethops.demo.facts import Act

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing on a ticket's timeline; `entry` is its ledger entry, where it has one."""

    at: datetime
    who: str
    said: str
    entry: int | None = None


def timeline(ticket_ref: str) -> list[Moment]:
    """Return the worklog and the decided and done actions of a ticket, oldest first."""
    return sorted(_moments(ticket_ref), key=lambda moment: moment.at)


def _moments(ticket_ref: str) -> Iterator[Moment]:
    acts = [act for act in facts.acts(ticket_ref) if act.verb in {"playbook.run", "notify"}]
    told = {act.id for act in acts}
    for line in reader("tickets").worklog(ticket_ref):
        # What the executor wrote about an act stands in the act's own two moments.
        if str(line.action_id) not in told:
            yield Moment(line.at, line.author, one_line(line.text, LONGEST))
    for act in acts:
        yield from _of_act(act)


def _of_act(act: Act) -> Iterator[Moment]:
    what = f"{act.entry or act.verb} on {act.target}"
    who = act.card or "rule"
    why = f": {act.reason}" if act.reason else ""
    asked = f"asks for {what}: {act.verdict}{why}"
    yield Moment(act.decided_at, who, one_line(asked, LONGEST), act.decided_entry)
    if act.settled_at is not None:
        change = f" as {act.result['change']}" if act.result.get("change") else ""
        said = f"{act.entry or act.verb} {act.outcome}{change}: {act.result.get('said', '')}"
        said = one_line(said, LONGEST)
        yield Moment(act.settled_at, "executor", said, act.settled_entry)
