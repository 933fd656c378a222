"""One raw line of a log, made into when, which program, which process, and what it said. Pure.

Three shapes: syslog with RFC 3339 times (rsyslog on Debian 12 and later), syslog with the old
times that have neither year nor zone (RHEL), and JSON as `journalctl -o json` prints it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

LONGEST: Final = 64 * 1024
"""Bytes of a line that are looked at; no login and no sudo line comes near."""

_MODERN = re.compile(
    r"(?:<\d{1,3}>)?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))"
    r" \S+ ([^\s:\[]+)(?:\[(\d+)\])?: ?(.*)",
    re.DOTALL,
)
_OLD = re.compile(
    r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)"
    r" \S+ ([^\s:\[]+)(?:\[(\d+)\])?: ?(.*)",
    re.DOTALL,
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_AHEAD = timedelta(days=2)
_SYSTEM = re.compile(r"/usr/(?:s?bin|lib(?:exec|64)?)/.*|/s?bin/.*")


@dataclass(frozen=True, slots=True)
class Record:
    """One line understood; `pid` is "" where the program did not give it."""

    at: datetime
    program: str
    pid: str
    message: str
    position: str
    """The journal's own cursor, "" for text."""


def read(line: str, *, zone: tzinfo, now: datetime) -> Record | None:
    """Return what a line says, None where it has none of the shapes; `zone` is for old times."""
    if line.startswith("{"):
        return _journal(line)
    if (found := _MODERN.fullmatch(line)) is not None:
        at, (program, pid, message) = _moment(found[1]), found.groups("")[1:]
    elif (found := _OLD.fullmatch(line)) is not None and found[1] in _MONTHS.split():
        at, (program, pid, message) = _in_year(found.groups()[:5], zone, now), found.groups("")[5:]
    else:
        return None
    return None if at is None else Record(at, program, pid, message, "")


def _moment(text: str) -> datetime | None:
    # Python keeps microseconds; some daemons write nanoseconds.
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        return datetime.fromisoformat(cut).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _in_year(parts: Sequence[str], zone: tzinfo, now: datetime) -> datetime | None:
    """Put a time without a year into the newest year in which it is not in the future."""
    month = _MONTHS.split().index(parts[0]) + 1
    day, hour, minute, second = (int(part) for part in parts[1:])
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            at = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
        except ValueError:  # the 29th of February of another year
            continue
        if at <= now + _AHEAD:
            return at
    return None


def _journal(line: str) -> Record | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    stamp = _text(fields, "__REALTIME_TIMESTAMP")
    if not re.fullmatch(r"[0-9]{1,16}", stamp):
        return None
    return Record(
        at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(stamp)),
        program=_program(fields),
        pid=_text(fields, "_PID") or _text(fields, "SYSLOG_PID"),
        message=_text(fields, "MESSAGE"),
        position=_text(fields, "__CURSOR")[:200],
    )


def _program(fields: Mapping[str, object]) -> str:
    """Return who really spoke: anybody may claim an identifier, nobody the fields with `_`."""
    said, comm, exe = (_text(fields, name) for name in ("SYSLOG_IDENTIFIER", "_COMM", "_EXE"))
    if not comm:
        return said
    trusted = (not exe or bool(_SYSTEM.fullmatch(exe))) and (
        not comm.startswith("sshd") or _text(fields, "_UID") in ("", "0")
    )
    return comm if trusted else f"not really {comm}"


def _text(fields: Mapping[str, object], name: str) -> str:
    """Return a field as text: the journal gives bytes as numbers, and repeats as a list."""
    value = fields.get(name)
    if isinstance(value, list) and value and all(_is_byte(item) for item in value):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _is_byte(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255
