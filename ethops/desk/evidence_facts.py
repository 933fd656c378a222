"""What ethops holds already, as facts that safeguards are judged by. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from adapters.cmdb.port import CI, Host
from adapters.compliance.canonical import digest, moment
from adapters.compliance.port import WHOLE, Fact
from adapters.json_value import JSON
from adapters.knowledge.port import Document
from adapters.monitoring.port import Probe
from adapters.telemetry.port import Observer

LOST_WITHIN: Final = timedelta(days=1)
PROVIDERS: Final = frozenset({"provider", "saas", "supplier", "vendor"})
"""Classes of CIs that are somebody else's service."""
ANSWERS: Final = ("owner", "owner_team", "responsible")
"""Attributes of a CI that say who here answers for it."""
LOGS: Final = ("/var/log",)
"""Below which a host keeps its logs."""
SPEAKS: Final = frozenset({"asset-sheet", "evidence", "policy", "runbook"})
"""Types of documents that may say how something is done here."""
SILENT: Final = (3, timedelta(seconds=10))
"""After so many intervals, and so much more, a probe that was not heard tells nothing."""


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


def of_providers(cis: Sequence[CI], at: datetime) -> Fact:
    """Return how many CIs are providers, and how many of those somebody here answers for."""
    found = [one for one in cis if one.ci_class.lower() in PROVIDERS]
    owned = [one for one in found if any(one.attributes.get(name) for name in ANSWERS)]
    read: JSON = [[one.ref, one.ci_class, one in owned] for one in found]
    values: dict[str, JSON] = {"rows": len(found), "owned": len(owned)}
    return Fact("providers", WHOLE, at, "cmdb", values, digest(read))


def of_probes(ref: str, probes: Iterable[Probe], at: datetime) -> Iterator[Fact]:
    """Yield whether logs of a CI have room, as the worst of the probes of their place says."""
    intervals, more = SILENT
    heard = [
        one
        for one in probes
        if one.kind == "filesystem"
        and _holds_logs(str(one.params.get("path", "")))
        and one.symptom in {"ok", "over_threshold"}
        and one.last_sample_at is not None
        and at - one.last_sample_at <= intervals * timedelta(seconds=one.interval_s) + more
    ]
    if heard:
        read: JSON = [[one.name, str(one.params.get("path")), one.symptom] for one in heard]
        values: dict[str, JSON] = {"room": all(one.symptom == "ok" for one in heard)}
        yield Fact("room", ref, at, "monitoring", values, digest(read))


def _holds_logs(path: str) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in LOGS)


def of_documents(documents: Iterable[Document], at: datetime) -> Iterator[Fact]:
    """Yield, per safeguard, how many merged documents speak for it, and how many are overdue.

    A document that nobody means to look at again is no dated one, and says nothing.
    """
    dated: dict[str, list[tuple[Document, date]]] = defaultdict(list)
    for one in documents:
        if one.kind in SPEAKS and one.review_due is not None and "status:current" in one.tags:
            for tag in one.tags:
                if tag.startswith("cis:"):
                    dated[tag.removeprefix("cis:")].append((one, one.review_due))
    for safeguard, found in sorted(dated.items()):
        current = sum(due >= at.date() for _, due in found)
        read: JSON = sorted([one.ref, one.blob, due.isoformat()] for one, due in found)
        values: dict[str, JSON] = {
            "safeguard": safeguard, "current": current, "overdue": len(found) - current,
        }  # fmt: skip
        yield Fact("document", WHOLE, at, "knowledge", values, digest(read))
