"""iTop at the door: how it is followed."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from adapters import registry
from ethops.api.reading import AtTheDesk


class HealthOut(serializers.Serializer[Any]):
    """How the desk of tickets that others write to stands, and how we follow it."""

    system = serializers.CharField()
    state = serializers.ChoiceField(choices=("well", "late", "away", "new", "own"))
    said = serializers.CharField()
    polled_at = serializers.DateTimeField(allow_null=True)
    swept_at = serializers.DateTimeField(allow_null=True)
    faulty_since = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField()
    refused = serializers.IntegerField()
    untold = serializers.IntegerField()
    mirrored = serializers.IntegerField()
    missing = serializers.IntegerField()
    left_out = serializers.IntegerField()
    cron = serializers.ChoiceField(choices=("alive", "stale", "unknown"))
    cron_at = serializers.DateTimeField(allow_null=True)
    cron_said = serializers.CharField(allow_blank=True)
    callbacks = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    called_at = serializers.DateTimeField(allow_null=True)


class ItopHealth(APIView):
    """How the iTop that holds the tickets stands; `own` where they are our own."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=HealthOut)
    def get(self, request: Request) -> Response:
        """Return it, from our rows: iTop itself is not asked."""
        del request
        return Response(HealthOut(asdict(registry.follower().health())).data)
