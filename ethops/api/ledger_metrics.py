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
        yield from head_gauges(standing, now)
        yield gauge(
            "ethops_ledger_damage_open",
            "1 where it does not verify and nobody has acknowledged it.",
            standing.damage is not None and not standing.damage.acknowledged_by,
        )
        yield gauge(
            "ethops_ledger_break_glass_debts",
            "Acts past the ledger that nobody else has looked at.",
            standing.debts,
        )
        yield gauge(
            "ethops_ledger_key_use_mismatches",
            "Uses of our keys that no permit explains, ever.",
            ledger_state.mismatches(),
        )


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


def head_gauges(standing: Standing, now: datetime) -> Iterator[Metric]:
    """Return the newest signed head, and what each witness has signed."""
    if standing.head is not None:
        yield gauge(
            "ethops_ledger_head_size", "Size of the newest signed head.", standing.head.size
        )
        yield gauge("ethops_ledger_head_age_seconds", "Since then.", age(standing.head.at, now))
    yield gauge(
        "ethops_ledger_signing_refused", "1 where no head is signed.", bool(standing.refused)
    )
    size = GaugeMetricFamily(
        "ethops_ledger_witnessed_size", "Largest head that it signed.", labels=["witness"]
    )
    since = GaugeMetricFamily(
        "ethops_ledger_witnessed_age_seconds", "Since it signed one.", labels=["witness"]
    )
    well = GaugeMetricFamily(
        "ethops_ledger_witness_well", "1 where it signed what it was shown.", labels=["witness"]
    )
    for one in standing.witnesses:
        size.add_metric([one.name], one.size)
        well.add_metric([one.name], one.state == "well")
        if one.signed_at is not None:
            since.add_metric([one.name], max((now - one.signed_at).total_seconds(), 0.0))
    yield from (size, since, well)


def gauge(name: str, says: str, value: float | None) -> Metric:
    """Return a gauge of one value; what is not known has no sample."""
    made = GaugeMetricFamily(name, says)
    if value is not None:
        made.add_metric([], float(value))
    return made


def age(at: datetime | None, now: datetime) -> float | None:
    """Return the seconds since a moment."""
    return None if at is None else max((now - at).total_seconds(), 0.0)
