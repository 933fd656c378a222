"""Runs with their steps, actions with their verdicts, and the requests runs were born from."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ethops.api import acts
from ethops.api.reading import Shelf
from ethops.world import runs
from personas.models import Action, AgentIntent, Run
from personas.states import CONTROLS, RUN_STATES, VERDICTS


class StepOut(serializers.Serializer[Any]):
    """One question and its answer."""

    number = serializers.IntegerField()
    question = serializers.JSONField()
    answer = serializers.JSONField()
    next = serializers.CharField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()


class ActionOut(serializers.Serializer[Any]):
    """What was asked for, what the gate decided, and what came of it."""

    id = serializers.UUIDField()
    run = serializers.UUIDField(source="run_id", allow_null=True)
    step = serializers.IntegerField(source="step_number")
    principal = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    verb = serializers.CharField()
    entry = serializers.CharField()
    target = serializers.CharField()
    args = serializers.JSONField()
    level = serializers.CharField()
    verdict = serializers.CharField()
    guard = serializers.CharField()
    reason = serializers.CharField()
    tree_hash = serializers.CharField()
    outcome = serializers.CharField()
    result = serializers.JSONField()
    decided_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    work_state = serializers.SerializerMethodField()
    entry_seq = serializers.SerializerMethodField()

    def get_work_state(self, of: Action) -> str | None:
        """Return where its work stands; null where it was not authorised."""
        return of.work.state if of.work else None

    def get_entry_seq(self, of: Action) -> int | None:
        """Return the ledger entry that was written before it could be claimed."""
        return of.work.entry_seq if of.work else None


class RunOut(serializers.Serializer[Any]):
    """One ephemeral agent."""

    id = serializers.UUIDField()
    intent = serializers.UUIDField(source="intent_id")
    card = serializers.CharField(source="card_id")
    ticket = serializers.CharField(source="ticket_ref")
    state = serializers.CharField()
    steps = serializers.IntegerField()
    max_steps = serializers.IntegerField()
    actions = serializers.IntegerField()
    max_actions = serializers.IntegerField()
    deadline = serializers.DateTimeField()
    retries = serializers.IntegerField()
    dead_letter = serializers.BooleanField()
    told_by = serializers.CharField()
    why = serializers.CharField()
    summary = serializers.CharField()
    limit_hit = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class ControlIn(serializers.Serializer[Any]):
    """What a person wants of a run, and why."""

    act = serializers.ChoiceField(choices=CONTROLS)
    why = serializers.CharField(max_length=500)


class RunWithSteps(RunOut):
    """A run with every question, answer and action."""

    step_rows = StepOut(many=True)
    action_rows = ActionOut(many=True)


class IntentOut(serializers.Serializer[Any]):
    """A request for a run."""

    id = serializers.UUIDField()
    card = serializers.CharField(source="card_id")
    ticket = serializers.CharField(source="ticket_ref")
    priority = serializers.IntegerField()
    scope = serializers.JSONField()
    joined = serializers.CharField()
    inputs = serializers.JSONField()
    created_at = serializers.DateTimeField()


class Runs(Shelf[Run]):
    """Runs of agents, newest first."""

    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=RUN_STATES)),
        "card": ("card_id", serializers.CharField(max_length=60)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
    }

    def get_queryset(self) -> QuerySet[Run]:
        """Return runs; one of them comes with its steps and actions."""
        found = runs.runs()
        if self.action == "retrieve":
            return found.prefetch_related("step_rows", "action_rows__work")
        return found

    @extend_schema(request=ControlIn, responses=RunOut)
    @action(detail=True, methods=["post"])
    def control(self, request: Request, pk: str) -> Response:
        """Pause, resume, isolate, cancel or restart it, or retry it out of the dead letters."""
        del pk
        run = self.get_object()
        form = ControlIn(data=request.data)
        form.is_valid(raise_exception=True)
        act = form.validated_data["act"]
        if act not in acts.CAREFUL and not request.user.has_perm(acts.MAY_STEER):
            raise exceptions.PermissionDenied("You may not let runs go on; ask somebody who may.")
        acts.control_run(
            run_id=run.id,
            act=act,
            person=request.user.get_username(),
            why=form.validated_data["why"],
        )
        return Response(RunOut(runs.runs().get(id=run.id)).data)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Run]]:
        """Steps and actions only for one run."""
        return RunWithSteps if self.action == "retrieve" else RunOut


class Actions(Shelf[Action]):
    """Actions, newest first."""

    serializer_class = ActionOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "verdict": ("verdict", serializers.ChoiceField(choices=VERDICTS)),
        "outcome": ("outcome", serializers.CharField(max_length=12, allow_blank=True)),
        "guard": ("guard", serializers.CharField(max_length=30)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
        "run": ("run_id", serializers.UUIDField()),
        "entry": ("entry", serializers.CharField(max_length=60)),
        "work_state": ("work__state", serializers.CharField(max_length=16)),
    }

    def get_queryset(self) -> QuerySet[Action]:
        """Return all actions."""
        return runs.actions()


class Intents(Shelf[AgentIntent]):
    """Requests for runs, newest first."""

    serializer_class = IntentOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "card": ("card_id", serializers.CharField(max_length=60)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
    }

    def get_queryset(self) -> QuerySet[AgentIntent]:
        """Return all requests."""
        return runs.intents()
