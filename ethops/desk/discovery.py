"""The desk's look at what is seen and is no CI: proposed to people, who alone make a CI of it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone

from adapters import registry
from adapters.cmdb import proposals, proposing
from adapters.cmdb.already import Ground
from adapters.cmdb.proposals import Folded, Sighting
from adapters.errors import AdapterError
from adapters.json_value import JSON
from adapters.monitoring import targets
from ethops.desk import dispatch, findings, sightings
from ethops.desk.models import Event
from ethops.desk.topology import host_named

log = logging.getLogger(__name__)

LOOKED_BACK: Final = timedelta(days=1)
MOST_READ: Final = 2_000
MOST_CIS: Final = 100_000
MOST_NAMED: Final = 10
"""Sources that a notice names: those that say most."""
LOW: Final = 3
"""Impact and urgency of a notice: nothing is broken, something is unknown for longer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look came to."""

    proposed: int
    """Things that are kept as proposals, new ones and those that wait by now."""
    withdrawn: int
    left_out: int
    unfit: int


def look() -> Found:
    """Read telemetry and monitoring, and keep what is no CI as proposals."""
    ground = Ground(registry.reader("cmdb").search("", limit=MOST_CIS))
    seen = [one for one in _all_seen(ground) if not ground.is_one(one.thing)]
    before = proposing.kept()
    folded = proposals.fold(seen, before, ground.refs)
    kept = proposing.propose(folded.proposals)
    said = [
        key for key, one in before.items() if one.state == "proposed" and ground.is_one(one.thing)
    ]
    withdrawn = proposing.withdraw(said)
    _tell_of_floods(folded)
    left_out = sum(folded.left_out.values()) + sum(folded.crowded.values())
    return Found(kept, withdrawn, left_out, sum(folded.unfit.values()))


def _all_seen(ground: Ground) -> Iterator[Sighting]:
    """Yield what every source saw; one that cannot be asked holds up no other."""
    for source in SOURCES:
        try:
            yield from source(ground)
        except AdapterError as fault:
            log.warning("nothing is found there: %s: %s", fault.code, fault)


def _published(_: Ground) -> Iterator[Sighting]:
    letters = registry.reader("telemetry").dead_letters(
        timezone.now() - LOOKED_BACK, limit=MOST_READ
    )
    yield from sightings.of_letters(letters)


def _observed(_: Ground) -> Iterator[Sighting]:
    yield from sightings.of_observers(registry.reader("telemetry").observers())


def _alerted(ground: Ground) -> Iterator[Sighting]:
    """Yield the hosts of alerts that joined no CI, and would join none now."""
    since = timezone.now() - LOOKED_BACK
    events = Event.objects.filter(joined="none", status="firing", last_at__gte=since)
    for event in events.select_related("delivery").order_by("-last_at")[:MOST_READ]:
        labels = event.labels if isinstance(event.labels, dict) else {}
        if not _joins(labels, ground):
            yield from sightings.of_alert(event.delivery.sender, labels, event.last_at)


def _scraped(ground: Ground) -> Iterator[Sighting]:
    """Yield the hosts that a Prometheus looks after and whose alerts would join no CI."""
    now = timezone.now()
    for server in targets.servers():
        try:
            found = targets.targets(server)
        except AdapterError as fault:
            log.warning("its targets are not known: %s: %s", fault.code, fault)
            continue
        for labels in found:
            if not _joins(labels, ground):
                yield from sightings.of_target(server, labels, now)


def _joins(labels: Mapping[str, str], ground: Ground) -> bool:
    """Tell whether labels mean a CI, by the name of their host or by a rule."""
    name = host_named(labels)[:200]
    return ground.knows_host(name) or registry.reader("cmdb").join(labels).result != "none"


def _queried(_: Ground) -> Iterator[Sighting]:
    """Yield what osquery found on hosts that are CIs, and which hosts are none."""
    telemetry = registry.reader("telemetry")
    yield from findings.of_results(telemetry.results(timezone.now() - LOOKED_BACK))
    for name, strangers in telemetry.strangers().items():
        yield from sightings.of_strangers(name, strangers)


SOURCES: Final[tuple[Callable[[Ground], Iterator[Sighting]], ...]] = (
    *(_published, _observed, _queried, _alerted, _scraped),
)


def _tell_of_floods(folded: Folded) -> None:
    """Tell a person once a day of each source whose share is full, and of a list that is full."""
    for source, number in folded.left_out.items():
        _tell(
            source,
            title=f"More is found by {source} than is proposed",
            text=(
                f"{number} things that are no CI were seen by {source} besides the"
                f" {proposals.MOST_OF_SOURCE} of its share that wait for a person already. Decide"
                " about those, or find out why it sees so many: somebody may make them up."
            ),
            facts={"source": source, "left_out": number},
        )
    if folded.crowded:
        # One for all: what is full is the list, and not what any of them may fill of it.
        number = sum(folded.crowded.values())
        most = sorted(folded.crowded, key=lambda one: (-folded.crowded[one], one))
        named = ", ".join(most[:MOST_NAMED])
        more = f" and {len(most) - MOST_NAMED} more" if len(most) > MOST_NAMED else ""
        _tell(
            "all",
            title="More is found than is proposed",
            text=(
                f"{number} things that are no CI were seen by {named}{more} besides the"
                f" {proposals.MOST} of all sources that wait for a person already. Decide about"
                " those: then there is room for what is seen next."
            ),
            facts={"sources": list(most[:MOST_NAMED]), "left_out": number},
        )


def _tell(about: str, *, title: str, text: str, facts: Mapping[str, JSON]) -> None:
    dispatch.open_for_person(
        occasion=f"discovery:{about}:{timezone.now().date()}",
        cause=f"discovery:{about}",
        title=title,
        description=text,
        facts=facts,
        impact=LOW,
        urgency=LOW,
    )
