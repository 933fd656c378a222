"""The door by which rules and people write tickets: no gate, same writer, same ledger."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from adapters.registry import writer
from adapters.tickets.port import AuthorKind, Deed, Note, TicketDraft, TicketFields, Visibility
from audit.canonical import JSON
from audit.ledger import pending
from audit.work import rows
from ethops.sla import projection
from personas import gate

ENDS_RUNS = frozenset({"ev_resolve", "ev_close", "ev_pending"})


@transaction.atomic
def open_incident(*, key: UUID, draft: TicketDraft, facts: Mapping[str, JSON]) -> Deed:
    """Open an incident, or fold the draft into the open one of its cause, on record.

    `facts` says why: the rule and what it read. A repeat of the key writes nothing.
    """
    deed = writer("tickets").open(key, draft)
    projection.follow(deed.ref)
    body: dict[str, JSON] = {
        "outcome": deed.outcome,
        "title": draft.title,
        "impact": draft.impact,
        "urgency": draft.urgency,
        "cis": list(draft.ci_refs),
        "cause": draft.cause_key,
    }
    _record("ticket.opened", deed, draft.author, draft.author_kind, {**body, **facts})
    return deed


@transaction.atomic
def comment_by_person(
    *, key: UUID, ref: str, person: str, text: str, visibility: Visibility = "public"
) -> Deed:
    """Append a person's line, on record."""
    note = _said_by(person, text, visibility)
    deed = writer("tickets").comment(key, ref, note)
    _record("ticket.commented", deed, person, "person", {"visibility": visibility})
    return deed


@transaction.atomic
def comment_by_rule(*, key: UUID, ref: str, rule: str, text: str, tainted: bool) -> Deed:
    """Append a rule's private line, on record; `tainted` where it repeats text from outside."""
    note = Note(text=text, author=rule, author_kind="rule", visibility="private", tainted=tainted)
    deed = writer("tickets").comment(key, ref, note)
    _record("ticket.commented", deed, rule, "rule", {"visibility": "private"})
    return deed


@transaction.atomic
def move_by_person(
    *, key: UUID, ref: str, person: str, stimulus: str, fields: TicketFields, text: str = ""
) -> Deed:
    """Move a ticket at a person's word, on record; agents let go of what a person takes or ends.

    The dispatcher looks at the ticket afterwards, so that one handed back is not forgotten.
    """
    deed = writer("tickets").move(key, ref, stimulus, fields, _said_by(person, text, "public"))
    projection.follow(ref)
    body: dict[str, JSON] = {"stimulus": stimulus, "state": deed.state, "fields": [*fields]}
    _record("ticket.moved", deed, person, "person", body)
    if fields.get("assignee") or stimulus in ENDS_RUNS:
        gate.take_over(ticket_ref=ref, person=person, why=stimulus)
    rows.enqueue(
        kind="dispatch",
        subject=ref,
        payload={"ticket": ref, "why": f"{person}: {stimulus}"},
        dedup=f"moved:{key}",
        priority=3,
    )
    return deed


@transaction.atomic
def move_by_rule(
    *, key: UUID, ref: str, rule: str, stimulus: str, fields: TicketFields, text: str = ""
) -> Deed:
    """Move a ticket as a rule says, on record."""
    note = Note(text=text, author=rule, author_kind="rule")
    deed = writer("tickets").move(key, ref, stimulus, fields, note)
    projection.follow(ref)
    body: dict[str, JSON] = {"stimulus": stimulus, "state": deed.state, "fields": [*fields]}
    _record("ticket.moved", deed, rule, "rule", body)
    return deed


def _said_by(person: str, text: str, visibility: Visibility) -> Note:
    return Note(text=text, author=person, author_kind="person", visibility=visibility)


def _record(
    kind: str, deed: Deed, author: str, author_kind: AuthorKind, body: Mapping[str, JSON]
) -> None:
    if deed.repeated:
        return
    pending.note(
        kind=kind,
        subject=deed.ref,
        ticket_ref=deed.ref,
        body={"author": author, "author_kind": author_kind, "line": deed.line, **body},
    )
