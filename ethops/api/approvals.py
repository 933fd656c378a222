"""What waits for a person's decision, and the two ways to decide."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api import acts
from ethops.api.reading import Shelf
from personas.approvals import doors, queries
from personas.approvals.errors import ApprovalRefusedError
from personas.approvals.models import KINDS, Approval
from personas.states import APPROVAL_STATES, CHANGE_CLASSES


class ApprovalOut(serializers.Serializer[Any]):
    """A proposal, the facts that the gate computed, and what was decided."""

    action = serializers.UUIDField(source="pk")
    kind = serializers.CharField()
    change_class = serializers.CharField()
    state = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    run = serializers.UUIDField(source="run_id")
    entry = serializers.CharField()
    target = serializers.CharField()
    author = serializers.CharField()
    asked_by = serializers.ListField(child=serializers.CharField())
    facts = serializers.JSONField()
    shown_sha256 = serializers.CharField()
    pins = serializers.JSONField()
    tree_hash = serializers.CharField()
    proposed_at = serializers.DateTimeField()
    not_before = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()
    approver = serializers.CharField()
    why = serializers.CharField()
    factor = serializers.CharField()
    independent = serializers.BooleanField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    confirmed_sha256 = serializers.CharField()
    implementer = serializers.CharField()


class ShownNowOut(serializers.Serializer[Any]):
    """The facts as they are at this moment: `sha256` goes into `shown_sha256` of an approval."""

    shown = serializers.CharField()
    sha256 = serializers.CharField()
    changed = serializers.ListField(child=serializers.CharField())
    unseen = serializers.CharField()


class ApprovalWithFiles(ApprovalOut):
    """With what was shown, what is so now and is to be approved, the files that run, their diff."""

    shown = serializers.CharField()
    now = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()
    diff = serializers.SerializerMethodField()

    @extend_schema_field(ShownNowOut)
    def get_now(self, of: Approval) -> dict[str, Any] | None:
        """Return what whoever decides now must have read; null where it waits no longer."""
        now = doors.shown_now(of.pk) if of.state == "waiting" else None
        return None if now is None else dict(ShownNowOut(now).data)

    def get_files(self, of: Approval) -> list[dict[str, str]]:
        """Return the files of the playbook, as pinned."""
        tree = queries.tree(of.tree_hash)
        return tree.files if tree else []

    def get_diff(self, of: Approval) -> str:
        """Return their diff against the tree before."""
        tree = queries.tree(of.tree_hash)
        return tree.diff if tree else ""


class ApproveIn(serializers.Serializer[Any]):
    """What was shown, by the hash of `now`; the code of the second factor where one is needed."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    diff_sha256 = serializers.RegexField(
        r"^([0-9a-f]{64})?$", required=False, default="", allow_blank=True
    )
    code = serializers.RegexField(r"^([0-9]{6})?$", required=False, default="", allow_blank=True)
    why = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class RefusalIn(serializers.Serializer[Any]):
    """Why not; may be left out."""

    why = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class Approvals(Shelf[Approval]):
    """Proposals of agents, newest first."""

    serializer_class = ApprovalOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=APPROVAL_STATES)),
        "kind": ("kind", serializers.ChoiceField(choices=KINDS)),
        "change_class": ("change_class", serializers.ChoiceField(choices=CHANGE_CLASSES)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
    }

    def get_queryset(self) -> QuerySet[Approval]:
        """Return all proposals."""
        return queries.approvals()

    @extend_schema(responses=ApprovalWithFiles)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one, with everything that whoever decides must have been shown."""
        del request, args, kwargs
        return Response(ApprovalWithFiles(self.get_object()).data)

    @extend_schema(request=ApproveIn, responses=ApprovalOut)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve exactly what was shown, in the name of the person who asks."""
        del pk
        found = self.get_object()
        form = ApproveIn(data=request.data)
        form.is_valid(raise_exception=True)
        # A token may lie in a script; only a code shows that a person is there now.
        if request.auth is not None and not form.validated_data["code"]:
            raise ApprovalRefusedError("approvals.wrong_code", "By token, it needs a code.")
        acts.approve(action_id=found.pk, person=request.user.get_username(), **form.validated_data)
        return Response(ApprovalOut(self.get_object()).data)

    @extend_schema(request=RefusalIn, responses=ApprovalOut)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject what waits, or object to what is about to happen."""
        del pk
        found = self.get_object()
        form = RefusalIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.reject(
            action_id=found.pk,
            person=request.user.get_username(),
            why=form.validated_data["why"],
        )
        return Response(ApprovalOut(self.get_object()).data)
