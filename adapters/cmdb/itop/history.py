"""What iTop's history names since the last look, from the newest date on that iTop itself wrote.

Our clock and the zone of the settings are not asked: iTop's may lag, and the zone be another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from adapters.cmdb.itop.kinds import SOURCE
from adapters.errors import AdapterError
from adapters.rows import select

PAGE: Final = 1000
OVERLAP: Final = timedelta(minutes=2)
"""The history is read again so far back: a change is seen once its transaction has ended."""
FIRST: Final = timedelta(days=2)
"""So far back goes a look without a mark: farther than any zone and any clock is wrong."""
HISTORY: Final = "CMDBChangeOp"
ROOT: Final = "FunctionalCI"
"""What the history calls a deleted CI, whatever it was; what it said of the CI before is gone."""
ABSENT: Final = "tickets.itop_query"
FORBIDDEN: Final = "tickets.itop_right"
FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class Object(Protocol):
    """One object as iTop returned it."""

    @property
    def id(self) -> int:
        """Its number within its class."""
        ...

    @property
    def fields(self) -> Mapping[str, Any]:
        """Attribute -> value, of those that were asked for."""
        ...


class Page(Protocol):
    """What one call returned."""

    @property
    def objects(self) -> Sequence[Object]:
        """Those of this page."""
        ...

    @property
    def total(self) -> int:
        """How many the query found, on all pages."""
        ...


class Peer(Protocol):
    """An iTop that can be asked; the tickets' client is one."""

    def get(
        self, itop_class: str, key: object, fields: Iterable[str], *, limit: int = 0, page: int = 1
    ) -> Page:
        """Return what a query finds."""
        ...


LivedTwice: TypeAlias = Callable[[datetime, datetime], timedelta]
"""(the last look, now) -> by how much clocks there went back; later may be called earlier then."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest date and number in the history; since `new_at` nothing newer was seen."""

    date: datetime
    number: int
    new_at: datetime
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What one look found: class -> ids, None where reading whole costs no more; and its mark."""

    ids: Mapping[str, Sequence[int]] | None
    mark: Mark | None
    is_crowded: bool = False


def look(
    peer: Peer,
    lived_twice: LivedTwice,
    mark: Mark | None,
    classes: Iterable[str],
    at: datetime,
) -> Said:
    """Return what the history names; nothing at all where it may not be read.

    Raises:
        AdapterError: iTop is away.
    """
    listed = ",".join(f"'{one}'" for one in classes)
    # Never NOW(): that is the clock of iTop's database, which may be hours behind what it writes.
    query = f"SELECT {HISTORY} WHERE {_window(mark, lived_twice, at)} AND objclass IN ({listed})"
    fields = ("objclass", "objkey", "date")
    try:
        found = peer.get(HISTORY, query, fields, limit=PAGE)
        if found.total <= len(found.objects):
            return Said(_ids(found.objects), _newer(mark, found.objects, at))
        # Whichever way they are ordered, the newest is on the first page or on the last.
        last = peer.get(HISTORY, query, fields, limit=PAGE, page=-(-found.total // PAGE))
    except AdapterError as fault:
        if fault.code in (FORBIDDEN, ABSENT):
            return Said(None, None)
        raise
    return Said(None, _newer(mark, (*found.objects, *last.objects), at), is_crowded=True)


def keep(mark: Mark) -> None:
    """Remember how far was read, once all that is named has been read again."""
    select("SELECT cmdb.marked(%s, %s, %s, %s, %s)",
           [SOURCE, mark.date, mark.number, mark.new_at, mark.looked_at])  # fmt: skip


def kept(row: Mapping[str, Any]) -> Mark | None:
    """Return how far was read, by a row that has it; None where nothing was."""
    if row.get("number") is None:
        return None
    return Mark(row["date"], row["number"], row["new_at"], row["looked_at"])


def _window(mark: Mark | None, lived_twice: LivedTwice, at: datetime) -> str:
    """Return what has to be true of a change that is new, or may have become visible late."""
    if mark is None:
        return f"date >= '{(at - FIRST).astimezone(UTC).strftime(FORMAT)}'"
    twice = lived_twice(mark.looked_at, at)
    begin = f"date >= '{(mark.date - OVERLAP - twice).strftime(FORMAT)}'"
    if twice or at - mark.new_at <= OVERLAP:
        return begin
    # All of before is visible by now, and has been read: in peace nothing is read again.
    return f"{begin} AND (date > '{mark.date.strftime(FORMAT)}' OR id > {mark.number})"


def _newer(mark: Mark | None, objects: Sequence[Object], at: datetime) -> Mark | None:
    dates = [mark.date] if mark else []
    dates += [date for one in objects if (date := _believed(one, at)) is not None]
    if not dates:
        return None
    numbers = [mark.number] if mark else []
    date, number = max(dates), max([*numbers, *(one.id for one in objects)])
    if mark is not None and (date, number) == (mark.date, mark.number):
        return Mark(date, number, mark.new_at, at)
    return Mark(date, number, at, at)


def _ids(objects: Iterable[Object]) -> dict[str, list[int]]:
    named: dict[str, set[int]] = {}
    for one in objects:
        key = str(one.fields.get("objkey", ""))
        if key.isdigit():
            named.setdefault(str(one.fields.get("objclass")), set()).add(int(key))
    return {itop_class: sorted(ids) for itop_class, ids in named.items()}


def _believed(one: Object, at: datetime) -> datetime | None:
    """Return when a change is said to have been; None for what is no time, or of no zone's today.

    From a mark that lies years ahead nothing would be seen again.
    """
    try:
        date = _date(str(one.fields.get("date")))
    except ValueError:
        return None
    return date if date < at + FIRST else None


def _date(said: str) -> datetime:
    # It has no zone, and is compared with its like alone; any serves.
    return datetime.strptime(said, FORMAT).replace(tzinfo=UTC)
