"""Operations of agents: ask for a run, look at it, cancel it; the picture of all; their events."""

from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from adapters.environments import NAME
from ethops.api import acts
from ethops.api.reading import AtTheDesk, Shelf
from ethops.api.runs import Intents
from ethops.desk import commanded, requests
from ethops.world import agentops
from personas.agentops.errors import RunOverError
from personas.agentops.kinds import FINDINGS
from personas.agentops.models import TENANT, AgentEvent, Finding

MAY_ASK = "personas.add_agentintent"
"""The permission without which nobody has a run born."""
LONGEST_BODY = 64 * 1024
WAITS = ("ci", "approval", "model", "place", "paused", "retry")


class TooLong(exceptions.APIException):
    """The body is longer than any request for a run is."""

    status_code = 413
    code = "request.too_long"


class WantedIn(serializers.Serializer[Any]):
    """A command that is wanted done: without a shell, within a scope of the card, on one CI."""

    scope = serializers.RegexField("^[a-z][a-z0-9_]{0,59}$")
    argv = serializers.ListField(
        child=serializers.CharField(max_length=2000, trim_whitespace=False), min_length=1,
        max_length=64,
    )  # fmt: skip
    ci = serializers.CharField(max_length=64)


class IntentIn(serializers.Serializer[Any]):
    """A request for a run; the prompt is text from outside, whoever sends it."""

    agent_role = serializers.RegexField("^[a-z][a-z0-9_]{0,59}$")
    job_id = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    prompt = serializers.CharField(max_length=4000)
    priority = serializers.IntegerField(min_value=0, max_value=4, required=False, default=3)
    max_duration = serializers.IntegerField(
        min_value=10, max_value=3600, required=False, default=3600
    )
    tenant_id = serializers.RegexField("^[a-z0-9][a-z0-9_-]{0,59}$", required=False, default=TENANT)
    environment = serializers.RegexField(NAME, required=False)
    command = WantedIn(required=False)
    force = serializers.BooleanField(required=False, default=False)
    flags = serializers.ListField(
        child=serializers.RegexField("^[a-z][a-z0-9_]{0,59}$"), max_length=8, required=False
    )


class AdmittedOut(serializers.Serializer[Any]):
    """The intent, its place in the queue (1 goes next), and when it begins, about."""

    intent_id = serializers.UUIDField()
    queue_position = serializers.IntegerField()
    estimated_start_s = serializers.IntegerField()


class CheckpointOut(serializers.Serializer[Any]):
    """The last checkpoint of the intent's run."""

    intent_id = serializers.UUIDField(source="intent.id")
    session_id = serializers.UUIDField(allow_null=True)
    tool_call_count = serializers.IntegerField()
    last_tool = serializers.CharField()
    last_output = serializers.CharField()
    stage = serializers.CharField()
    checkpoint_count = serializers.IntegerField()
    timestamp = serializers.DateTimeField()


class IntentStateOut(serializers.Serializer[Any]):
    """Where an intent stands, after the facts it was made of."""

    status = serializers.CharField()
    checkpoint = CheckpointOut(source="*")
    tool_call_count = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    intent_id = serializers.UUIDField(source="intent.id")
    agent_role = serializers.CharField(source="intent.card_id")
    job_id = serializers.CharField(source="intent.ticket_ref")
    prompt = serializers.CharField(source="request.prompt", default="")
    priority = serializers.IntegerField(source="intent.priority")
    environment = serializers.CharField(source="intent.environment")
    command = WantedIn(source="intent.inputs.command", default=None)
    max_duration = serializers.IntegerField(source="request.max_duration_s", default=None)
    tenant_id = serializers.CharField(source="request.tenant_id", default=TENANT)


