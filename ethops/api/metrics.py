"""What Prometheus reads: the queue, the cards and the ledger, from the rows, at each scrape."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Min
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ethops.api import itil_metrics
from ethops.api.autonomy_metrics import AutonomyCollector
from ethops.api.itop_metrics import FollowingCollector
from ethops.api.ledger_metrics import LedgerCollector
from ethops.api.level_metrics import LevelCollector
from ethops.api.reading import AtTheDesk
from ethops.world import gpu, gpu_figures
from ethops.world.gpu import CardNow
from ethops.world.gpu_totals import BEYOND, BOUNDS, Key, Totals
from gpu.tiers import TIERS

MEGABYTE: Final = 1024 * 1024


class GpuCollector(Collector):
    """Reads the rows whenever somebody asks."""

    def __init__(self) -> None:
        self.totals = Totals()

    def collect(self) -> Iterator[Metric]:
        """Return every metric; about a dozen queries."""
        now = timezone.now()
        yield from queue_gauges(now)
        yield from card_gauges(gpu.cards(), now)
        yield from quote_gauges(now)
        yield from counters(self.totals.read())


def queue_gauges(now: datetime) -> Iterator[Metric]:
    """Return what waits, by tier and slot."""
    waiting = GaugeMetricFamily(
        "ethops_gpu_waiting_jobs", "Requests that wait.", labels=["tier", "slot"]
    )
    oldest = GaugeMetricFamily(
        "ethops_gpu_oldest_wait_seconds", "How long the oldest of them waits.", labels=["tier"]
    )
    found = (
        gpu.jobs()
        .filter(id__kind="inference", id__state__in=gpu.WAITING)
        .order_by()
        .values_list("tier", "slot")
        .annotate(jobs=Count("pk"), since=Min("created_at"))
    )
    since: dict[str, datetime] = {}
    for tier, slot, jobs, first in found:
        waiting.add_metric([tier, slot], jobs)
        since[tier] = min(first, since.get(tier, first))
    for tier in TIERS:
        waits = (now - since[tier]).total_seconds() if tier in since else 0.0
        oldest.add_metric([tier], max(waits, 0.0))
    yield from (waiting, oldest)


def card_gauges(cards: Iterable[CardNow], now: datetime) -> Iterator[Metric]:
    """Return the state of every card; what is not known has no sample."""
    up = GaugeMetricFamily("ethops_gpu_card_up", "Its worker lives and is well.", labels=["card"])
    busy = GaugeMetricFamily("ethops_gpu_card_busy", "Something is on it.", labels=["card"])
    heard = GaugeMetricFamily(
        "ethops_gpu_card_heard_seconds", "Since its worker was last heard.", labels=["card"]
    )
    resident = GaugeMetricFamily(
        "ethops_gpu_slot_resident", "1 where the card holds it.", labels=["card", "slot"]
    )
    strangers = GaugeMetricFamily(
        "ethops_gpu_strangers_vram_bytes", "Taken by processes not ours.", labels=["card"]
    )
    for one in cards:
        name = [one.card.name]
        up.add_metric(name, one.up and not one.sick)
        busy.add_metric(name, one.busy)
        if one.card.seen_at is not None:
            heard.add_metric(name, max((now - one.card.seen_at).total_seconds(), 0.0))
        for slot in one.resident:
            resident.add_metric([*name, slot.name], 1)
        if one.card.strangers_mb is not None:
            strangers.add_metric(name, one.card.strangers_mb * MEGABYTE)
    unusable = GaugeMetricFamily(
        "ethops_gpu_slot_faulty", "1 where it is not used.", labels=["slot"]
    )
    for slot in gpu.slots():
        unusable.add_metric([slot.name], bool(slot.fault))
    yield from (up, busy, heard, resident, strangers, unusable)


def quote_gauges(now: datetime) -> Iterator[Metric]:
    """Return how far the last hour's quotes were off; a tier without any has no sample."""
    off = GaugeMetricFamily(
        "ethops_gpu_quote_error_seconds",
        "Median distance of real start and first quote, last hour.",
        labels=["tier"],
    )
    late = GaugeMetricFamily(
        "ethops_gpu_quote_late_seconds",
        "Mean of real start less first quote, last hour.",
        labels=["tier"],
    )
    for tier, error in gpu_figures.last_hour(now).quotes.items():
        off.add_metric([tier], error.off_s)
        late.add_metric([tier], error.late_s)
    yield from (off, late)


COUNTERS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "jobs": ("ethops_gpu_jobs", "Requests that ended.", ("tier", "slot", "state")),
    "tokens": ("ethops_gpu_tokens", "Tokens of them.", ("tier", "slot", "direction")),
    "pieces": ("ethops_gpu_pieces", "Pieces of the cards' time.", ("card", "kind", "slot")),
    "seconds": ("ethops_gpu_seconds", "Seconds of the cards.", ("card", "kind", "tier")),
    "preempted": ("ethops_gpu_preemptions", "Pieces that gave way.", ("card", "tier")),
}
"""Total -> name, meaning and labels of its counter."""


def counters(totals: Mapping[Key, float]) -> Iterator[Metric]:
    """Return what only grows."""
    made = {
        name: CounterMetricFamily(called, means, labels=labels)
        for name, (called, means, labels) in COUNTERS.items()
    }
    for (name, *said), value in sorted(totals.items()):
        if name in made:
            made[name].add_metric(said[: len(COUNTERS[name][2])], value)
    yield from made.values()
    yield waits(totals)


def waits(totals: Mapping[Key, float]) -> Metric:
    """Return the histogram of waits by tier."""
    made = HistogramMetricFamily(
        "ethops_gpu_wait_seconds", "From arrival to the first start.", labels=["tier"]
    )
    for tier in TIERS:
        so_far, buckets = 0.0, []
        # The key is as PostgreSQL writes a number, the label as Prometheus does.
        for key, le in [*((f"{bound:g}", str(bound)) for bound in BOUNDS), (BEYOND, BEYOND)]:
            so_far += totals.get(("wait", tier, key, ""), 0.0)
            buckets.append((le, so_far))
        made.add_metric([tier], buckets, sum_value=totals.get(("waited", tier, "", ""), 0.0))
    return made


REGISTRY: Final = CollectorRegistry(auto_describe=False)
COLLECTOR: Final = GpuCollector()
REGISTRY.register(COLLECTOR)
REGISTRY.register(LedgerCollector())
REGISTRY.register(AutonomyCollector())
REGISTRY.register(LevelCollector())
REGISTRY.register(FollowingCollector())
REGISTRY.register(itil_metrics.ITIL)


class Exposition(JSONRenderer):
    """Prometheus' text; a refusal is still a problem in JSON."""

    media_type = "text/plain"
    format = "text"
    charset = "utf-8"

    def render(self, data: Any, *context: Any, **named: Any) -> bytes:
        """Pass text on as it is."""
        return data if isinstance(data, bytes) else super().render(data, *context, **named)


class Metrics(APIView):
    """Metrics of the GPU queue, the ledger, autonomy, service levels and the figures of ITIL."""

    permission_classes = (AtTheDesk,)
    renderer_classes = (Exposition,)

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> Response:
        """Return them in Prometheus' text format."""
        del request
        return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
