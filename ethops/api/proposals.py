"""What was seen and is no CI: read alone; people decide about it on its page."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from adapters.cmdb.models import FOUND, PROPOSED, Proposal
from ethops.api.reading import Shelf


class SeenOut(serializers.Serializer[Any]):
    """What one source saw; `said` is text from outside."""

    by = serializers.CharField(source="source")
    first = serializers.DateTimeField()
    last = serializers.DateTimeField()
    times = serializers.IntegerField()
    said = serializers.CharField()


class ProposalOut(serializers.Serializer[Any]):
    """A proposal; `said` is what accepting it says of the CI, field by field."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    about = serializers.CharField()
    ref = serializers.CharField()
    said = serializers.JSONField()
    found_by = serializers.CharField(source="source", help_text="the first who saw it and had room")
    seen = SeenOut(many=True)
    times = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    state = serializers.CharField()
    proposed_at = serializers.DateTimeField()
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField()


class Proposals(Shelf[Proposal]):
    """Proposals, those that were proposed last at first."""

    serializer_class = ProposalOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=PROPOSED)),
        "kind": ("kind", serializers.ChoiceField(choices=FOUND)),
        "about": ("about", serializers.CharField(max_length=64)),
        "source": ("source", serializers.CharField(max_length=100)),
    }

    def get_queryset(self) -> QuerySet[Proposal]:
        """Return all proposals."""
        return Proposal.objects.order_by("-proposed_at", "-id")