class EndingIn(serializers.Serializer[Any]):
    """Why; may be left out."""

    why = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class AgentIntents(Intents):
    """Requests for runs."""

    @extend_schema(
        request=IntentIn,
        responses={202: AdmittedOut},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER,
                description="sent again with the same body, the first answer comes back",
            )
        ],
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Ask for a run: it is queued, or refused with 429 and Retry-After."""
        if not request.user.has_perm(MAY_ASK):
            raise exceptions.PermissionDenied("You may not have runs born; ask somebody who may.")
        if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
            raise TooLong(f"At most {LONGEST_BODY} bytes.")
        form = IntentIn(data=request.data)
        form.is_valid(raise_exception=True)
        admitted = requests.submit(
            requests.Asked(
                person=request.user.get_username(),
                key=_key(request),
                **_besides(form.validated_data),
            )
        )
        return Response(AdmittedOut(admitted).data, status=202)

    @extend_schema(responses=IntentStateOut)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Tell where an intent stands."""
        del request, args
        return Response(IntentStateOut(_state(kwargs["pk"])).data)

    @extend_schema(request=EndingIn, responses=IntentStateOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """End the intent's run; what it was permitted and nobody has begun is void."""
        form = EndingIn(data=request.data)
        form.is_valid(raise_exception=True)
        found = _state(pk)
        done = acts.cancel_run(
            intent=found.intent.id,
            person=request.user.get_username(),
            why=form.validated_data["why"],
        )
        if not done:
            raise RunOverError(f"The run is over: {_state(pk).status}.")
        return Response(IntentStateOut(_state(pk)).data)


class WaitOut(serializers.Serializer[Any]):
    """What a run waits for; `held_by` is another run, where it is one."""

    kind = serializers.ChoiceField(choices=WAITS)
    about = serializers.CharField()
    held_by = serializers.UUIDField(allow_null=True)


class AgentOut(serializers.Serializer[Any]):
    """A run that is not over."""

    session_id = serializers.UUIDField()
    intent_id = serializers.UUIDField()
    agent_role = serializers.CharField()
    job_id = serializers.CharField()
    status = serializers.CharField()
    doing = serializers.CharField()
    acting_on = serializers.CharField()
    tool_call_count = serializers.IntegerField()
    question_count = serializers.IntegerField()
    look_count = serializers.IntegerField()
    checkpoint_count = serializers.IntegerField()
    since = serializers.DateTimeField()
    deadline = serializers.DateTimeField()
    blocked_by = WaitOut(many=True)


class InFlightOut(serializers.Serializer[Any]):
    """An effect that is being carried out or is in doubt, or a request on a card."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=("effect", "inference"))
    about = serializers.CharField()
    state = serializers.CharField()
    session_id = serializers.UUIDField(allow_null=True)


class ClusterOut(serializers.Serializer[Any]):
    """Whether all is well, which processes are silent, which CIs are ill."""

    status = serializers.ChoiceField(choices=("well", "degraded", "stopped"))
    silent = serializers.ListField(child=serializers.CharField())
    ill = serializers.ListField(child=serializers.CharField())


class CardUseOut(serializers.Serializer[Any]):
    """How busy a graphics card was in the last five minutes."""

    card = serializers.CharField()
    doing = serializers.CharField()
    utilisation = serializers.FloatField()


class UserPlaneOut(serializers.Serializer[Any]):
    """What agents work on, and what with."""

    jobs_in_flight = InFlightOut(many=True)
    cluster_status = ClusterOut(source="cluster")
    gpu_utilisation = serializers.FloatField(allow_null=True)
    gpu = CardUseOut(many=True)


class LinkOut(serializers.Serializer[Any]):
    """Which run came of which, and which waits for which."""

    # The field is taken out of the class; the framework's attribute stays what it was.
    parent = serializers.UUIDField()  # type: ignore[assignment]
    child = serializers.UUIDField()
    relation = serializers.ChoiceField(choices=("spawned_by", "blocked_by"))
    about = serializers.CharField()


class CauseOut(serializers.Serializer[Any]):
    """An intent, its job and what came of it."""

    intent = serializers.UUIDField()
    job = serializers.CharField()
    outcome = serializers.CharField()
    agent_role = serializers.CharField()


class ThrottleOut(serializers.Serializer[Any]):
    """How far admission is closed."""

    level = serializers.CharField()
    lowest_priority = serializers.IntegerField()
    retry_after_s = serializers.IntegerField()
    depth = serializers.IntegerField()
    predicted = serializers.IntegerField()


class WorldModelOut(serializers.Serializer[Any]):
    """The picture of all agents."""

    at = serializers.DateTimeField()
    agents = AgentOut(many=True)
    user_plane = UserPlaneOut(source="*")
    execution_topology = LinkOut(many=True)
    causal_graph = CauseOut(many=True)
    throttle = ThrottleOut()


class World(APIView):
    """The picture of all agents at work."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=WorldModelOut)
    def get(self, request: Request) -> Response:
        """Return who works on what, what blocks whom, and what came of what."""
        del request
        return Response(WorldModelOut(agentops.world_model()).data)


class ToolCallOut(serializers.Serializer[Any]):
    """One thing that a run asked for; bounded, with what looks like a secret masked."""

    tool = serializers.CharField()
    input = serializers.JSONField()
    output = serializers.JSONField()
    duration_ms = serializers.IntegerField()
    action = serializers.UUIDField()


class AgentEventOut(serializers.Serializer[Any]):
    """One ended run."""

    event_id = serializers.UUIDField()
    intent_id = serializers.UUIDField()
    session_id = serializers.UUIDField()
    agent_role = serializers.CharField()
    job_id = serializers.CharField()
    state = serializers.CharField()
    tool_calls = ToolCallOut(many=True)
    tool_call_count = serializers.IntegerField()
    questions = serializers.IntegerField()
    looks = serializers.IntegerField()
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    exit_code = serializers.IntegerField()
    limit_hit = serializers.CharField()
    retry_count = serializers.IntegerField()
    checkpoint_count = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    tenant_id = serializers.CharField()
    ended_at = serializers.DateTimeField()
    revision = serializers.IntegerField()


class AgentEvents(Shelf[AgentEvent]):
    """Events of ended runs, newest first."""

    serializer_class = AgentEventOut
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "agent_role": ("agent_role", serializers.CharField(max_length=60)),
        "job_id": ("job_id", serializers.CharField(max_length=40)),
        "state": ("state", serializers.CharField(max_length=12)),
        "limit_hit": ("limit_hit", serializers.CharField(max_length=40, allow_blank=True)),
        "session_id": ("session_id", serializers.UUIDField()),
        "since": ("ended_at__gte", serializers.DateTimeField()),
    }

    def get_queryset(self) -> QuerySet[AgentEvent]:
        """Return all events."""
        return agentops.events()


