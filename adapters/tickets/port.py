"""What ethops needs of a ticket system: readers for everybody, writers for the executor."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias, TypedDict
from uuid import UUID

from adapters.tickets.beside import Attachment, File, Visibility, Watcher
from adapters.tickets.items import RequestModel, Step
from adapters.tickets.passages import Passage

TicketClass: TypeAlias = Literal["incident", "problem", "change", "request"]
ChangeType: TypeAlias = Literal["standard", "normal", "emergency"]
Role: TypeAlias = Literal["requester", "operator", "approver", "agent", "rule", "executor"]
Priority: TypeAlias = Literal["P1", "P2", "P3", "P4"]
AuthorKind: TypeAlias = Literal["person", "agent", "rule", "executor"]
LinkKind: TypeAlias = Literal["caused_by", "solved_by", "follows"]
Verb: TypeAlias = Literal[
    "open", "comment", "move", "link", "step", "attach", "watch", "unwatch", "adopt", "retitle",
    "ask", "answer", "major",
]  # fmt: skip
Outcome: TypeAlias = Literal[
    "opened", "folded_into", "commented", "moved", "linked", "step_done", "attached", "watched",
    "unwatched", "adopted", "retitled", "asked", "answered", "declared", "led", "ended",
]  # fmt: skip


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
    requester: str = ""
    service: str = ""
    pending_reason: str = ""
    reopens: int = 0
    variant: str = ""
    """The type of a change; `with_approver` or `plain` of a request."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What only a problem has."""

    known_error: bool
    workaround: str
    root_cause: str


@dataclass(frozen=True, slots=True)
class Change:
    """What only a change has; `decided_by` is who approved it, or did not."""

    change_type: ChangeType
    reason: str
    planned_start: datetime | None
    planned_end: datetime | None
    implementer: str
    backout: str
    outcome: str
    decided_by: str
    decision: str


@dataclass(frozen=True, slots=True)
class Request:
    """What only a request has: the model it was filed by, as it stood then."""

    model: str
    answers: Mapping[str, object]
    approver_role: str
    decided_by: str
    decision: str
    steps: tuple[Step, ...]
    card: str = ""
    """Whose runs do the steps that name an entry."""


Details: TypeAlias = Problem | Change | Request


