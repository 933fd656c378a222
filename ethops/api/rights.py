"""Cards and the catalogue: what agents may ask for."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api import acts
from ethops.api.reading import Shelf
from ethops.world import cards, runs
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


class ApprovedOut(serializers.Serializer[Any]):
    """What somebody has said yes to."""

    digest = serializers.CharField()
    prompt_digest = serializers.CharField()
    by = serializers.CharField()
    why = serializers.CharField()
    at = serializers.DateTimeField()
    factor = serializers.CharField()
    independent = serializers.BooleanField(allow_null=True)


class CardStandingOut(serializers.Serializer[Any]):
    """What would be approved, and what has changed since the last time."""

    card = serializers.CharField(source="card.name")
    approved = serializers.BooleanField()
    digest = serializers.CharField(source="card.digest")
    prompt_digest = serializers.CharField()
    document = serializers.JSONField(source="card.document")
    told = serializers.CharField()
    changes = serializers.CharField()
    changes_told = serializers.CharField()
    needs_code = serializers.BooleanField(source="risky")
    last = ApprovedOut(allow_null=True)


class CardApproveIn(serializers.Serializer[Any]):
    """What was shown, by its digests, why, and the code of the second factor."""

    digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    prompt_digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    code = serializers.RegexField(r"^[0-9]{6}$")
    why = serializers.CharField(max_length=2000)


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

    @extend_schema(responses=CardStandingOut)
    @action(detail=True, methods=["get"])
    def approval(self, request: Request, name: str) -> Response:
        """Return what would be approved, and how it differs from what was approved last."""
        del request, name
        return Response(CardStandingOut(self._standing()).data)

    @extend_schema(request=CardApproveIn, responses=CardStandingOut)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, name: str) -> Response:
        """Approve exactly what was shown, in the name of the person who asks; with a code."""
        del name
        found = self._standing()
        form = CardApproveIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.approve_card(found, person=request.user.get_username(), **form.validated_data)
        return Response(CardStandingOut(self._standing()).data)

    def _standing(self) -> cards.Standing:
        found = cards.standing(self.get_object().name)
        if found is None:
            raise Http404
        return found

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