class FindingOut(serializers.Serializer[Any]):
    """What a detector found, and what was done about it."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    session_id = serializers.UUIDField(source="run_id", allow_null=True)
    ticket = serializers.CharField(source="ticket_ref")
    agent_role = serializers.CharField(source="card")
    said = serializers.CharField()
    facts = serializers.JSONField()
    told_at = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()


class Findings(Shelf[Finding]):
    """What detectors found, newest first."""

    serializer_class = FindingOut
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = {
        "kind": ("kind", serializers.ChoiceField(choices=FINDINGS)),
        "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
    }

    def get_queryset(self) -> QuerySet[Finding]:
        """Return all findings."""
        return agentops.findings()


def _besides(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked, with its command read and what the rules are told in one place."""
    command, flags = given.pop("command", None), {*given.pop("flags", ())}
    if given.pop("force"):
        flags.add("force")
    return {
        **given,
        "command": commanded.read(**command) if command else None,
        "flags": tuple(sorted(flags)),
    }


def _key(request: Request) -> str:
    said = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if said is None:
        return str(uuid4())
    field = serializers.RegexField("^[\\x21-\\x7e]{1,200}$")
    try:
        return str(field.run_validation(said))
    except exceptions.ValidationError as fault:
        raise exceptions.ValidationError({"Idempotency-Key": fault.detail}) from fault


def _state(text: str) -> agentops.IntentState:
    try:
        found = agentops.intent_state(UUID(text))
    except ValueError:
        found = None
    if found is None:
        raise Http404(f"There is no intent {text}.")
    return found
