"""What Prometheus reads of promises: how many were kept, were broken, and run."""

from collections.abc import Iterator

from django.db.models import Case, CharField, Count, Value, When
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ethops.sla.calendars import SECOND
from ethops.sla.models import Stopwatch

NAME = "ethops_sla_clocks"
LABELS = ("class", "priority", "kind", "state")


class LevelCollector(Collector):
    """Reads the rows whenever somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """Return how many clocks stand how; one query."""
        clocks = GaugeMetricFamily(
            NAME,
            "Promises to tickets: met, missed, running, paused, or late (over it, still open).",
            labels=LABELS,
        )
        for *labels, count in counted():
            clocks.add_metric(labels, count)
        yield clocks


def counted() -> Iterator[tuple[str, str, str, str, int]]:
    """Yield class, priority, kind and state of clocks, and how many those are."""
    late = timezone.now() - SECOND
    # As `ethops.sla.standing` says it of one.
    state = Case(
        When(phase="stopped", due_at=None, then=Value("met")),
        When(phase="stopped", then=Value("missed")),
        When(due_at__lte=late, then=Value("late")),
        default="phase",
        output_field=CharField(),
    )
    rows = Stopwatch.objects.annotate(state=state).order_by()
    yield from rows.values_list("ticket_class", "priority", "kind", "state").annotate(
        count=Count("pk")
    )
