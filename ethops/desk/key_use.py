"""Whether each use of ethops's keys has its permit, and each permit its use. Pure.

The join errs on no side by itself: what cannot be told yet is left for later, what nobody watched
is called that, and the rest is either explained or a mismatch.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final, Literal, TypeAlias
from uuid import UUID

from adapters.telemetry.port import Key, Observer, Use

Mismatch: TypeAlias = Literal[
    "retired_key",
    "foreign_key",
    "wrong_host",
    "outside_window",
    "no_permit",
    "foreign_account",
    "foreign_address",
    "unnamed_command",
    "outlived",
    "no_session",
]
MISMATCHES: Final[Mapping[Mismatch, str]] = {
    "retired_key": "a key was used that is retired",
    "foreign_key": "an account of ethops was entered with what is no key of ethops",
    "wrong_host": "a permit ran at that time, but for another host",
    "outside_window": "the host had a permit, but not at that time",
    "no_permit": "nothing was permitted there",
    "foreign_account": "the account is not the permit's",
    "foreign_address": "the login came from where the key is not used",
    "unnamed_command": "the command is none that the permit's catalogue entry names",
    "outlived": "the session was open long after its permit had ended",
    "no_session": "an act was reported as done, and its host saw no login",
}
"""What can be wrong with a use or a permit; of several the first is the kind."""
Verdict: TypeAlias = Mismatch | Literal["permitted", "seen", "unobserved"]

SKEW: Final = timedelta(seconds=30)
"""Of hosts that declare no observer."""
NEAR: Final = timedelta(hours=1)
"""So far from a permit a use is called outside its window; farther away there was none."""
LINGER: Final = timedelta(minutes=15)
"""How long a connection may stay open after its permit: ControlPersist, a slow end."""
HELD_OPEN: Final = timedelta(hours=12)
"""A connection without an end may serve permits for so long."""


@dataclass(frozen=True, slots=True)
class Permit:
    """A claimed effect on a host, by the database's clock; `end` is None while it runs."""

    id: UUID
    ticket_ref: str
    ci: str
    host: str
    account: str
    begin: datetime
    end: datetime | None
    is_remote: bool
    """False where its play ran on the executor's own host: that explains no login."""
    shows: bool
    """True where it was done over ssh, so that its host must have seen a login."""
    commands: tuple[str, ...] | None
    """What it may run by sudo, as patterns; None where the catalogue does not say."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a join looks at."""

    keys: tuple[Key, ...]
    observers: Mapping[str, Observer]
    permits: Mapping[str, Sequence[Permit]]
    """By host."""

    def skew(self, host: str) -> timedelta:
        """Return how far a host's clock may stray."""
        observer = self.observers.get(host)
        return timedelta(seconds=observer.skew_s) if observer else SKEW

    def key_of(self, use: Use) -> Key | None:
        """Return the key of ours that a login was made with."""
        for key in self.keys:
            if key.fingerprint == (use.authority if key.authority else use.fingerprint):
                return key
        return None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the join says about one use or one permit."""

    verdict: Verdict
    faults: tuple[Mismatch, ...] = ()
    permit: Permit | None = None

    @property
    def is_mismatch(self) -> bool:
        """True where somebody has to look."""
        return bool(self.faults)


_Span: TypeAlias = tuple[datetime, datetime]


def judge_use(use: Use, world: World) -> Finding:
    """Say whether a login or a sudo is explained by a permit."""
    spans = _spans(use, world.skew(use.host))
    covering = [one for one in _explaining(use, use.host, world) if _covers(one, spans)]
    faults = tuple(_faults(use, world, spans, covering))
    permit = _best(covering, use)
    return Finding(faults[0] if faults else "permitted", faults, permit)


def judge_end(use: Use, world: World) -> Finding | None:
    """Say whether a login that was permitted lasted too long; None where nothing is to say."""
    if use.kind != "login" or not use.granted or use.ended_at is None:
        return None
    if world.key_of(use) is None or judge_use(use, world).is_mismatch:
        return None
    # How long it lasted is true by a clock that is off as well.
    lasted = use.ended_at - use.at
    spans = tuple(
        (first + lasted - LINGER, last + lasted)
        for first, last in _spans(use, world.skew(use.host))
    )
    if any(_covers(permit, spans) for permit in _explaining(use, use.host, world)):
        return None
    return Finding("outlived", ("outlived",))


def judge_permit(permit: Permit, logins: Sequence[Use], world: World) -> Finding | None:
    """Say whether a permit that must have caused a login shows one; None where it is too early.

    `logins` are the granted ones of its host.
    """
    if not permit.shows or permit.end is None:
        return None
    skew = world.skew(permit.host)
    begin, end = permit.begin - skew, permit.end + skew
    if any(_served(login, permit, (begin, end), world) for login in logins):
        return Finding("seen", permit=permit)
    observer = world.observers.get(permit.host)
    if observer is None or not _watched(observer, begin, end):
        return Finding("unobserved", permit=permit)
    if observer.heard_until is None or observer.heard_until <= end:
        return None
    return Finding("no_session", ("no_session",), permit)


def is_misplaced(use: Use, skew: timedelta) -> bool:
    """Tell whether a use's time cannot be true: it lies after, or long before, it was read."""
    early = use.after is not None and use.at < use.after - skew
    return early or use.at > use.seen_at + skew


