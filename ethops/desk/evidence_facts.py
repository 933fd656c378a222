"""What ethops holds already, as facts that safeguards are judged by. Pure.

Rows of osquery are known by their columns, as its tables name them, since queries are the site's.
Only whole pictures count: what a query tells as differences began where nobody looked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.cmdb.port import CI, Host
from adapters.compliance.canonical import digest, moment
from adapters.compliance.port import WHOLE, Fact
from adapters.json_value import JSON
from adapters.telemetry.port import Observer, Result

Row = Mapping[str, str]

LOST_WITHIN: Final = timedelta(days=1)
REFUSES: Final = frozenset({"DROP", "REJECT"})
PACKAGED: Final = frozenset(
    {"arch", "author", "maintainer", "package_group", "release", "section", "source", "vendor"}
)
"""Columns that lists of packages have; one of them beside name and version is enough."""


def of_inventory(cis: Sequence[CI], at: datetime) -> Fact:
    """Return how many CIs and hosts the CMDB lists."""
    hosts = {one.host for one in cis if one.host}
    read: JSON = [[one.ref, one.name, one.ci_class, one.host, one.source] for one in cis]
    values: dict[str, JSON] = {"cis": len(cis), "hosts": len(hosts)}
    return Fact("inventory", WHOLE, at, "cmdb", values, digest(read))


def of_unlisted(
    waiting: Mapping[str, datetime], *, left_out: int, watchers: Sequence[str], at: datetime
) -> Fact:
    """Return which hosts wait to become CIs, the first since when, and who would see one."""
    oldest = max((at - seen for seen in waiting.values()), default=timedelta(0))
    read: JSON = [
        sorted([key, moment(seen)] for key, seen in waiting.items()), left_out, sorted(watchers),
    ]  # fmt: skip
    values: dict[str, JSON] = {
        "waiting": len(waiting) + left_out,
        "oldest_days": max(0, oldest.days),
        "watchers": len(watchers),
    }
    return Fact("unlisted", WHOLE, at, "discovery", values, digest(read))


def of_host(ref: str, host: Host, at: datetime) -> Fact:
    """Return how ethops reaches a host."""
    read: JSON = [host.name, host.connection, host.address, host.user, host.port]
    return Fact("host", ref, at, "cmdb", {"connection": host.connection}, digest(read))


def of_observer(ref: str, observer: Observer, at: datetime) -> Fact | None:
    """Return whether a host is heard; nothing where it has only just begun to be watched."""
    if observer.read_at is None:
        return None
    silent = at - observer.read_at > timedelta(seconds=observer.silent_after_s)
    gap = observer.gap_until
    lost = gap is not None and at - gap < LOST_WITHIN
    read: JSON = [
        *(observer.host, observer.source, moment(observer.read_at), observer.fault),
        moment(gap) if gap else "",
    ]
    values: dict[str, JSON] = {"heard": not silent and not observer.fault, "lost": lost}
    return Fact("observer", ref, at, "telemetry", values, digest(read))


def of_results(results: Iterable[Result], classes: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what the newest picture of each kind says of each CI that there is."""
    newest: dict[tuple[str, str], Result] = {}
    for one in results:
        name = _kind(one)
        if name and one.ci in classes:
            before = newest.get((one.ci, name))
            if before is None or (before.at, before.query) < (one.at, one.query):
                newest[one.ci, name] = one
    for (ci, name), one in sorted(newest.items()):
        values = {"ci_class": classes[ci], **VALUES[name](one.rows)}
        read: JSON = [one.query, moment(one.at), [dict(row) for row in one.rows]]
        yield Fact(name, ci, one.at, "osquery", values, digest(read))


def _kind(result: Result) -> str:
    if result.action != "snapshot" or not result.rows:
        return ""
    columns = result.rows[0].keys()
    return next((name for name, known in COLUMNS.items() if known(columns)), "")


def _packages(columns: Iterable[str]) -> bool:
    has = set(columns)
    # The operating system has a name and a version, too.
    return {"name", "version"} <= has and bool(has & PACKAGED) and "platform" not in has


def _accounts(columns: Iterable[str]) -> bool:
    return {"username", "uid", "shell"} <= set(columns)


def _disks(columns: Iterable[str]) -> bool:
    return {"name", "encrypted"} <= set(columns)


def _filter(columns: Iterable[str]) -> bool:
    return {"chain", "policy", "target"} <= set(columns)


COLUMNS: Final[Mapping[str, Callable[[Iterable[str]], bool]]] = {
    "packages": _packages,
    "accounts": _accounts,
    "disks": _disks,
    "filter": _filter,
}
"""Name of a fact -> whether a picture with these columns tells it."""


def _counted(rows: Sequence[Row]) -> dict[str, JSON]:
    return {"rows": len(rows)}


def _encrypted(rows: Sequence[Row]) -> dict[str, JSON]:
    return {"rows": len(rows), "encrypted": sum(row.get("encrypted") == "1" for row in rows)}


def _closed(rows: Sequence[Row]) -> dict[str, JSON]:
    """Tell whether the chain INPUT refuses by its policy, or by its last rule."""
    chain = [row for row in rows if row.get("chain") == "INPUT"]
    by_policy = any(row.get("policy") in REFUSES for row in chain)
    return {"closed": by_policy or (bool(chain) and chain[-1].get("target") in REFUSES)}


VALUES: Final[Mapping[str, Callable[[Sequence[Row]], dict[str, JSON]]]] = {
    "packages": _counted,
    "accounts": _counted,
    "disks": _encrypted,
    "filter": _closed,
}
"""Name of a fact -> its values, counted in the rows."""