@dataclass(frozen=True, slots=True)
class Link:
    """`ref` was caused by, is solved by, or follows from `other`."""

    ref: str
    kind: LinkKind
    other: str


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
class ChangeDraft:
    """What a new change says beyond what every ticket does."""

    change_type: ChangeType = "standard"
    reason: str = ""
    planned_start: datetime | None = None
    planned_end: datetime | None = None
    implementer: str = ""
    backout: str = ""


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """An item of the catalogue, and the answers to its fields."""

    model: str
    answers: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What a new ticket is made of; a repeat of an open `cause_key` folds into that ticket.

    The `requester` is the author where that is a person and nobody else is named. `incidents`
    are those that a problem causes, or a change solves.
    """

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
    requester: str = ""
    service: str = ""
    incidents: tuple[str, ...] = ()
    workaround: str = ""
    change: ChangeDraft | None = None
    request: RequestDraft | None = None


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
    """The fields a move may set, if it takes them; each left out stays as it is."""

    team: str
    assignee: str
    impact: int
    urgency: int
    solution: str
    pending_reason: str
    workaround: str
    root_cause: str
    planned_start: datetime
    planned_end: datetime
    implementer: str
    backout: str
    outcome: str
    decision: str


ANY_GROUP: Final = "*"
"""In `Vouched.groups`: who administers this house may decide for every group."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a door vouches for about a person's move; without a word of it he is a requester.

    That he is its requester the ticket knows. `alone`: one person operates the house. `came_back`:
    incidents that show a problem to be back; None: nobody has looked, or can say. `all_the_same`:
    he closes it nevertheless, and said why. `holder`: who had it when a rule looked; None: whoever.
    """

    roles: frozenset[Role] = frozenset()
    groups: frozenset[str] = frozenset()
    alone: bool = False
    came_back: tuple[str, ...] | None = None
    all_the_same: bool = False
    holder: str | None = None


NOTHING: Final = Vouched()


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
class Claimed:
    """Who has a ticket after somebody claimed it; `deed` is None where nothing was written.

    One that was lost has a deed where a person took the ticket at an outside desk meanwhile.
    """

    ref: str
    won: bool
    holder: str
    deed: Deed | None


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

    def details(self, ref: str) -> Details | None:
        """Return what only tickets of its class have; None for incidents and unknown refs."""
        ...

    def links(self, ref: str) -> tuple[Link, ...]:
        """Return the links from and to the ticket, oldest first."""
        ...

    def attachments(self, ref: str) -> tuple[Attachment, ...]:
        """Return the files kept with the ticket, oldest first, without what is in them."""
        ...

    def content(self, ref: str, n: int) -> bytes:
        """Return what is in a file; for processes of people, agents may not.

        Raises:
            TicketNotFoundError: the ticket has no such file.
        """
        ...

    def watchers(self, ref: str) -> tuple[Watcher, ...]:
        """Return who watches the ticket, longest first."""
        ...

    def catalogue(self) -> tuple[RequestModel, ...]:
        """Return what may be requested, by title."""
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
        """Return incidents and requests that wait in `resolved` since before this moment.

        Oldest first; a rule closes what its requester has left alone so long.
        """
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

    def open(self, key: UUID, draft: TicketDraft, vouched: Vouched = NOTHING) -> Deed:
        """Open a ticket, or fold the draft into the open incident of the same cause.

        Raises:
            DraftRefusedError: a field is out of its range; `errors` says what, by field.
            NotAllowedError: it is not for the author to open a ticket of this class.
            UnknownModelError: the catalogue has no such item.
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

    def move(
        self,
        key: UUID,
        ref: str,
        stimulus: str,
        fields: TicketFields,
        note: Note,
        vouched: Vouched = NOTHING,
    ) -> Deed:
        """Move the ticket by a stimulus, set fields, and write one line about it.

        An empty note text is replaced by a sentence that names the move.

        Raises:
            TicketNotFoundError: no ticket has this ref.
            MoveRefusedError: the state does not allow the stimulus.
            NotAllowedError: it is not for the note's author to give it.
            NotIndependentError: who asked for it, or does it, would approve it.
            TooLateError: the requester's time to have it opened again is over.
            FieldMissingError: the move needs a field that is not there; `errors` by field.
            DraftRefusedError: a field is not taken, or out of its range; `errors` by field.
            StepsOpenError: a request is resolved before its steps are done.
            HeldError: another has it than `vouched.holder`.
            RecurrenceUnknownError: nobody has looked whether a problem came back.
            CameBackError: it has.
            CauseTakenError: a reopened incident's cause has another open incident.
            KeyReusedError: the key belongs to another verb or ticket.
        """
        ...

    def claim(
        self,
        key: UUID,
        ref: str,
        team: str,
        note: Note,
        vouched: Vouched = NOTHING,
        *,
        instead_of: str = "",
    ) -> Claimed:
        """Give the ticket to the note's author, if nobody has it: of many who claim, one wins.

        It is `ev_assign`, done only where the holder is whom the claimant saw: `instead_of`, nobody
        where it is empty; compared, written and read back under the ticket's lock. Who has it wins,
        and writes nothing. The key of a claim that lost asks anew. Raises: as `move`.
        """
        ...

    def link(self, key: UUID, link: Link, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Link a ticket with another, once, and write a line about it into the first.

        Raises:
            TicketNotFoundError: one of them is not there.
            DraftRefusedError: tickets of these classes are not linked like this.
            NotAllowedError: it is for the desk and for rules to link tickets.
        """
        ...

    def finish_step(
        self, key: UUID, ref: str, n: int, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Say that a step of fulfilling a request is done, and write a line about it.

        Raises:
            TicketNotFoundError: no ticket has this ref, or it has no such step.
            MoveRefusedError: the request is not being worked on, or the step is done.
            NotAllowedError: it is for the desk and for rules to say so.
        """
        ...

    def attach(
        self, key: UUID, ref: str, file: File, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Keep a file with the ticket, and write the line that says so.

        An empty note text is replaced by a sentence that names the file; the file is seen by
        whom the line is seen by, and has its number (`Deed.line`).

        Raises:
            TicketNotFoundError: no ticket has this ref.
            FileRefusedError: it is empty or too large, or the ticket has too many.
            NotAllowedError: it is for the desk, the requester and rules to attach files.
        """
        ...

    def watch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told of what happens to the ticket; once, however often it is asked.

        Of the note only its author counts: nothing is written into the worklog.

        Raises:
            TicketNotFoundError: no ticket has this ref.
            DraftRefusedError: it is neither a login nor an address, or the ticket has too many.
            NotAllowedError: others are for the desk and for rules to add.
        """
        ...

    def unwatch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told no more.

        Raises:
            TicketNotFoundError: no ticket has this ref, or he does not watch it.
            NotAllowedError: others are for the desk and for rules to take away.
        """
        ...

    def adopt(
        self, key: UUID, ref: str, parent: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Put an incident under a greater one, and write a line about it into the first.

        Raises: as `link`; DraftRefusedError where they would stand under each other.
        """
        ...

    def retitle(
        self, key: UUID, ref: str, title: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Call a ticket something else, and write a line that says what it was called.

        Raises: as `adopt`; DraftRefusedError where the title is empty.
        """
        ...

    def find(self, key: UUID) -> Deed | None:
        """Return what was done under this key, None where nothing was."""
        ...
