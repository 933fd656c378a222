"""What ethops needs of a ticket system: readers for everybody, writers for the executor."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, TypedDict
from uuid import UUID

TicketClass: TypeAlias = Literal["incident", "change"]
Priority: TypeAlias = Literal["P1", "P2", "P3", "P4"]
AuthorKind: TypeAlias = Literal["person", "agent", "rule", "executor"]
Visibility: TypeAlias = Literal["public", "private"]
Verb: TypeAlias = Literal["open", "comment", "move"]
Outcome: TypeAlias = Literal["opened", "folded_into", "commented", "moved"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as it stands now; impact and urgency run from 1 (high) to 3 (low)."""

    ref: str
    ticket_class: TicketClass
    title: str
    description: str
    state: str
    priority: Priority
    impact: int
    urgency: int
    ci_refs: tuple[str, ...]
    team: str
    assignee: str
    cause_key: str | None
    parent_ref: str | None
    solution: str
    repeats: int
    opened_at: datetime
    first_bad_at: datetime | None
    detected_at: datetime | None
    assigned_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    tto_due_at: datetime | None = None
    """When an outside desk says that somebody must have it; ours leaves it to service levels."""
    ttr_due_at: datetime | None = None
    """When an outside desk says that it must be resolved."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a worklog, never changed; `tainted` text came from outside."""

    ticket_ref: str
    n: int
    at: datetime
    author: str
    author_kind: AuthorKind
    visibility: Visibility
    text: str
    action_id: UUID | None
    tainted: bool


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What a new ticket is made of; a repeat of an open `cause_key` folds into that ticket."""

    ticket_class: TicketClass
    title: str
    description: str
    impact: int
    urgency: int
    author: str
    author_kind: AuthorKind
    ci_refs: tuple[str, ...] = ()
    team: str = ""
    cause_key: str | None = None
    parent_ref: str | None = None
    first_bad_at: datetime | None = None
    detected_at: datetime | None = None
    action_id: UUID | None = None
    tainted: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A line to be written into a worklog, and who says it."""

    text: str
    author: str
    author_kind: AuthorKind
    visibility: Visibility = "public"
    action_id: UUID | None = None
    tainted: bool = False


class TicketFields(TypedDict, total=False):
    """The fields a move may set; each left out stays as it is."""

    team: str
    assignee: str
    impact: int
    urgency: int
    solution: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done under one idempotency key; a repeat of the key returns the same deed.

    `outcome` is `folded_into` where an open incident of the same cause took the draft in;
    `state` is the ticket's state after the deed; `repeated` tells that nothing was done now.
    """

    key: UUID
    verb: Verb
    outcome: Outcome
    ref: str
    state: str
    line: int | None
    at: datetime
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A state that a ticket came into, and when; a move within a state is one too."""

    state: str
    at: datetime


class Reader(Protocol):
    """Reads; safe in the hands of an agent."""

    def get(self, ref: str) -> Ticket:
        """Return the ticket.

        Raises:
            TicketNotFoundError: no ticket has this ref.
        """
        ...

    def worklog(self, ref: str) -> tuple[LogLine, ...]:
        """Return the ticket's lines, oldest first; empty for an unknown ref."""
        ...

    def history(self, ref: str) -> tuple[Passage, ...]:
        """Return the states the ticket came into, oldest first; empty for an unknown ref."""
        ...

    def find_open_by_cause(self, cause_key: str) -> Ticket | None:
        """Return the one open incident of this cause."""
        ...

    def for_ci(self, ci_ref: str, *, open_only: bool = True, limit: int = 50) -> tuple[Ticket, ...]:
        """Return the tickets that name this CI, newest first."""
        ...

    def children(self, ref: str) -> tuple[Ticket, ...]:
        """Return the tickets whose parent is this one (an incident's changes), oldest first."""
        ...

    def resolved_before(self, moment: datetime, *, limit: int = 200) -> tuple[Ticket, ...]:
        """Return the incidents that wait in `resolved` since before this moment, oldest first."""
        ...

    def open_tickets(
        self,
        *,
        ticket_class: TicketClass | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> tuple[Ticket, ...]:
        """Return what is not yet resolved or closed, most urgent and then oldest first.

        `after` is the last ref of the page before.
        """
        ...


class Writer(Protocol):
    """Writes; each takes an idempotency key stored in the effect's own transaction.

    A key seen before changes nothing and returns its first deed with `repeated` set.
    """

    def open(self, key: UUID, draft: TicketDraft) -> Deed:
        """Open a ticket, or fold the draft into the open incident of the same cause.

        Raises:
            DraftRefusedError: a field is out of its range.
            KeyReusedError: the key belongs to another verb.
        """
        ...

    def comment(self, key: UUID, ref: str, note: Note) -> Deed:
        """Append one line to the worklog.

        Raises:
            TicketNotFoundError: no ticket has this ref.
            KeyReusedError: the key belongs to another verb or ticket.
        """
        ...

    def move(self, key: UUID, ref: str, stimulus: str, fields: TicketFields, note: Note) -> Deed:
        """Move the ticket by a stimulus, set fields, and write one line about it.

        An empty note text is replaced by a sentence that names the move.

        Raises:
            TicketNotFoundError: no ticket has this ref.
            MoveRefusedError: the state does not allow the stimulus.
            FieldMissingError: the move needs a field that is not there.
            CauseTakenError: a reopened incident's cause has another open incident.
            KeyReusedError: the key belongs to another verb or ticket.
        """
        ...

    def find(self, key: UUID) -> Deed | None:
        """Return what was done under this key, None where nothing was."""
        ...
