"""What people did in iTop, taken over into our rows: iTop is right, and our worklog says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from adapters.rows import now
from adapters.text import one_line
from adapters.tickets import deeds, models, port, services
from adapters.tickets.itop import marks, words
from adapters.tickets.itop.models import Mirrored, News, Waiting
from adapters.tickets.itop.names import Names
from adapters.tickets.opening import ONE_PER_CAUSE
from adapters.tickets.priority import priority

AUTHOR: Final = "iTop"
OURS: Final = "responders"
"""The team that agents answer for: what is given back to us in iTop is theirs."""
NAMESPACE: Final = UUID("6b0f6f8e-2f8d-4c52-9a0e-7c1d3f5c7f10")

OVER: Final[Mapping[str, frozenset[str]]] = {
    "escalated": frozenset({"new", "assigned", "pending"}),
    "implementing": frozenset({"planned", "approved"}),
    "failed": frozenset({"implemented", "monitored"}),
    "closed": frozenset({"rejected"}),
}
"""States that are ours alone -> what iTop's state means to us while they stand."""


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What was new: the state before and now, and the attributes and lines that others wrote."""

    before: str
    state: str
    attributes: tuple[str, ...]
    lines: int

    def __bool__(self) -> bool:
        """Tell whether anything was new."""
        return bool(self.before != self.state or self.attributes or self.lines)


def absorb(
    mirrored: Mirrored,
    fields: Mapping[str, Any],
    names: Names,
    *,
    own: UUID | None = None,
    hold_state: bool = False,
) -> Absorbed:
    """Take over what iTop says; run inside a transaction that holds the ticket's lock.

    `own` is the key of the write that is under way. `hold_state` leaves our state alone, while
    writes of ours wait that iTop has not seen.
    """
    ticket = deeds.locked(mirrored.ticket_id)
    before, had = ticket.state, ticket.assignee
    changed = _attributes(mirrored, ticket, fields)
    if words.AGENT in changed and names.is_us(fields.get("agent_id")):
        # Handed back to us: nobody has it, so that agents may go on.
        ticket.assignee, ticket.team = "", OURS
        ticket.save()
        # A person's word: what agents did before it is of an earlier turn.
        by = port.Note("Given back in iTop.", had or AUTHOR, "person", "private", tainted=True)
        deeds.line(ticket, by)
    lines = take_lines(mirrored, fields, own)
    status = str(fields.get("status", ""))
    if mirrored.status and not hold_state:
        there = words.state_after(mirrored.itop_class, mirrored.status, status, ticket.state)
        settle(ticket, there)
    keep(mirrored, fields, names)
    absorbed = Absorbed(before, ticket.state, changed, lines)
    if absorbed:
        tell(mirrored, "changed", ticket, absorbed, had)
    return absorbed


def tell(
    mirrored: Mirrored, what: str, ticket: models.Ticket, absorbed: Absorbed, had: str = ""
) -> None:
    """Leave word for the desk, which hears of it whoever took it over, and after any crash."""
    News.objects.create(
        mirrored=mirrored,
        what=what,
        before=absorbed.before,
        state=ticket.state,
        assignee_before=had,
        assignee=ticket.assignee,
        attributes=list(absorbed.attributes),
        lines=absorbed.lines,
    )


def told(
    mirrored: Mirrored, fields: Mapping[str, Any], names: Names, key: UUID, *, given: int | None
) -> None:
    """Keep what was read back after a write of ours; `given` is whom it gave the ticket to.

    Whoever a person has given it to since then has it, here too.
    """
    take_lines(mirrored, fields, key)
    if given is not None and str(fields.get("agent_id") or "") != str(given):
        ticket = deeds.locked(mirrored.ticket_id)
        had = ticket.assignee
        if names.is_us(fields.get("agent_id")):
            ticket.assignee, ticket.team = "", OURS
        else:
            ticket.assignee = one_line(str(fields.get(words.AGENT) or ""), 150)
        ticket.save()
        found = Absorbed(ticket.state, ticket.state, (words.AGENT,), 0)
        tell(mirrored, "changed", ticket, found, had)
    keep(mirrored, fields, names)


def settle_on(mirrored: Mirrored) -> None:
    """Make our state agree with iTop's, where no state that is ours alone stands on it."""
    ticket = deeds.locked(mirrored.ticket_id)
    there = words.STATES[mirrored.itop_class].get(mirrored.status, ticket.state)
    before = ticket.state
    if there not in OVER.get(before, ()):
        settle(ticket, there)
    if ticket.state != before:
        tell(mirrored, "changed", ticket, Absorbed(before, ticket.state, (), 0), ticket.assignee)


def contradict(mirrored: Mirrored, what: str, said: str) -> None:
    """Say in our worklog that iTop did not take a write that we had let stand."""
    ticket = deeds.locked(mirrored.ticket_id)
    text = f"iTop has not taken {what}: {said}"
    deeds.line(ticket, port.Note(text, AUTHOR, "rule", "private"))


