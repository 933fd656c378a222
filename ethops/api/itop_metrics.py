"""What Prometheus reads of a desk that others write to: whether it is followed, and what waits."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adapters import registry


class FollowingCollector(Collector):
    """Reads the rows whenever somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """Return nothing where tickets are our own."""
        follower = registry.follower()
        if not follower.follows:
            return
        health = follower.health()
        up = "Whether the other desk answers and is followed."
        yield GaugeMetricFamily("ethops_desk_elsewhere_up", up, value=health.state == "well")
        waits = GaugeMetricFamily(
            "ethops_desk_elsewhere_writes", "Writes it has not.", labels=["state"]
        )
        waits.add_metric(["waiting"], health.waiting)
        waits.add_metric(["refused"], health.refused)
        yield waits
        stale = "1 where its background tasks stand still; no sample where that is not known."
        cron = GaugeMetricFamily("ethops_desk_elsewhere_cron_stale", stale)
        if health.cron != "unknown":
            cron.add_metric([], health.cron == "stale")
        yield cron
        looked = GaugeMetricFamily(
            "ethops_desk_elsewhere_look_seconds", "Since a look came to its end."
        )
        if health.polled_at is not None:
            looked.add_metric([], max((timezone.now() - health.polled_at).total_seconds(), 0.0))
        yield looked
