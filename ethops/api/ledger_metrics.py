"""What Prometheus reads of the ledger: entries, what waits, the last check."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ethops.world import ledger_state
from ethops.world.ledger_state import Standing
from ethops.world.ledger_totals import EntriesByKind


class LedgerCollector(Collector):
    """Reads the rows whenever somebody asks."""

    def __init__(self) -> None:
        self.totals = EntriesByKind()

    def collect(self) -> Iterator[Metric]:
        """Return every metric; a handful of queries."""
        now = timezone.now()
        standing = ledger_state.standing()
        entries = CounterMetricFamily(
            "ethops_ledger_entries", "Entries of the ledger.", labels=["kind"]
        )
        for kind, count in sorted(self.totals.read().items()):
            entries.add_metric([kind], count)
        yield entries
        yield from pending_gauges(standing, now)
        yield from check_gauges(standing, now)


def pending_gauges(standing: Standing, now: datetime) -> Iterator[Metric]:
    """Return where the chain ends, and what waits to be written."""
    yield gauge("ethops_ledger_size", "Number of the newest entry.", standing.seq)
    yield gauge("ethops_ledger_pending", "Facts that wait to be written.", standing.waiting)
    yield gauge(
        "ethops_ledger_pending_oldest_seconds",
        "How long the oldest of them waits.",
        age(standing.oldest, now) or 0.0,
    )


def check_gauges(standing: Standing, now: datetime) -> Iterator[Metric]:
    """Return what the last check found; without a check there is no sample."""
    checked = standing.checked
    if checked is None:
        return
    yield gauge(
        "ethops_ledger_check_whole", "1 where the last check found it whole.", checked.whole
    )
    yield gauge("ethops_ledger_check_to", "Entry up to which it was checked.", checked.to_seq)
    yield gauge("ethops_ledger_check_entries", "Entries that it read.", checked.entries)
    yield gauge("ethops_ledger_check_seconds", "How long it took.", checked.took_s)
    yield gauge("ethops_ledger_check_age_seconds", "Since then.", age(checked.at, now))


def gauge(name: str, says: str, value: float | None) -> Metric:
    """Return a gauge of one value; what is not known has no sample."""
    made = GaugeMetricFamily(name, says)
    if value is not None:
        made.add_metric([], float(value))
    return made


def age(at: datetime | None, now: datetime) -> float | None:
    """Return the seconds since a moment."""
    return None if at is None else max((now - at).total_seconds(), 0.0)
