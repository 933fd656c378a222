"""Maintenance windows: listed, declared and ended early, each act in the name of who asks."""

from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api.reading import Shelf
from ethops.desk import maintenance
from ethops.desk.models import MaintenanceWindow


class WindowOut(serializers.Serializer[Any]):
    """A window, and how many alerts it has held back."""

    id = serializers.IntegerField()
    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    everything = serializers.BooleanField()
    cis = serializers.ListField(child=serializers.CharField())
    group = serializers.DictField(child=serializers.CharField())
    why = serializers.CharField()
    declared_by = serializers.CharField()
    declared_at = serializers.DateTimeField()
    ended_by = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)
    held = serializers.IntegerField()


class WindowIn(serializers.Serializer[Any]):
    """What a person declares: CIs, or a group of labels, or everything."""

    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    everything = serializers.BooleanField(required=False, default=False)
    cis = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, default=list, max_length=200
    )
    group = serializers.DictField(
        child=serializers.CharField(max_length=1000), required=False, default=dict
    )
    why = serializers.CharField(max_length=2000)


class EndedEarly(serializers.Serializer[Any]):
    """Why it is over early."""

    why = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class Windows(Shelf[MaintenanceWindow]):
    """Maintenance windows, the last to end first."""

    serializer_class = WindowOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "declared_by": ("declared_by", serializers.CharField(max_length=150)),
        "open": ("closed_at__isnull", serializers.BooleanField()),
        "ends_after": ("ends_at__gt", serializers.DateTimeField()),
    }

    def get_queryset(self) -> QuerySet[MaintenanceWindow]:
        """Return all windows."""
        counted = MaintenanceWindow.objects.annotate(held=Count("events"))
        return counted.order_by("-ends_at", "-id")

    @extend_schema(request=WindowIn, responses={201: WindowOut})
    def create(self, request: Request) -> Response:
        """Declare a window."""
        _may(request)
        form = WindowIn(data=request.data)
        form.is_valid(raise_exception=True)
        row = maintenance.declare(person=request.user.get_username(), **form.validated_data)
        return Response(WindowOut(self.get_queryset().get(pk=row.pk)).data, status=201)

    @extend_schema(request=EndedEarly, responses=WindowOut)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """End a window now; one that is over stays as it is."""
        _may(request)
        row = self.get_object()
        form = EndedEarly(data=request.data)
        form.is_valid(raise_exception=True)
        why = form.validated_data["why"]
        maintenance.end(window_id=row.pk, person=request.user.get_username(), why=why)
        del pk
        return Response(WindowOut(self.get_queryset().get(pk=row.pk)).data)


def _may(request: Request) -> None:
    if not request.user.has_perm(maintenance.MAY_DECLARE):
        raise exceptions.PermissionDenied("You may not hold alerts back; ask somebody who may.")
