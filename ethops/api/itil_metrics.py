"""What Prometheus reads of the figures of ITIL: those of the last thirty days."""

import time
from collections.abc import Iterator
from typing import Final

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ethops.api.itil import DAYS
from ethops.figures import report
from ethops.figures.arithmetic import Share, Spread
from ethops.figures.report import Durations, Report, Shares

KEPT_FOR_S: Final = 60.0
"""Thirty days look the same a minute later, and a scrape must be cheap."""
QUANTILES: Final = ("mean", "median", "p90")


class ItilCollector(Collector):
    """Reads the rows when somebody asks, once a minute at most."""

    def __init__(self) -> None:
        self.read_at = 0.0
        self.last: Report | None = None

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        now = time.monotonic()
        if self.last is None or now - self.read_at > KEPT_FOR_S:
            self.last, self.read_at = report.report(DAYS, timezone.now()), now
        yield from durations(self.last)
        yield from shares(self.last)
        yield incidents(self.last)
        yield first_time(self.last)
        yield promises(self.last)


ITIL: Final = ItilCollector()


def durations(of: Report) -> Iterator[Metric]:
    """Return how long things took; what did not happen has no sample."""
    labels = ["by", "figure"]
    detect = GaugeMetricFamily(
        "ethops_itil_detect_seconds", "From the first bad sample to the incident.", labels=labels
    )
    _spread(detect, "all", of.detect)
    yield detect
    own = GaugeMetricFamily(
        "ethops_itil_acknowledge_seconds", "From the incident to the first hand.", labels=labels
    )
    repair = GaugeMetricFamily(
        "ethops_itil_repair_seconds",
        "From the first bad sample until it was well; itself counts in no sum.",
        labels=labels,
    )
    for metric, found in ((own, of.acknowledge), (repair, of.repair)):
        _durations(metric, found)
    _spread(repair, "itself", of.healed_alone)
    yield from (own, repair)


def shares(of: Report) -> Iterator[Metric]:
    """Return counts of which the reader makes shares: good, other, and too soon to say."""
    for name, means, found in (
        ("reopened", "Resolutions that were undone within 7 days.", of.reopened),
        ("came_back", "Resolutions whose cause was there again within 7 days.", of.came_back),
        ("change_success", "Changes that did what they should, and no harm.", of.changes),
    ):
        metric = GaugeMetricFamily(f"ethops_itil_{name}", means, labels=["by", "is"])
        _shares(metric, found)
        yield metric


def incidents(of: Report) -> Metric:
    """Return by whom incidents were mended."""
    metric = GaugeMetricFamily(
        "ethops_itil_incidents", "Incidents by who ended them.", labels=["by"]
    )
    for name in ("agent", "person", "itself"):
        metric.add_metric([name], getattr(of.counts, f"by_{name}"))
    metric.add_metric(["open"], of.counts.open)
    return metric


def first_time(of: Report) -> Metric:
    """Return by entry how often it was right at once."""
    metric = GaugeMetricFamily(
        "ethops_itil_first_time", "First repairs of incidents, by entry.", labels=["entry", "is"]
    )
    for one in of.first_time_right:
        metric.add_metric([one.entry, "right"], one.right)
        metric.add_metric([one.entry, "other"], one.of - one.right)
        metric.add_metric([one.entry, "unknown"], one.unknown)
    return metric


def promises(of: Report) -> Metric:
    """Return how many promises were kept, and how many were not."""
    metric = GaugeMetricFamily(
        "ethops_itil_promises", "Promises about time.", labels=["class", "kind", "is"]
    )
    for one in of.promises:
        key = [one.ticket_class, one.kind]
        metric.add_metric([*key, "kept"], one.share.good)
        metric.add_metric([*key, "broken"], one.share.of - one.share.good)
    return metric


def _durations(metric: GaugeMetricFamily, found: Durations) -> None:
    for by in ("agent", "person", "all"):
        _spread(metric, by, getattr(found, by))


def _spread(metric: GaugeMetricFamily, by: str, found: Spread | None) -> None:
    if found is not None:
        for name in QUANTILES:
            metric.add_metric([by, name], getattr(found, f"{name}_s"))


def _shares(metric: GaugeMetricFamily, found: Shares) -> None:
    for by in ("agent", "person", "itself"):
        one: Share = getattr(found, by)
        metric.add_metric([by, "so"], one.good)
        metric.add_metric([by, "not"], one.of - one.good)
        metric.add_metric([by, "too_soon"], one.too_soon)
