"""What earlier runs have shown: read alone."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ethops.api.reading import Shelf
from ethops.world import memory
from personas.memory.giving import Item as Counted
from personas.memory.kinds import KINDS
from personas.memory.models import Item


class EvidenceOut(serializers.Serializer[Any]):
    """One run that showed the item, and the ledger entry that says so."""

    run = serializers.UUIDField()
    ticket = serializers.CharField(source="ticket_ref")
    entry_seq = serializers.IntegerField(source="source_seq")
    entry_hash = serializers.CharField(source="source_hash")
    held = serializers.BooleanField()
    at = serializers.DateTimeField()


class HelpedOut(serializers.Serializer[Any]):
    """Runs to which it fitted: with it named and without, and how many of each went well."""

    given = serializers.IntegerField()
    given_well = serializers.IntegerField()
    without = serializers.IntegerField()
    without_well = serializers.IntegerField()
    gain = serializers.FloatField(allow_null=True)


class ItemOut(serializers.Serializer[Any]):
    """Something that runs have shown, and how often it held."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    ci_class = serializers.CharField()
    alert = serializers.CharField()
    subject = serializers.CharField()
    facts = serializers.JSONField()
    held = serializers.IntegerField()
    seen = serializers.IntegerField()
    trust = serializers.SerializerMethodField()
    source_entry = serializers.IntegerField(source="newest", allow_null=True)
    helped = serializers.SerializerMethodField()

    def get_trust(self, of: Any) -> float:
        """Return how far it may be believed, 0 to 1."""
        return round(Counted(str(of.id), of.kind, "", of.held, of.seen).trust, 3)

    @extend_schema_field(HelpedOut)
    def get_helped(self, of: Any) -> dict[str, Any]:
        """Return what it was good for."""
        found = self.context["helped"].get(of.id, memory.Helped())
        return dict(HelpedOut(found).data)


class ItemWithEvidence(ItemOut):
    """An item with everything it rests on."""

    evidence = EvidenceOut(many=True)


class Memory(Shelf[Item]):
    """Items of memory."""

    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "kind": ("kind", serializers.ChoiceField(choices=KINDS)),
        "ci_class": ("ci_class", serializers.CharField(max_length=60)),
        "alert": ("alert", serializers.CharField(max_length=80)),
    }

    def get_queryset(self) -> QuerySet[Item]:
        """Return all items; one of them comes with its evidence."""
        found = memory.items()
        return found.prefetch_related("evidence") if self.action == "retrieve" else found

    def get_serializer_context(self) -> dict[str, Any]:
        """Count what helped once for a whole page."""
        return {**super().get_serializer_context(), "helped": memory.helped()}

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Item]]:
        """Evidence only for one item."""
        return ItemWithEvidence if self.action == "retrieve" else ItemOut
