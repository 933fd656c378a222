"""What sshd and sudo say about logins, their ends, and commands run as somebody else. Pure.

A name in such a line may be an attacker's: it can hold words that look like the rest of a line.
So each pattern is matched whole, from the left, and what could be read in two ways is not read.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.telemetry.records import Record

SSHD: Final = frozenset({"sshd", "sshd-session", "sshd-auth"})
"""OpenSSH 9.8 and later speak as sshd-session."""
SUDO: Final = "sudo"

_FROM = r"from (?P<address>[0-9A-Za-z.:%_-]+) port (?P<port>\d{1,5})"
LOGGERS: Final = frozenset({"rsyslogd", "systemd-journald", "systemd-journal"})
"""Those that write the log, and say so when they could not write all of it."""
_DROPPED = re.compile(
    r"Suppressed \d+ messages from|drop messages due to rate-limiting"
    r"|messages lost due to rate-limiting"
)

_PRINT = r"(?:SHA256:[A-Za-z0-9+/]{43}|MD5:(?:[0-9a-f]{2}:){15}[0-9a-f]{2})"
_KEY = (
    rf": (?P<type>[\w@.-]+) (?P<fingerprint>{_PRINT})"
    rf"(?: ID (?P<identity>.*) \(serial \d+\) CA [\w@.-]+ (?P<authority>{_PRINT}))?"
)
_ACCEPTED = re.compile(
    rf"Accepted (?P<method>[\w/.-]+) for (?P<account>\S+) {_FROM} ssh2(?P<key>{_KEY})?(?::? .*)?",
    re.DOTALL,
)
# Only `publickey` names a key; an account that is no single word is somebody's game.
_FAILED = re.compile(
    rf"Failed (?P<method>publickey) for (?:invalid user )?(?P<account>\S+) {_FROM} ssh2{_KEY}",
    re.DOTALL,
)
_CLOSED = re.compile(r"pam_unix\(sshd:session\): session closed for user (?P<account>\S+)")
_DISCONNECTED = re.compile(
    r"(?:Disconnected from|Connection closed by) user (?P<account>\S+)"
    r" (?P<address>[0-9A-Za-z.:%_-]+) port (?P<port>\d{1,5})(?: \[\w+\])?"
)
_SUDO = re.compile(r"\s*(?P<account>\S+) : (?P<rest>.*)", re.DOTALL)
_FIELD = re.compile(r"[A-Z]+=")
_CONTINUED = re.compile(r"\s*(?P<account>\S+) : \(command continued\) (?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Login:
    """A login, or an attempt with a key that the host refused."""

    account: str
    granted: bool
    method: str
    fingerprint: str
    authority: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class End:
    """The end of a session, told by its process, or by whence it came."""

    account: str
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Elevation:
    """A command by sudo, or one that sudo refused."""

    account: str
    granted: bool
    run_as: str
    command: str


@dataclass(frozen=True, slots=True)
class Continued:
    """More of the command of the line before: sudo cuts long ones."""

    account: str
    rest: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Lines that were never written, in the minutes before this one."""


Said: TypeAlias = Login | End | Elevation | Continued | Dropped


def understand(record: Record) -> Said | None:
    """Return what a record says about keys and accounts, None for everything else."""
    if record.program in SSHD:
        return _sshd(record.message)
    if record.program == SUDO:
        return _sudo(record.message)
    if record.program in LOGGERS and _DROPPED.search(record.message):
        return Dropped()
    return None


def _sshd(message: str) -> Said | None:
    for pattern, granted in ((_ACCEPTED, True), (_FAILED, False)):
        if (found := pattern.fullmatch(message)) is not None:
            return Login(
                account=found["account"],
                granted=granted,
                method=found["method"],
                fingerprint=found["fingerprint"] or "",
                authority=found["authority"] or "",
                address=found["address"],
                port=int(found["port"]),
            )
    if (found := _CLOSED.fullmatch(message)) is not None:
        return End(found["account"])
    if (found := _DISCONNECTED.fullmatch(message)) is not None:
        return End(found["account"], found["address"], int(found["port"]))
    return None


def _sudo(message: str) -> Said | None:
    if (found := _CONTINUED.fullmatch(message)) is not None:
        return Continued(found["account"], found["rest"])
    if (found := _SUDO.fullmatch(message)) is None:
        return None
    # The first COMMAND counts: a folder or an argument that imitates one makes the command longer,
    # so that it is what no catalogue entry names.
    before, marked, command = f" ; {found['rest']}".partition(" ; COMMAND=")
    if not marked:
        return None
    fields = before.split(" ; ")[1:]
    users = [field.removeprefix("USER=") for field in fields if field.startswith("USER=")]
    return Elevation(
        account=found["account"],
        granted=bool(fields) and _FIELD.match(fields[0]) is not None,
        run_as=users[-1] if users else "",
        command=command,
    )
