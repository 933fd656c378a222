"""The GPU queue: cards, what waits with its quotes, figures, and single requests."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ethops.api import gpu_acts
from ethops.api.reading import AtTheDesk, Shelf
from ethops.world import gpu, gpu_figures
from gpu.errors import GpuError
from gpu.models import Job
from gpu.states import JOB_KINDS
from gpu.tiers import TIERS


class JobOverError(GpuError):
    """There is nothing left to cancel."""

    code = "gpu.job_over"
    hint = "Look at the request; its state says how it ended."


class GpuCardOut(serializers.Serializer[Any]):
    """A card: whether its worker lives, what it does and for whom, and what it holds."""

    name = serializers.CharField(source="card.name")
    url = serializers.CharField(source="card.url")
    up = serializers.BooleanField()
    sick = serializers.BooleanField()
    doing = serializers.CharField(source="card.doing")
    tier = serializers.CharField(source="card.doing_tier")
    slot = serializers.CharField(source="card.doing_slot")
    job = serializers.UUIDField(source="card.doing_job", allow_null=True)
    since = serializers.DateTimeField(source="card.doing_since", allow_null=True)
    free_at = serializers.DateTimeField(source="card.free_at", allow_null=True)
    resident = serializers.JSONField(source="card.resident")
    vram_mb = serializers.IntegerField(source="card.vram_mb")
    strangers_mb = serializers.IntegerField(source="card.strangers_mb", allow_null=True)
    fault = serializers.CharField(source="card.fault")
    seen_at = serializers.DateTimeField(source="card.seen_at", allow_null=True)


class QueuedOut(serializers.Serializer[Any]):
    """A request that waits; seconds from now, null while nobody knows."""

    position = serializers.IntegerField(source="quote.position", allow_null=True, default=None)
    start_s = serializers.FloatField(source="quote.start_s", allow_null=True, default=None)
    end_s = serializers.FloatField(source="quote.end_s", allow_null=True, default=None)
    id = serializers.UUIDField(source="job.pk")
    tier = serializers.CharField(source="job.tier")
    slot = serializers.CharField(source="job.slot")
    kind = serializers.CharField(source="job.kind")
    principal = serializers.CharField(source="job.principal")
    ticket = serializers.CharField(source="job.ticket_ref")
    created_at = serializers.DateTimeField(source="job.created_at")


class QuoteErrorOut(serializers.Serializer[Any]):
    """How far quoted starts were off, in seconds: median distance, and mean of real less quoted."""

    quotes = serializers.IntegerField()
    off_s = serializers.FloatField()
    late_s = serializers.FloatField()


class TierOut(serializers.Serializer[Any]):
    """Requests of a tier that ended in the span, and those that wait now; waits in seconds."""

    tier = serializers.CharField()
    ended = serializers.IntegerField()
    done = serializers.IntegerField()
    swapped = serializers.IntegerField()
    preemptions = serializers.IntegerField()
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    wait_p50 = serializers.FloatField(allow_null=True)
    wait_p95 = serializers.FloatField(allow_null=True)
    wait_max = serializers.FloatField(allow_null=True)
    waiting = serializers.IntegerField(source="open")
    oldest_s = serializers.FloatField(source="oldest", allow_null=True)


class FiguresOut(serializers.Serializer[Any]):
    """The last hour."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    tiers = TierOut(many=True)
    loads = serializers.IntegerField()
    load_s = serializers.FloatField()
    swaps_per_100 = serializers.FloatField(allow_null=True)
    quotes = QuoteErrorOut(source="quoted", allow_null=True)


class GpuOut(serializers.Serializer[Any]):
    """Everything at once."""

    cards = GpuCardOut(many=True)
    queue = QueuedOut(many=True)
    figures = FiguresOut()


class GpuJobOut(serializers.Serializer[Any]):
    """One request and its cost; neither question nor answer, which are the asker's."""

    id = serializers.UUIDField(source="pk")
    state = serializers.CharField(source="id.state")
    tier = serializers.CharField()
    slot = serializers.CharField()
    kind = serializers.CharField()
    principal = serializers.CharField()
    client = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    run = serializers.UUIDField(allow_null=True)
    step = serializers.IntegerField(allow_null=True)
    about = serializers.CharField(source="label")
    card = serializers.CharField()
    created_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    quoted_start = serializers.DateTimeField(allow_null=True)
    quoted_end = serializers.DateTimeField(allow_null=True)
    wait_s = serializers.FloatField(allow_null=True)
    load_s = serializers.FloatField()
    latency_s = serializers.FloatField(allow_null=True)
    busy_s = serializers.FloatField()
    preemptions = serializers.IntegerField()
    swapped = serializers.BooleanField()
    model_digest = serializers.CharField()
    tokens_asked = serializers.IntegerField()
    tokens_in = serializers.IntegerField(allow_null=True)
    tokens_out = serializers.IntegerField(allow_null=True)
    cancel_asked = serializers.BooleanField()
    error_code = serializers.CharField()
    error = serializers.CharField(source="id.error")
    entry_seq = serializers.IntegerField(source="id.entry_seq", allow_null=True)


class WithdrawalIn(serializers.Serializer[Any]):
    """Why; may be left out."""

    why = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class Gpu(APIView):
    """The queue and its cards."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=GpuOut)
    def get(self, request: Request) -> Response:
        """Return cards, queue with quotes, and the figures of the last hour."""
        del request
        figures = gpu_figures.last_hour(timezone.now())
        return Response(
            {
                "cards": GpuCardOut(gpu.cards(), many=True).data,
                "queue": QueuedOut(gpu.queue(), many=True).data,
                "figures": FiguresOut(
                    {
                        "since": figures.since,
                        "until": figures.until,
                        "tiers": [figures.tiers[tier] for tier in TIERS],
                        "loads": figures.loads,
                        "load_s": figures.load_s,
                        "swaps_per_100": figures.swaps_per_100,
                        "quoted": figures.quoted,
                    }
                ).data,
            }
        )


class GpuJobs(Shelf[Job]):
    """Requests for the card."""

    serializer_class = GpuJobOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "tier": ("tier", serializers.ChoiceField(choices=[str(tier) for tier in TIERS])),
        "slot": ("slot", serializers.CharField(max_length=20)),
        "state": ("id__state", serializers.CharField(max_length=16)),
        "kind": ("kind", serializers.ChoiceField(choices=JOB_KINDS)),
        "run": ("run", serializers.UUIDField()),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
        "client": ("client", serializers.CharField(max_length=60)),
        "card": ("card", serializers.CharField(max_length=20)),
    }

    def get_queryset(self) -> QuerySet[Job]:
        """Return all requests, newest first, without what was asked and answered."""
        return gpu.jobs().defer("request", "partial", "answer")

    @extend_schema(request=WithdrawalIn, responses=GpuJobOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take the request out of the queue, or stop it between two tokens."""
        form = WithdrawalIn(data=request.data)
        form.is_valid(raise_exception=True)
        job_id = _uuid(pk)
        found = gpu.job(job_id)
        if found is None:
            raise Http404(f"There is no request {pk}.")
        asked = gpu_acts.cancel(
            job_id=job_id,
            person=request.user.get_username(),
            why=form.validated_data["why"],
        )
        if not asked and found.id.state != "cancelled":
            raise JobOverError(f"The request is over: {found.id.state}.")
        return Response(GpuJobOut(gpu.job(job_id)).data)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(f"There is no request {text}.") from None
