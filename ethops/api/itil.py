"""The figures of ITIL over the last days, each from what was done."""

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ethops.api.reading import AtTheDesk
from ethops.figures import report

DAYS: Final = 30
MOST_DAYS: Final = 366


class SpreadOut(serializers.Serializer[Any]):
    """How long something took, in seconds."""

    count = serializers.IntegerField()
    mean_s = serializers.FloatField()
    median_s = serializers.FloatField()
    p90_s = serializers.FloatField()


class ShareOut(serializers.Serializer[Any]):
    """`good` of `of`; of `too_soon` more nobody can say yet."""

    good = serializers.IntegerField()
    of = serializers.IntegerField()
    too_soon = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)


class DurationsOut(serializers.Serializer[Any]):
    """By who did it; null where nobody did."""

    agent = SpreadOut(allow_null=True)
    person = SpreadOut(allow_null=True)
    all = SpreadOut(allow_null=True)


class SharesOut(serializers.Serializer[Any]):
    """By who did it."""

    agent = ShareOut()
    person = ShareOut()
    itself = ShareOut()
    all = ShareOut()


class FirstTimeOut(serializers.Serializer[Any]):
    """How often an entry of the catalogue was the first thing tried, and all that was needed."""

    entry = serializers.CharField()
    right = serializers.IntegerField()
    of = serializers.IntegerField()
    unknown = serializers.IntegerField()


class KeptOut(serializers.Serializer[Any]):
    """How many promises about time were kept."""

    ticket_class = serializers.CharField()
    kind = serializers.CharField()
    share = ShareOut()


class ItilCountsOut(serializers.Serializer[Any]):
    """What the figures are made of."""

    incidents = serializers.IntegerField()
    open = serializers.IntegerField()
    by_agent = serializers.IntegerField()
    by_person = serializers.IntegerField()
    by_itself = serializers.IntegerField()
    untaken = serializers.IntegerField()
    unseen = serializers.IntegerField()
    changes = serializers.IntegerField()


class ItilOut(serializers.Serializer[Any]):
    """All of them; `cut` is true where there was more than is counted."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    days = serializers.IntegerField()
    cut = serializers.BooleanField()
    counts = ItilCountsOut()
    detect = SpreadOut(allow_null=True)
    acknowledge = DurationsOut()
    repair = DurationsOut()
    healed_alone = SpreadOut(allow_null=True)
    reopened = SharesOut()
    came_back = SharesOut()
    changes = SharesOut()
    first_time_right = FirstTimeOut(many=True)
    promises = KeptOut(many=True)


class Itil(APIView):
    """Figures of ITIL."""

    permission_classes = (AtTheDesk,)

    @extend_schema(
        parameters=[OpenApiParameter("days", int, description="1 to 366; 30 where left out")],
        responses=ItilOut,
    )
    def get(self, request: Request) -> Response:
        """Return the figures of the last days."""
        unknown = sorted(set(request.query_params) - {"days", "format"})
        if unknown:
            said = ["There is no such filter here; there are: days."]
            raise exceptions.ValidationError(dict.fromkeys(unknown, said))
        return Response(ItilOut(report.report(days(request), timezone.now())).data)


def days(request: Request) -> int:
    """Return how many days were asked for.

    Raises:
        ValidationError: it is no such number.
    """
    field = serializers.IntegerField(min_value=1, max_value=MOST_DAYS)
    try:
        value: int = field.run_validation(request.query_params.get("days", DAYS))
    except exceptions.ValidationError as fault:
        raise exceptions.ValidationError({"days": fault.detail}) from fault
    return value
