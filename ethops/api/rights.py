"""Cards and the catalogue: what agents may ask for."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api import acts
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


class CardWhyIn(serializers.Serializer[Any]):
    """The reason, in words."""

    why = serializers.CharField(max_length=500)


class IsolatedOut(serializers.Serializer[Any]):
    """Whether a card is isolated now, and how many of its runs were set aside."""

    card = serializers.CharField()
    isolated = serializers.BooleanField()
    runs = serializers.IntegerField()


class Cards(Shelf[Card]):
    """Cards of this site."""

    serializer_class = CardOut
    lookup_field = "name"
    lookup_value_regex = "[a-z][a-z0-9_-]{0,59}"

    def get_queryset(self) -> QuerySet[Card]:
        """Return cards with their rights."""
        return runs.cards()

    @extend_schema(request=CardWhyIn, responses=IsolatedOut)
    @action(detail=True, methods=["post"])
    def isolate(self, request: Request, name: str) -> Response:
        """Let it have no new runs, and set its live ones aside."""
        del name
        card, why = self._asked(request)
        count = acts.isolate_card(card=card, person=request.user.get_username(), why=why)
        return Response({"card": card, "isolated": True, "runs": count})

    @extend_schema(request=CardWhyIn, responses=IsolatedOut)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, name: str) -> Response:
        """Let it have runs again; those that were set aside stay so."""
        del name
        card, why = self._asked(request)
        if not request.user.has_perm(acts.MAY_STEER):
            raise exceptions.PermissionDenied("You may not release a card; ask somebody who may.")
        acts.release_card(card=card, person=request.user.get_username(), why=why)
        return Response({"card": card, "isolated": False, "runs": 0})

    def _asked(self, request: Request) -> tuple[str, str]:
        form = CardWhyIn(data=request.data)
        form.is_valid(raise_exception=True)
        return self.get_object().name, str(form.validated_data["why"])


class Catalogue(Shelf[CatalogueEntry]):
    """The catalogue."""

    serializer_class = CatalogueOut
    lookup_field = "name"
    lookup_value_regex = "[a-z][a-z0-9_-]{0,59}"

    def get_queryset(self) -> QuerySet[CatalogueEntry]:
        """Return every entry."""
        return runs.catalogue()
