"""What iTop is told of a write of ours, as our rows have it once it is done."""

from typing import Any, Final, cast
from uuid import UUID, uuid5

from adapters.tickets import deeds, models, services
from adapters.tickets.beside import Watcher
from adapters.tickets.itop import marks
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.writes import Kind, Write
from adapters.tickets.port import AuthorKind, Deed, Link, Note

PARENTS: Final = {
    ("incident", "caused_by"): "parent_problem_id",
    ("incident", "solved_by"): "parent_change_id",
    ("problem", "solved_by"): "related_change_id",
}
"""(class, kind of a link) -> the attribute of iTop's that says so; `follows` has none."""

_WAITS: Final = "ev_wait_for_approval"


def opening(key: UUID, ref: str) -> tuple[Write, ...]:
    """Return the writes that open a ticket, and let a request wait that must."""
    first = _of(key, ref, 1, "create", values=_drafted(ref))
    waits = deeds.find(uuid5(key, _WAITS))
    if waits is None or waits.line is None:
        return (first,)
    return (first, _of(waits.key, ref, waits.line, "move", stimulus=_WAITS))


def line(deed: Deed) -> tuple[Write, ...]:
    """Return the write of a line alone."""
    return (_of(deed.key, deed.ref, deed.line, "line"),)


def move(deed: Deed, stimulus: str) -> tuple[Write, ...]:
    """Return the write of a move, with all that its target may ask for."""
    return (
        _of(deed.key, deed.ref, deed.line, "move", stimulus=stimulus, values=_standing(deed.ref)),
    )


def claim(deed: Deed, instead_of: str) -> tuple[Write, ...]:
    """Return the write of a move that is made only while nobody else has the ticket there."""
    values = {**_standing(deed.ref), "instead_of": instead_of}
    return (_of(deed.key, deed.ref, deed.line, "move", stimulus=services.CLAIMS, values=values),)


def link(deed: Deed, said: Link) -> tuple[Write, ...]:
    """Return the write that links two tickets, as far as iTop has such a link."""
    source = models.Ticket.objects.get(ref=said.ref)
    attribute = PARENTS.get((source.ticket_class, said.kind))
    return (_of(deed.key, deed.ref, deed.line, "set", values=_pointing(attribute, said.other)),)


def adopt(deed: Deed, parent: str) -> tuple[Write, ...]:
    """Return the write that puts an incident under another."""
    values = _pointing("parent_incident_id", parent)
    return (_of(deed.key, deed.ref, deed.line, "set", values=values),)


def retitle(deed: Deed) -> tuple[Write, ...]:
    """Return the write of a new title."""
    title = models.Ticket.objects.get(ref=deed.ref).title
    return (_of(deed.key, deed.ref, deed.line, "set", values={"title": title}),)


def attach(deed: Deed) -> tuple[Write, ...]:
    """Return the write of a file."""
    return (_of(deed.key, deed.ref, deed.line, "attach", values={"n": deed.line}),)


def watch(deed: Deed, watcher: Watcher, note: Note, *, add: bool) -> tuple[Write, ...]:
    """Return the write that makes somebody a contact of the ticket, or one no more."""
    who = watcher.person or watcher.address
    what = "is told of this" if add else "is told no more of this"
    said = Note(f"{who} {what}.", note.author, note.author_kind, "private", note.action_id)
    return (
        Write(
            deed.key,
            "set",
            marks.comment(said, deed.key),
            "private",
            marks.line(said, said.text, deed.key),
            values={"watcher": {"who": who, "add": add}},
        ),
    )


def _of(
    key: UUID,
    ref: str,
    n: int | None,
    kind: Kind,
    *,
    stimulus: str = "",
    values: dict[str, Any] | None = None,
) -> Write:
    row = models.LogLine.objects.get(ticket_id=ref, n=n or 0)
    author_kind = cast("AuthorKind", row.author_kind)
    visibility: Any = row.visibility
    note = Note(row.text, row.author, author_kind, visibility, row.action_id)
    said = marks.line(note, row.text, key)
    return Write(key, kind, marks.comment(note, key), visibility, said, stimulus, values or {})


def _drafted(ref: str) -> dict[str, Any]:
    ticket = models.Ticket.objects.get(ref=ref)
    details = deeds.details_of(ticket)
    return {
        "title": ticket.title,
        "description": ticket.description,
        "impact": ticket.impact,
        "urgency": ticket.urgency,
        "requester": ticket.requester,
        "alert": ticket.cause_key is not None,
        "cis": [row.ci_ref for row in models.TicketCI.objects.filter(ticket=ticket).order_by("id")],
        "reason": details.reason if isinstance(details, models.Change) else "",
    }


def _standing(ref: str) -> dict[str, Any]:
    ticket = models.Ticket.objects.get(ref=ref)
    details = deeds.details_of(ticket)
    said: dict[str, Any] = {
        name: getattr(ticket, name)
        for name in ("title", "team", "assignee", "impact", "urgency", "solution", "pending_reason")
    }
    if isinstance(details, models.Change | models.Request):
        said["decision"] = details.decision
    if isinstance(details, models.Change):
        begins, ends = details.planned_start, details.planned_end
        said |= {
            "planned_start": begins.isoformat() if begins else "",
            "planned_end": ends.isoformat() if ends else "",
            "backout": details.backout,
        }
    return said


def _pointing(attribute: str | None, ref: str) -> dict[str, Any]:
    other = Mirrored.objects.filter(ticket_id=ref).first()
    known = attribute and other and other.itop_id
    return {str(attribute): other.itop_id} if known and other else {}