def keep(mirrored: Mirrored, fields: Mapping[str, Any], names: Names) -> None:
    """Remember how iTop was seen, when things are due by it, and that it was now."""
    mirrored.status = str(fields.get("status", mirrored.status))
    mirrored.seen = {name: fields.get(name) for name in _TAKEN if name in fields}
    mirrored.tto_due_at = names.read_moment(fields.get("tto_escalation_deadline"))
    mirrored.ttr_due_at = names.read_moment(fields.get("ttr_escalation_deadline"))
    mirrored.seen_at = now()
    mirrored.gone_at = None
    updated = str(fields.get("last_update") or "")
    if updated != mirrored.updated_there:
        mirrored.updated_there, mirrored.noticed_at = updated, mirrored.seen_at
    mirrored.save()


def settle(ticket: models.Ticket, state: str) -> None:
    """Bring our ticket into a state that iTop has it in; what people may do here is no question."""
    before = ticket.state
    if state == before:
        return
    ticket.state = state
    ticket.reopens += _STIMULI.get((before, state)) == "ev_reopen"
    services.set_times(ticket, before)
    try:
        with transaction.atomic():
            ticket.save()
    except IntegrityError as error:
        if not deeds.violates(error, ONE_PER_CAUSE):
            raise
        # Somebody opened it again there, beside the open incident of the cause that we have.
        ticket.cause_key = None
        ticket.save()
    said = f"Moved from {before} to {state} in iTop.".replace("_", " ")
    n = deeds.line(ticket, port.Note(said, AUTHOR, "rule"))
    key = uuid5(NAMESPACE, f"{ticket.ref}:{n}:{state}")
    deeds.deed(key, "move", "moved", ticket, n, _STIMULI.get((before, state), ""))


_STIMULI: Final = {
    ("new", "assigned"): "ev_assign",
    ("assigned", "pending"): "ev_pending",
    ("pending", "assigned"): "ev_assign",
    ("assigned", "resolved"): "ev_resolve",
    ("resolved", "assigned"): "ev_reopen",
    # Opened again and put off, or given back, between two looks.
    ("resolved", "pending"): "ev_reopen",
    ("resolved", "new"): "ev_reopen",
    ("resolved", "closed"): "ev_close",
}


def take_lines(mirrored: Mirrored, fields: Mapping[str, Any], own: UUID | None) -> int:
    """Append what others wrote into iTop's logs to our worklog; returns how many lines.

    When somebody wrote is not taken over: whoever writes by REST may date a line as he likes.
    """
    ticket = deeds.locked(mirrored.ticket_id)
    taken = 0
    for log in words.logs_of(mirrored.itop_class):
        kept = marks.entries(fields, log)
        for one in kept[min(int(mirrored.lines_seen.get(log, 0)), len(kept)) :]:
            text = marks.said(str(one.get("message", "")))
            if not text or _is_ours(str(one.get("message", "")), own):
                continue
            author = str(one.get("user_login") or AUTHOR)
            visibility: Any = "public" if log == "public_log" else "private"
            deeds.line(ticket, port.Note(text, author, "person", visibility, None, tainted=True))
            taken += 1
        mirrored.lines_seen = {**mirrored.lines_seen, log: len(kept)}
    return taken


def _is_ours(said: str, own: UUID | None) -> bool:
    """Tell whether a write of ours made this line: anybody may copy a mark, none makes a deed."""
    keys = marks.keys_in(said)
    if not keys:
        return False
    return (
        keys[-1] == own
        or models.Deed.objects.filter(key=keys[-1]).exists()
        or Waiting.objects.filter(key=keys[-1]).exists()
    )


def _attributes(
    mirrored: Mirrored, ticket: models.Ticket, fields: Mapping[str, Any]
) -> tuple[str, ...]:
    """Set what was written there since it was last seen."""
    seen = mirrored.seen
    changed = [
        name for name in _TAKEN if name in seen and name in fields and fields[name] != seen[name]
    ]
    for name in changed:
        _TAKEN[name](ticket, str(fields[name] or ""))
    if changed:
        ticket.priority = priority(ticket.impact, ticket.urgency)
        ticket.save()
    return tuple(changed)


def _title(ticket: models.Ticket, said: str) -> None:
    ticket.title = one_line(marks.said(said), 200) or ticket.title


def _description(ticket: models.Ticket, said: str) -> None:
    ticket.description = marks.read(said)


def _team(ticket: models.Ticket, said: str) -> None:
    ticket.team = said[:64]


def _agent(ticket: models.Ticket, said: str) -> None:
    ticket.assignee = said[:150]


def _solution(ticket: models.Ticket, said: str) -> None:
    ticket.solution = marks.read(said)


def _impact(ticket: models.Ticket, said: str) -> None:
    ticket.impact = int(said) if said in {"1", "2", "3"} else ticket.impact


def _urgency(ticket: models.Ticket, said: str) -> None:
    ticket.urgency = words.SEEN_AS.get(said, ticket.urgency)


_TAKEN: Final = {
    "title": _title,
    "description": _description,
    "team_name": _team,
    words.AGENT: _agent,
    "solution": _solution,
    "impact": _impact,
    "urgency": _urgency,
}
"""iTop's attribute -> how ours is made equal to it."""
