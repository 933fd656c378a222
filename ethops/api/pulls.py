"""Pull requests of the forge here: what they change, and what people have done with them."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from adapters.forge.models import STATES, VERDICTS, PullRequest
from ethops.api import acts
from ethops.api.reading import Shelf
from ethops.world import pulls
from personas.approvals.errors import ApprovalRefusedError


class PullOut(serializers.Serializer[Any]):
    """A pull request; title, body and files are its author's words."""

    number = serializers.IntegerField()
    key = serializers.UUIDField()
    title = serializers.CharField()
    body = serializers.CharField()
    author = serializers.CharField()
    behind = serializers.ListField(child=serializers.CharField())
    ticket = serializers.CharField(source="ticket_ref")
    branch = serializers.CharField()
    base = serializers.CharField()
    head = serializers.CharField()
    state = serializers.CharField()
    merged_as = serializers.CharField()
    opened_at = serializers.DateTimeField()


class PullChangeOut(serializers.Serializer[Any]):
    """What its head does to one file."""

    path = serializers.CharField()
    kind = serializers.CharField()
    size = serializers.IntegerField()


class PullReviewOut(serializers.Serializer[Any]):
    """What one person said of one head, and whether his word counts."""

    reviewer = serializers.CharField()
    verdict = serializers.CharField()
    head = serializers.CharField()
    why = serializers.CharField()
    at = serializers.DateTimeField()
    counts = serializers.BooleanField()


class PullWithDiff(serializers.Serializer[Any]):
    """With what its head changes: `shown_sha256` is what an approval names."""

    pull = PullOut()
    changes = PullChangeOut(many=True)
    reviews = PullReviewOut(many=True)
    approvers = serializers.ListField(child=serializers.CharField(), source="stands.approvers")
    objectors = serializers.ListField(child=serializers.CharField(), source="stands.objectors")
    diff = serializers.CharField()
    shown_sha256 = serializers.CharField(source="sha256")


class PullReviewIn(serializers.Serializer[Any]):
    """Of which head; for an approval also what was shown, and the code of the second factor."""

    verdict = serializers.ChoiceField(choices=VERDICTS)
    head = serializers.RegexField(r"^[0-9a-f]{40,64}$")
    shown_sha256 = serializers.RegexField(
        r"^([0-9a-f]{64})?$", required=False, default="", allow_blank=True, source="shown"
    )
    code = serializers.RegexField(r"^([0-9]{6})?$", required=False, default="", allow_blank=True)
    why = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class PullMergeIn(serializers.Serializer[Any]):
    """Which head is to be merged."""

    head = serializers.RegexField(r"^[0-9a-f]{40,64}$")


class PullCloseIn(serializers.Serializer[Any]):
    """Which head nobody is to merge, and why."""

    head = serializers.RegexField(r"^[0-9a-f]{40,64}$")
    why = serializers.CharField(max_length=500)


class Pulls(Shelf[PullRequest]):
    """Pull requests, newest first."""

    serializer_class = PullOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=STATES)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=64)),
    }

    def get_queryset(self) -> QuerySet[PullRequest]:
        """Return all of them."""
        return PullRequest.objects.order_by("-number")

    @extend_schema(responses=PullWithDiff)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one, with everything that whoever decides must have been shown."""
        del request, args, kwargs
        return Response(PullWithDiff(pulls.dossier(self.get_object().number)).data)

    @extend_schema(request=PullReviewIn, responses=PullWithDiff)
    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: str) -> Response:
        """Approve what was shown, ask for changes, or say something, in one's own name."""
        del pk
        number = self.get_object().number
        form = PullReviewIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.review_pull(number=number, person=request.user.get_username(), **form.validated_data)
        return Response(PullWithDiff(pulls.dossier(number)).data)

    @extend_schema(request=PullMergeIn, responses=PullWithDiff)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Have the executor merge this head; a repeat orders nothing."""
        del pk
        number = self.get_object().number
        # A token may lie in a script, and here no code shows that a person is there.
        if request.auth is not None:
            raise ApprovalRefusedError("forge.not_a_person", "Nobody merges by token.")
        form = PullMergeIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.merge_pull(number=number, person=request.user.get_username(), **form.validated_data)
        return Response(PullWithDiff(pulls.dossier(number)).data)

    @extend_schema(request=PullCloseIn, responses=PullWithDiff)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close it unmerged, in one's own name; its ticket is told."""
        del pk
        number = self.get_object().number
        form = PullCloseIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.close_pull(number=number, person=request.user.get_username(), **form.validated_data)
        return Response(PullWithDiff(pulls.dossier(number)).data)
