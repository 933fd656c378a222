"""What people were told, and saying that one has it."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api.reading import Shelf
from ethops.desk import noticing
from ethops.notify.models import Notice


class NoticeOut(serializers.Serializer[Any]):
    """What somebody was told, how often, and whether he has it."""

    id = serializers.UUIDField()
    rule = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    to = serializers.CharField()
    kind = serializers.CharField()
    priority = serializers.CharField()
    title = serializers.CharField()
    made_at = serializers.DateTimeField()
    told = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    until_acknowledged = serializers.BooleanField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField()


class AcknowledgedOut(serializers.Serializer[Any]):
    """Who has it, and whether that is new."""

    acknowledged_by = serializers.CharField()
    new = serializers.BooleanField()


class Notices(Shelf[Notice]):
    """Notices, newest first."""

    serializer_class = NoticeOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "ticket": ("ticket_ref", serializers.CharField(max_length=16)),
        "to": ("to", serializers.CharField(max_length=254)),
    }

    def get_queryset(self) -> QuerySet[Notice]:
        """Return all notices."""
        return Notice.objects.order_by("-made_at", "id")

    @extend_schema(request=None, responses=AcknowledgedOut)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that you have it: nobody is told of it again."""
        del pk
        found = self.get_object()
        new = noticing.acknowledge(notice=found.pk, person=request.user.get_username())
        found.refresh_from_db()
        return Response(
            AcknowledgedOut({"acknowledged_by": found.acknowledged_by, "new": new}).data
        )
