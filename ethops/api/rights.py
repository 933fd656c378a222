"""Cards and the catalogue: what agents may ask for."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from ethops.api.reading import Shelf
from ethops.world import runs
from personas.models import Card, CatalogueEntry


class GrantOut(serializers.Serializer[Any]):
    """One right of a card."""

    verb = serializers.CharField()
    entry = serializers.CharField()
    ci_class = serializers.CharField()


class CardOut(serializers.Serializer[Any]):
    """A persona: its job, limits and rights."""

    name = serializers.CharField()
    title = serializers.CharField()
    purpose = serializers.CharField()
    team = serializers.CharField()
    digest = serializers.CharField()
    limits = serializers.JSONField()
    enabled = serializers.BooleanField()
    loaded_at = serializers.DateTimeField()
    grants = GrantOut(many=True)


class CatalogueOut(serializers.Serializer[Any]):
    """A pre-approved playbook and the hash it is pinned to."""

    name = serializers.CharField()
    title = serializers.CharField()
    risk = serializers.CharField()
    tree_hash = serializers.CharField()
    approved_hash = serializers.CharField()
    parameters = serializers.JSONField()
    timeout_s = serializers.IntegerField()
    max_per_ticket = serializers.IntegerField()
    max_per_hour = serializers.IntegerField()
    enabled = serializers.BooleanField()
    loaded_at = serializers.DateTimeField()


class Cards(Shelf[Card]):
    """Cards of this site."""

    serializer_class = CardOut
    lookup_field = "name"
    lookup_value_regex = "[a-z][a-z0-9_-]{0,59}"

    def get_queryset(self) -> QuerySet[Card]:
        """Return cards with their rights."""
        return runs.cards()


class Catalogue(Shelf[CatalogueEntry]):
    """The catalogue."""

    serializer_class = CatalogueOut
    lookup_field = "name"
    lookup_value_regex = "[a-z][a-z0-9_-]{0,59}"

    def get_queryset(self) -> QuerySet[CatalogueEntry]:
        """Return every entry."""
        return runs.catalogue()
