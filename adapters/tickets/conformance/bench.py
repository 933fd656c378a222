"""A desk of tickets on the bench: what a case opens bears a marker, and does not stay open."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final, Protocol, TypeVar
from uuid import uuid4

from django.db import connections, transaction

from adapters import conf
from adapters.conformance import Options, cannot
from adapters.markers import AFTER, is_of_check
from adapters.rows import now
from adapters.tickets.errors import TicketError
from adapters.tickets.port import (
    Deed,
    Note,
    Reader,
    Ticket,
    TicketClass,
    TicketDraft,
    TicketFields,
    Vouched,
    Writer,
)

RULE: Final = Note("", "ethops-check", "rule")
PERSON: Final = Note("", "ethops-check", "person")
DESK: Final = Vouched(frozenset({"operator"}), came_back=())
ALONE: Final = "Tickets live here; nobody else has them."
SECRETS: Final = ("token", "password", "secret")
KEPT: Final = "; kept"
"""How the title ends of what stays on record."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class There:
    """A ticket as the system behind an adapter has it, in our words for states.

    Lines are (when it is said to have been, what), oldest first.
    """

    state: str
    public: tuple[tuple[str, str], ...]
    private: tuple[tuple[str, str], ...]


class Elsewhere(Protocol):
    """What is behind an adapter, looked at and written to past it, as a person there would."""

    def look(self, ref: str) -> There:
        """Return the ticket as it is there."""
        ...

    def say(self, ref: str, text: str) -> None:
        """Write a line there."""
        ...

    def end(self, ref: str) -> None:
        """Resolve and close it there."""
        ...

    def take_over(self, ref: str) -> None:
        """Have us read what was done there."""
        ...

    def remove(self, marker: str) -> tuple[str, ...]:
        """Remove what bears the marker; returns what is left, and why."""
        ...

    def sweep(self, marker: str) -> tuple[str, ...]:
        """Clear away what killed checks left: of a marker, or of any an hour ago; says what."""
        ...


@dataclass
class Bench:
    """One adapter, and the tickets that cases have opened."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @property
    def writer(self) -> Writer:
        """The adapter's writer."""
        made: Writer = self.adapter.Writer()
        return made

    @property
    def elsewhere(self) -> Elsewhere:
        """What is behind the adapter; cases that look there need the capability."""
        made: Elsewhere = self.adapter.Elsewhere()
        return made

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter has it not."""
        alone = not hasattr(self.adapter, "Elsewhere")
        return {**({"elsewhere": ALONE} if alone else {}), **cannot(self.adapter)}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the settings hold that nobody may read."""
        said = conf.options("tickets")
        return tuple(str(said[name]) for name in SECRETS if said.get(name))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let nothing stay here; an outside desk ends it, and removes it later."""
        self.opened.clear()
        with transaction.atomic():
            try:
                yield
            finally:
                if "elsewhere" not in self.cannot:
                    self._end_all()
                transaction.set_rollback(True)

    def close(self) -> tuple[str, ...]:
        """Remove what an outside desk still has; returns what is left, and why."""
        if "elsewhere" not in self.cannot:
            self.left += self.elsewhere.remove(self.marker)
        return tuple(self.left)

    def sweep(self, marker: str) -> tuple[str, ...]:
        """End and remove what checks left that were killed; says what became of it.

        With a marker that check's alone, whatever its age; else what is older than an hour.
        """
        said = [f"{ref} is {self._end(ref)}, and stays on record." for ref in self._orphans(marker)]
        if "elsewhere" not in self.cannot:
            said += self.elsewhere.sweep(marker)
        return tuple(said)

    def _orphans(self, marker: str) -> Iterator[str]:
        """Yield open problems that a check of ours committed and did not end."""
        before, after = now() - AFTER, None
        while page := self.reader.open_tickets(ticket_class="problem", after=after):
            after = page[-1].ref
            for one in page:
                old = marker or one.opened_at < before
                if old and one.title.endswith(KEPT) and is_of_check(one.title, marker):
                    first = next(iter(self.reader.worklog(one.ref)), None)
                    if first is not None and first.author == RULE.author:
                        yield one.ref

    def draft(self, what: str, *, of: TicketClass = "incident", **more: Any) -> TicketDraft:
        """Return a ticket of the least weight whose title says what it is for."""
        said = {"impact": 3, "urgency": 3, "author": RULE.author, "author_kind": "rule", **more}
        return TicketDraft(of, f"[{self.marker}] {what}", "Opened by a check.", **said)

    def open(self, what: str, *, of: TicketClass = "incident", **more: Any) -> str:
        """Open a ticket; returns its ref."""
        ref = self.writer.open(uuid4(), self.draft(what, of=of, **more)).ref
        self.opened.append(ref)
        return ref

    @contextmanager
    def kept(self, what: str) -> Iterator[str]:
        """Open a problem that several processes see; it is ended, and stays on record."""
        # Of what stays a problem counts least: no figure of incidents, no clock of a service.
        ref = self.writer.open(uuid4(), self.draft(f"{what}{KEPT}", of="problem")).ref
        try:
            yield ref
        finally:
            said = self._end(ref)
            self.left.append(f"{ref} is {said}, and stays: what was committed is on record.")

    def move(self, ref: str, stimulus: str, note: Note = RULE, **fields: Any) -> Deed:
        """Move a ticket; a person is vouched for as one of the desk."""
        said: TicketFields = fields  # type: ignore[assignment]
        return self.writer.move(uuid4(), ref, stimulus, said, note, DESK)

    def get(self, ref: str) -> Ticket:
        """Return the ticket as the adapter reads it."""
        return self.reader.get(ref)

    def at_once(self, act: Callable[[int], T], n: int) -> list[T]:
        """Do something n times at once, each with a connection of its own."""

        def alone(number: int) -> T:
            try:
                return act(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(n) as threads:
            return list(threads.map(alone, range(n)))

    def _end_all(self) -> None:
        for ref in self.opened:
            self._end(ref)

    def _end(self, ref: str) -> str:
        """Bring a ticket to its end as far as its table leads; returns the state it is left in."""
        for stimulus, note, fields in _ENDS:
            try:
                with transaction.atomic():
                    self.move(ref, stimulus, note, **fields)
            except TicketError:
                # The table leads elsewhere from here, or it is over.
                continue
        return self.get(ref).state


_SAID: Final = "It was opened by a check."
_ENDS: Final[tuple[tuple[str, Note, dict[str, str]], ...]] = (
    ("ev_assign", RULE, {"team": "people"}),
    ("ev_resolve", RULE, {"solution": _SAID}),
    ("ev_resolve", PERSON, {"solution": _SAID, "root_cause": _SAID}),
    ("ev_close", RULE, {}),
)