def _spans(use: Use, skew: timedelta) -> tuple[_Span, ...]:
    """Return when a use may have happened; a clock that is off leaves when its line came."""
    said = (use.at - skew, use.at + skew)
    if not is_misplaced(use, skew):
        return (said,)
    return said, ((use.after or use.seen_at - NEAR) - skew, use.seen_at + skew)


def _covers(permit: Permit, spans: tuple[_Span, ...]) -> bool:
    return any(
        permit.begin <= last and (permit.end is None or permit.end >= first)
        for first, last in spans
    )


def _faults(
    use: Use, world: World, spans: tuple[_Span, ...], covering: Sequence[Permit]
) -> Iterator[Mismatch]:
    key = world.key_of(use)
    if key is not None and _is_retired(key, use, world):
        yield "retired_key"
    if use.kind == "login" and key is None and not _is_unreadable(use):
        yield "foreign_key"
    if not covering:
        yield _absence(use, world, spans)
    if not _is_account(use, key, covering):
        yield "foreign_account"
    if key is not None and key.addresses and not _is_within(use.address, key.addresses):
        yield "foreign_address"
    if use.kind == "elevation" and covering and not _is_named(use.command, covering):
        yield "unnamed_command"


def _is_retired(key: Key, use: Use, world: World) -> bool:
    return key.retired_at is not None and use.at > key.retired_at + world.skew(use.host)


def _explaining(use: Use, host: str, world: World) -> Iterator[Permit]:
    """Yield the permits of a host that could explain a use of this kind."""
    for permit in world.permits.get(host, ()):
        if permit.is_remote or use.kind != "login":
            yield permit


def _absence(use: Use, world: World, spans: tuple[_Span, ...]) -> Mismatch:
    for host in world.permits:
        if host != use.host and any(_covers(one, spans) for one in _explaining(use, host, world)):
            return "wrong_host"
    near = tuple((first - NEAR, last + NEAR) for first, last in spans)
    if any(_covers(permit, near) for permit in _explaining(use, use.host, world)):
        return "outside_window"
    return "no_permit"


def _is_account(use: Use, key: Key | None, covering: Sequence[Permit]) -> bool:
    if key is not None and use.account not in key.accounts:
        return False
    wanted = {permit.account for permit in covering if permit.account}
    return not wanted or use.account in wanted


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        # The zone of a link-local address names an interface of that host, not a place.
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in ip_network(network) for network in networks)


def _is_named(command: str, covering: Sequence[Permit]) -> bool:
    return any(
        permit.commands is None
        or any(re.fullmatch(pattern, command, re.DOTALL) for pattern in permit.commands)
        for permit in covering
    )


def _best(covering: Sequence[Permit], use: Use) -> Permit | None:
    """Return the permit that began last before the use: of several it explains most."""
    return max(covering, key=lambda permit: (permit.begin <= use.at, permit.begin), default=None)


def _watched(observer: Observer, begin: datetime, end: datetime) -> bool:
    if observer.began_at is None or observer.began_at > begin:
        return False
    if observer.gap_from is None or observer.gap_until is None:
        return True
    return observer.gap_until < begin or observer.gap_from > end


def _served(login: Use, permit: Permit, window: _Span, world: World) -> bool:
    """Tell whether a login was open at some time of a permit, with a key of ours."""
    begin, end = window
    lasted = login.ended_at - login.at if login.ended_at else HELD_OPEN
    spans = _spans(login, timedelta(0))
    if not any(first <= end and last + lasted >= begin for first, last in spans):
        return False
    if world.key_of(login) is not None:
        return True
    return _is_unreadable(login) and login.account == permit.account


def _is_unreadable(login: Use) -> bool:
    """Tell whether a login by key does not say by which one: no proof of it, and no lie either."""
    return login.method == "publickey" and not login.fingerprint
