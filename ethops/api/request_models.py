"""The service catalogue: what may be requested, and what is asked."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from adapters.tickets.models import RequestModel
from ethops.api.reading import Shelf


class RequestModelOut(serializers.Serializer[Any]):
    """An item of the service catalogue; `entries` says of each step what does it, "" a person."""

    slug = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    service = serializers.CharField()
    team = serializers.CharField()
    approver_role = serializers.CharField()
    impact = serializers.IntegerField()
    urgency = serializers.IntegerField()
    fields_asked = serializers.ListField(child=serializers.DictField(), source="fields")
    steps = serializers.ListField(child=serializers.CharField())
    card = serializers.CharField()
    entries = serializers.SerializerMethodField()

    def get_entries(self, of: RequestModel) -> list[str]:
        """Return as many as there are steps: one in the site file may name none at all."""
        return [*of.entries, *[""] * (len(of.steps) - len(of.entries))]


class RequestModels(Shelf[RequestModel]):
    """The service catalogue."""

    serializer_class = RequestModelOut
    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9][a-z0-9._-]{0,63}"

    def get_queryset(self) -> QuerySet[RequestModel]:
        """Return what may be requested."""
        return RequestModel.objects.filter(retired=False)
