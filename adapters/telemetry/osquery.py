"""One line of osquery's result log, made into what changed or what there was. Pure.

Three shapes as osquery documents them: an event for each row (`columns`), all rows of one run
(`diffResults`), and a snapshot (`snapshot`, or a row of one in `columns`). Whoever has root on the
host writes what he likes there: each part is bounded, and what does not fit is cut and said so.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from adapters.text import one_line

Action: TypeAlias = Literal["added", "removed", "snapshot"]
Row: TypeAlias = dict[str, str]

LONGEST: Final = 1024 * 1024
"""Bytes of a line; osquery itself holds back results that are longer."""
MOST_ROWS: Final = 1_000
MOST_COLUMNS: Final = 64
LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 300
_LATEST: Final = 4_102_444_800
"""The year 2100 in seconds: what bears a later time bears none."""


@dataclass(frozen=True, slots=True)
class Result:
    """Rows that one query brought or lost on one host, or all that it found there at a time."""

    identifier: str
    query: str
    action: Action
    at: datetime
    """The host's clock, in whole seconds."""
    epoch: int
    counter: int
    """How often the query ran in its epoch; at 0 every row is an added one, and none is news."""
    rows: tuple[Row, ...]
    whole: bool
    """False where something was cut."""

    @property
    def id(self) -> str:
        """The same for the same result, however often the host writes it."""
        stamp = int(self.at.timestamp())
        said = [self.identifier, self.query, self.action, stamp, self.epoch, self.counter]
        text = json.dumps([*said, self.rows], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def read(line: str) -> tuple[Result, ...] | None:
    """Return what a line says, None where it is no line of a result log."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    # Before osquery 2 the identifier was called hostname.
    identifier = _name(said.get("hostIdentifier", said.get("hostname")))
    query, seconds = _name(said.get("name")), _number(said.get("unixTime"))
    if not identifier or not query or not 0 < seconds < _LATEST:
        return None
    at = datetime.fromtimestamp(seconds, UTC)
    epoch, counter = _number(said.get("epoch")), _number(said.get("counter"))
    found = tuple(
        Result(identifier, query, action, at, epoch, counter, *_rows(rows))
        for action, rows in _parts(said)
    )
    return found or None


def _parts(said: Mapping[str, Any]) -> Iterator[tuple[Action, list[Any]]]:
    """Yield the rows of a line with what happened to them; of a shape unknown nothing."""
    action, columns, runs = said.get("action"), said.get("columns"), said.get("diffResults")
    if action == "snapshot" and isinstance(said.get("snapshot"), list):
        yield "snapshot", said["snapshot"]
    elif action in ("added", "removed", "snapshot") and isinstance(columns, dict):
        yield action, [columns]
    elif isinstance(runs, dict):
        # An empty side is written as "".
        for side in ("removed", "added"):
            if isinstance(runs.get(side), list) and runs[side]:
                yield ("removed" if side == "removed" else "added"), runs[side]


def _rows(said: list[Any]) -> tuple[tuple[Row, ...], bool]:
    rows: list[Row] = []
    whole = len(said) <= MOST_ROWS
    for row in said[:MOST_ROWS]:
        fit, uncut = _row(row) if isinstance(row, dict) else ({}, False)
        whole &= uncut
        if fit:
            rows.append(fit)
    return tuple(rows), whole


def _row(said: Mapping[str, Any]) -> tuple[Row, bool]:
    """Return a row whose values are text, as osquery writes them, or numbers if it was told to."""
    whole = len(said) <= MOST_COLUMNS
    row: Row = {}
    for name in sorted(said)[:MOST_COLUMNS]:
        value = said[name]
        if not isinstance(value, str | int | float):
            whole = False
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        key = one_line(name, LONGEST_NAME)
        whole &= len(text) <= LONGEST_VALUE and len(name) <= LONGEST_NAME and key not in row
        row[key] = one_line(text, LONGEST_VALUE)
    return row, whole


def _name(said: object) -> str:
    """Return a name as it stands, "" where it is none: a cut one might be another's."""
    fit = one_line(said, LONGEST_NAME) if isinstance(said, str) else ""
    return fit if fit == said else ""


def _number(said: object) -> int:
    """Return a count that is written as a number or as text; what is none counts as 0."""
    if isinstance(said, str) and len(said) <= 18 and said.isascii() and said.isdecimal():
        return int(said)
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 10**18:
        return said
    return 0
