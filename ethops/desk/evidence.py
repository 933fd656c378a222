"""The desk's collection of evidence: what is held here already is read, passed on and recorded."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from adapters import registry
from adapters.compliance.port import Collected, Fact
from adapters.errors import AdapterError
from audit.ledger import pending
from ethops.desk import dispatch, evidence_sources
from ethops.desk.evidence_sources import Ground
from ethops.desk.housekeeping import begin_occasion

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 3_600
MOST_CIS: Final = 100_000
OF_ONE_ENTRY: Final = 500
"""Observations that one entry of the ledger names; it has 65,535 bytes."""
LOW: Final = 3


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
    for source in evidence_sources.SOURCES:
        try:
            yield from list(source(ground))
        except AdapterError as fault:
            log.warning("nothing is collected there: %s: %s", fault.code, fault)


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
