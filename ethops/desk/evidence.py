"""The desk's collection of evidence: what is held here already is read, passed on and recorded."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from adapters import registry
from adapters.cmdb import proposing
from adapters.cmdb.port import CI
from adapters.compliance.port import Collected, Fact
from adapters.errors import AdapterError
from adapters.monitoring import targets
from audit.ledger import pending
from ethops.desk import discovery, dispatch, evidence_facts
from ethops.desk.housekeeping import begin_occasion

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 3_600
LOOKED_BACK: Final = timedelta(days=7)
"""As far as telemetry keeps what osquery found."""
MOST_CIS: Final = 100_000
OF_ONE_ENTRY: Final = 500
"""Observations that one entry of the ledger names; it has 65,535 bytes."""
LOW: Final = 3


@dataclass(frozen=True, slots=True)
class Ground:
    """What every source is read against."""

    at: datetime
    cis: Sequence[CI]


def watch() -> None:
    """Collect once an hour, whoever asks how often."""
    if begin_occasion("collect evidence", INTERVAL_SECONDS):
        collect()


def collect() -> Collected:
    """Read every source, keep what is news, and put on record what was kept, in one commit."""
    facts = list(_facts(Ground(timezone.now(), registry.reader("cmdb").search("", limit=MOST_CIS))))
    with transaction.atomic():
        done = registry.evidence().collect(facts)
        for start in range(0, len(done.ids), OF_ONE_ENTRY):
            ids = list(done.ids[start : start + OF_ONE_ENTRY])
            pending.note(kind="event.evidence", subject="compliance", body={"observations": ids})
    if done.faults:
        _tell(done.faults)
    return done


def _facts(ground: Ground) -> Iterator[Fact]:
    """Yield what every source says; one that cannot be asked holds up no other."""
    for source in SOURCES:
        try:
            yield from list(source(ground))
        except AdapterError as fault:
            log.warning("nothing is collected there: %s: %s", fault.code, fault)


def _listed(ground: Ground) -> Iterator[Fact]:
    yield evidence_facts.of_inventory(ground.cis, ground.at)


def _unlisted(_: Ground) -> Iterator[Fact]:
    """Look for what is no CI right now, so that an empty list is not one that nobody filled."""
    looked = discovery.look()
    hosts = {one.key: one.first_seen_at for one in proposing.waiting().filter(kind="host")}
    yield evidence_facts.of_unlisted(
        hosts, left_out=looked.left_out, watchers=list(_watchers()), at=timezone.now()
    )


def _watchers() -> Iterator[str]:
    """Yield whoever would see a host that is no CI, and answers."""
    telemetry = registry.reader("telemetry")
    if "bus" in telemetry.capabilities:
        yield "bus"
    for one in telemetry.query_logs():
        if one.read_at is not None and not one.fault:
            yield f"log {one.name}"
    for server in targets.servers():
        try:
            targets.targets(server)
        except AdapterError as fault:
            log.info("no watcher: %s: %s", fault.code, fault)
        else:
            yield f"prometheus {server}"


def _hosts(ground: Ground) -> Iterator[Fact]:
    cmdb = registry.reader("cmdb")
    names = sorted({one.host for one in ground.cis if one.host})
    for name, ref in cmdb.hosts_named(names).items():
        host = cmdb.host(name)
        if host is not None:
            yield evidence_facts.of_host(ref, host, ground.at)


def _observers(ground: Ground) -> Iterator[Fact]:
    observers = registry.reader("telemetry").observers()
    refs = registry.reader("cmdb").hosts_named([one.host for one in observers])
    for one in observers:
        if one.host in refs:
            fact = evidence_facts.of_observer(refs[one.host], one, ground.at)
            yield from [fact] if fact else []


def _queried(ground: Ground) -> Iterator[Fact]:
    classes = {one.ref: one.ci_class for one in ground.cis}
    results = registry.reader("telemetry").results(ground.at - LOOKED_BACK)
    yield from evidence_facts.of_results(results, classes)


SOURCES: Final[tuple[Callable[[Ground], Iterator[Fact]], ...]] = (
    *(_listed, _unlisted, _hosts, _observers, _queried),
)


def _tell(faults: Sequence[str]) -> None:
    """Tell a person once a day of evidence that cannot be read."""
    dispatch.open_for_person(
        occasion=f"evidence:faults:{timezone.now().date()}",
        cause="evidence:faults",
        title="Evidence for safeguards cannot be read",
        description="\n".join([*faults, "", "What else there is was collected."]),
        facts={"faults": len(faults)},
        impact=LOW,
        urgency=LOW,
    )
