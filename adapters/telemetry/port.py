"""What ethops needs of telemetry: who used its keys on which host, and what differs there."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

UseKind: TypeAlias = Literal["login", "elevation"]
Source: TypeAlias = Literal["file", "pushed"]
Capability: TypeAlias = Literal[
    "logins", "ends", "elevations", "fingerprints", "push", "bus", "deltas"
]
"""What an adapter can see at all: ends of sessions, sudo, which key it was; and whether it takes
lines from observers elsewhere, by a call or over a bus. What it cannot see is not joined, instead
of joined wrongly."""


@dataclass(frozen=True, slots=True)
class Key:
    """One of ethops's own keys, or an authority whose certificates are ethops's own.

    `accounts` belong to ethops alone: whatever happens under them is ours to explain.
    """

    name: str
    fingerprint: str
    accounts: tuple[str, ...]
    addresses: tuple[str, ...]
    """Networks from which it is used; none given means that any address will do."""
    authority: bool
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Use:
    """One login with a key of ours or into an account of ours, or one sudo of such an account.

    `at` is the host's clock. The line was not there at `after` and was there at `seen_at`, both
    by the clock of our database; `after` is None where nobody had looked before.
    """

    id: int
    kind: UseKind
    host: str
    at: datetime
    after: datetime | None
    seen_at: datetime
    session: str
    """The process that held the session; unique enough within a host and an hour."""
    account: str
    granted: bool
    """False for an attempt that the host refused."""
    method: str
    fingerprint: str
    authority: str
    """Fingerprint of the authority that signed the certificate, "" where it was a plain key."""
    address: str
    port: int
    run_as: str
    command: str
    ended_at: datetime | None
    line: str
    """The message as the host wrote it, fit to show."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Who watches one host, and how far he has come.

    `heard_until` is the host's time of the newest line of any program: lines come in order, so
    whatever the host wrote down before it has been read.
    """

    host: str
    source: Source
    silent_after_s: int
    skew_s: int
    began_at: datetime | None
    read_at: datetime | None
    heard_until: datetime | None
    gap_from: datetime | None
    gap_until: datetime | None
    """The newest stretch of the host's time in which lines may have been lost."""
    clock_off_at: datetime | None
    """When a line last came whose time cannot be true, by more than `skew_s`."""
    fault: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What one round of reading brought: lines read, uses among them, observers at fault."""

    lines: int
    uses: int
    faults: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a pushed batch: the position reached, and how many uses were in it."""

    position: str
    uses: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the bus that nobody could use; what it held is kept where people look."""

    id: str
    at: datetime
    routing_key: str
    why: str
    size: int


@dataclass(frozen=True, slots=True)
class QueryLog:
    """A log of osquery's results that is read here, and how far."""

    name: str
    path: str
    read_at: datetime | None
    """By our clock; None where nothing was read yet."""
    unread: int
    """Lines that were no results."""
    unplaced: int
    """Results of hosts that the declaration gives no CI, which are not kept."""
    lost_at: datetime | None
    """When last a file was gone with what it may have gained."""
    fault: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A host that writes to a log of results and has no CI there; its name is foreign text."""

    name: str
    last: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Delta:
    """How what one query finds on a CI differs at `end` from what it found at `begin`.

    What hosts said is foreign text; it is bounded, and no instruction.
    """

    query: str
    begin: datetime
    end: datetime
    """The newest result; how old it is tells how fresh this is."""
    came: int
    went: int
    added: tuple[Mapping[str, str], ...]
    """The first of the rows that came."""
    removed: tuple[Mapping[str, str], ...]
    whole: bool
    """False where results were cut or lost, or the query began anew: there may be more."""


@dataclass(frozen=True, slots=True)
class Result:
    """Rows that one query brought, lost or found on a CI at one time; foreign text, and bounded."""

    ci: str
    query: str
    action: Literal["added", "removed", "snapshot"]
    at: datetime
    """The host's clock, never ahead of ours."""
    rows: tuple[Mapping[str, str], ...]


