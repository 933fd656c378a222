"""What was delivered and what was decided about it; CIs that alerts may mean."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from adapters.cmdb.models import CI
from ethops.api.reading import Shelf
from ethops.desk.models import Delivery, Event
from ethops.world import intake


class DeliveryOut(serializers.Serializer[Any]):
    """One delivery; its bytes are kept, and named here by digest and size."""

    id = serializers.IntegerField()
    sender = serializers.CharField()
    digest = serializers.CharField()
    content_type = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    received_at = serializers.DateTimeField()
    repeats = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class EventOut(serializers.Serializer[Any]):
    """One alert of one delivery; labels and annotations are text from outside."""

    id = serializers.IntegerField()
    delivery = serializers.IntegerField(source="delivery_id")
    fingerprint = serializers.CharField()
    starts_at = serializers.CharField()
    status = serializers.CharField()
    labels = serializers.JSONField()
    annotations = serializers.JSONField()
    joined = serializers.CharField()
    ci = serializers.CharField(source="ci_ref")
    join_report = serializers.JSONField()
    cause_key = serializers.CharField()
    meaning = serializers.CharField()
    decision = serializers.CharField()
    reason = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    window = serializers.IntegerField(source="window_id", allow_null=True)
    repeats = serializers.IntegerField()
    at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class CIOut(serializers.Serializer[Any]):
    """A configuration item."""

    ref = serializers.CharField()
    name = serializers.CharField()
    ci_class = serializers.CharField()
    attributes = serializers.JSONField()
    impact = serializers.IntegerField()
    urgency = serializers.IntegerField()
    user_facing = serializers.BooleanField()
    lifeline = serializers.BooleanField()
    host = serializers.CharField(source="inventory_host_id", allow_null=True)
    declared_by = serializers.CharField(source="source")
    managed_by = serializers.CharField()


class Deliveries(Shelf[Delivery]):
    """Deliveries, newest first."""

    serializer_class = DeliveryOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=Delivery.STATES)),
        "sender": ("sender", serializers.CharField(max_length=60)),
    }

    def get_queryset(self) -> QuerySet[Delivery]:
        """Return all deliveries."""
        return intake.deliveries()


class Events(Shelf[Event]):
    """Events, newest first."""

    serializer_class = EventOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "decision": ("decision", serializers.ChoiceField(choices=Event.DECISIONS)),
        "meaning": ("meaning", serializers.ChoiceField(choices=Event.MEANINGS)),
        "status": ("status", serializers.ChoiceField(choices=("firing", "resolved"))),
        "joined": ("joined", serializers.ChoiceField(choices=("joined", "none", "ambiguous"))),
        "ci": ("ci_ref", serializers.CharField(max_length=120)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
        "window": ("window_id", serializers.IntegerField(min_value=1, max_value=2**62)),
        "delivery": ("delivery_id", serializers.IntegerField(min_value=1, max_value=2**62)),
    }

    def get_queryset(self) -> QuerySet[Event]:
        """Return all events."""
        return intake.events()


class CIs(Shelf[CI]):
    """CIs of the mirror."""

    serializer_class = CIOut
    lookup_field = "ref"
    lookup_value_regex = "[^/]{1,64}"
    filters: ClassVar = {
        "ci_class": ("ci_class", serializers.CharField(max_length=64)),
        "host": ("inventory_host_id", serializers.CharField(max_length=64)),
        "lifeline": ("lifeline", serializers.BooleanField()),
    }

    def get_queryset(self) -> QuerySet[CI]:
        """Return the CIs that are not retired."""
        return intake.cis()