class Reader(Protocol):
    """Reads; safe in the hands of an agent."""

    capabilities: frozenset[Capability]

    def keys(self) -> tuple[Key, ...]:
        """Return ethops's own keys, retired ones too: whoever uses one of those must explain it."""
        ...

    def observers(self) -> tuple[Observer, ...]:
        """Return the observers that are declared, by host."""
        ...

    def uses(self, host: str, since: datetime, *, limit: int = 500) -> tuple[Use, ...]:
        """Return what was seen on a host at or after `since` of its clock, oldest first."""
        ...

    def logins(self, since: datetime) -> tuple[Use, ...]:
        """Return the granted logins on all hosts that began or ended since then, oldest first."""
        ...

    def dead_letters(self, since: datetime, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Return what came over a bus since then and could not be used, oldest first."""
        ...

    def query_logs(self) -> tuple[QueryLog, ...]:
        """Return the logs of results that are declared, by name."""
        ...

    def deltas(self, ci: str, since: datetime, *, shown: int = 10) -> tuple[Delta, ...]:
        """Return what differs on a CI since then, by query; of each at most `shown` rows a side."""
        ...

    def results(
        self, since: datetime, *, of_each: int = 100, limit: int = 5_000
    ) -> tuple[Result, ...]:
        """Return the newest results of each CI since then, oldest first.

        Where there are more than `limit` of all, each CI has as many of them as any other.
        """
        ...

    def strangers(self) -> Mapping[str, tuple[Stranger, ...]]:
        """Return the hosts without a CI that write to each log; not for agents."""
        ...


class Collector(Protocol):
    """Reads on where it stopped, and hands over what has not been joined yet."""

    def collect(self) -> Collected:
        """Read what the sources have gained; nothing is read twice or skipped by a kill."""
        ...

    def unjoined(self, *, limit: int = 2000) -> tuple[Use, ...]:
        """Return uses that nobody has joined yet, and those that have ended since, oldest first."""
        ...

    def joined(self, uses: Sequence[Use]) -> None:
        """Say, in the caller's transaction, that these are joined as they stand."""
        ...


class Receiver(Protocol):
    """The door for observers on other hosts."""

    def position(self, host: str) -> str:
        """Return where the host's observer is to go on; "" where it has not begun.

        Raises:
            UnknownObserverError: no observer of pushed lines is declared for the host.
        """
        ...

    def push(
        self, host: str, lines: Sequence[str], *, after: str, position: str, complete: bool
    ) -> Pushed:
        """Take the lines that follow `after` up to `position`, all of them or none.

        Lines are those of a syslog file or of `journalctl -o json`; `complete` says that the host
        had no more. No lines, and `position` equal to `after`, is a sign of life.

        Raises:
            UnknownObserverError: no observer of pushed lines is declared for the host.
            PositionError: the observer is not where it thinks it is; ask for the position.
        """
        ...


class Listener(Protocol):
    """Hears what observers publish on a bus; only adapters with `bus` have one."""

    def run(self, stop: threading.Event) -> None:
        """Take in what comes until `stop` is set, through every loss of the bus.

        Acknowledged is only what is committed: a message comes at least once, and is taken once.
        What cannot be used becomes a dead letter.
        """
        ...


class Publisher(Protocol):
    """The observer's end of a bus, on his own host: it needs no database."""

    def __enter__(self) -> "Publisher":
        """Connect.

        Raises:
            BusError: the bus is away.
        """
        ...

    def __exit__(self, *said: object) -> None:
        """Let go of the connection."""
        ...

    def publish(
        self, host: str, lines: Sequence[str], *, after: str, position: str, complete: bool
    ) -> None:
        """Send the lines that follow `after` up to `position`; safe to repeat.

        Raises:
            BusError: the bus is away, full, or has nobody who hears: nothing was sent for good.
        """
        ...
