"""Agents at work as one picture: who, on what, what blocks whom, and what came of what."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from adapters.monitoring.models import AlertState
from ethops.world import house
from gpu.models import Card as GpuCard
from gpu.models import Job
from gpu.states import Doing
from personas import controls
from personas.agentops import acts
from personas.agentops.acts import Wait
from personas.agentops.models import AgentEvent, Finding, Request, Throttle
from personas.models import Action, AgentIntent, Run, Step

MOST_LINKS: Final = 200
MOST_CAUSES: Final = 50
BUSY_OVER: Final = timedelta(minutes=5)
"""Utilisation is the share of this in which a card loaded, ran or was held."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One run that is not over."""

    session_id: UUID
    intent_id: UUID
    agent_role: str
    job_id: str
    status: str
    doing: str
    acting_on: str
    tool_call_count: int
    question_count: int
    look_count: int
    checkpoint_count: int
    since: datetime
    deadline: datetime
    blocked_by: tuple[Wait, ...]
    """What it waits for: another run, a person, a model, a place, or that it is let go on."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """An effect that an executor holds or that is in doubt, or a request that a card works on."""

    id: UUID
    kind: str
    about: str
    state: str
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """`well`, `degraded` or `stopped`, and why."""

    status: str
    silent: tuple[str, ...]
    ill: tuple[str, ...]
    """CIs whose alert fires."""


@dataclass(frozen=True, slots=True)
class CardUse:
    """How busy one graphics card was, 0 to 1."""

    card: str
    doing: str
    utilisation: float


@dataclass(frozen=True, slots=True)
class Link:
    """`child` was spawned by `parent`, or waits for it."""

    parent: UUID
    child: UUID
    relation: str
    about: str


@dataclass(frozen=True, slots=True)
class Cause:
    """An intent, the job it was for, and what came of it."""

    intent: UUID
    job: str
    outcome: str
    agent_role: str


@dataclass(frozen=True, slots=True)
class WorldModel:
    """Everything at once, from rows of one moment."""

    at: datetime
    agents: tuple[Agent, ...]
    jobs_in_flight: tuple[InFlight, ...]
    cluster: Cluster
    gpu: tuple[CardUse, ...]
    execution_topology: tuple[Link, ...]
    causal_graph: tuple[Cause, ...]
    throttle: Throttle
    findings: tuple[Finding, ...]

    @property
    def gpu_utilisation(self) -> float | None:
        """Of all cards together; None where there is none."""
        return sum(c.utilisation for c in self.gpu) / len(self.gpu) if self.gpu else None


def world_model() -> WorldModel:
    """Look at everything; a fixed number of queries, however much is at work."""
    now = timezone.now()
    return WorldModel(
        at=now,
        agents=_agents(),
        jobs_in_flight=(*_effects(), *_inferences()),
        cluster=_cluster(),
        gpu=_gpu(now),
        execution_topology=_topology(),
        causal_graph=_causes(),
        throttle=_throttle(),
        findings=tuple(findings()[:10]),
    )


def events() -> QuerySet[AgentEvent]:
    """Return events of ended runs, newest first."""
    return AgentEvent.objects.order_by("-ended_at")


def findings() -> QuerySet[Finding]:
    """Return what detectors found, newest first."""
    return Finding.objects.order_by("-at")


def _throttle() -> Throttle:
    """Return how far admission is closed; open where nobody has looked yet."""
    found = Throttle.objects.filter(id=1).first()
    if found is not None:
        return found
    return Throttle(id=1, level="open", lowest_priority=4, retry_after_s=0, depth=0, predicted=0)


def _agents() -> tuple[Agent, ...]:
    runs = list(Run.objects.filter(ended_at=None).order_by("created_at")[:MOST_LINKS])
    did, waits = acts.calls(), _waits()
    asked = {
        step["run_id"]: str(step["question__kind"] or "")
        for step in Step.objects.filter(run__in=[run.id for run in runs])
        .order_by("number")
        .values("run_id", "question__kind")
    }
    acting = {
        action.run_id: _about(action)
        for action in Action.objects.filter(
            run__in=[run.id for run in runs], verdict="authorised", outcome=""
        ).order_by("decided_at")
    }
    return tuple(
        Agent(
            session_id=run.id,
            intent_id=run.intent_id,
            agent_role=run.card_id,
            job_id=run.ticket_ref,
            status=run.state,
            doing=asked.get(run.id, ""),
            acting_on=acting.get(run.id, ""),
            tool_call_count=did[run.id].proposals if run.id in did else 0,
            question_count=did[run.id].questions if run.id in did else 0,
            look_count=did[run.id].looks if run.id in did else 0,
            checkpoint_count=run.steps,
            since=run.created_at,
            deadline=run.deadline,
            blocked_by=tuple(waits.get(run.id, ())),
        )
        for run in runs
    )


def _waits() -> dict[UUID, list[Wait]]:
    found: dict[UUID, list[Wait]] = {}
    for one in acts.waits():
        found.setdefault(one.run, []).append(one)
    return found


def _effects() -> list[InFlight]:
    rows = Action.objects.filter(outcome="", work__state__in=("leased", "in_doubt"))
    return [
        InFlight(
            id=one.id,
            kind="effect",
            about=_about(one),
            state=one.work.state if one.work else "",
            session_id=one.run_id,
        )
        for one in rows.select_related("work").order_by("decided_at")[:MOST_LINKS]
    ]


def _about(action: Action) -> str:
    """Return what an action does to what, word for word as it was asked."""
    did = " ".join(filter(None, (action.verb, action.entry)))
    return f"{did} on {action.target}"


def _inferences() -> list[InFlight]:
    rows = Job.objects.filter(id__state="leased").defer("request", "partial", "answer")
    return [
        InFlight(
            id=UUID(str(one.pk)),
            kind="inference",
            about=f"{one.tier}.{one.slot}",
            state="leased",
            session_id=one.run,
        )
        for one in rows.order_by("created_at")[:MOST_LINKS]
    ]


def _cluster() -> Cluster:
    silent = tuple(one.name for one in house.silent())
    ill = tuple(
        AlertState.objects.filter(status="firing", probe__retired=False)
        .order_by("probe__ci_ref")
        .values_list("probe__ci_ref", flat=True)
        .distinct()
    )
    if house.stop().stopped:
        return Cluster("stopped", silent, ill)
    return Cluster("degraded" if silent or ill else "well", silent, ill)


def _gpu(now: datetime) -> tuple[CardUse, ...]:
    since = now - BUSY_OVER
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT card, coalesce(sum(extract(epoch FROM least(ended_at, %s)"
            " - greatest(began_at, %s))), 0)::float8 FROM gpu_piece"
            " WHERE kind <> 'fault' AND ended_at > %s AND began_at < %s GROUP BY card",
            [now, since, since, now],
        )
        spent = {str(card): float(seconds) for card, seconds in cursor.fetchall()}
    return tuple(
        _use(card, spent.get(card.name, 0.0), now) for card in GpuCard.objects.filter(enabled=True)
    )


def _use(card: GpuCard, seconds: float, now: datetime) -> CardUse:
    if card.doing not in (Doing.IDLE, Doing.SICK) and card.doing_since:
        # What is still going on has no row yet.
        seconds += min((now - card.doing_since).total_seconds(), BUSY_OVER.total_seconds())
    share = max(0.0, min(1.0, seconds / BUSY_OVER.total_seconds()))
    return CardUse(card.name, str(card.doing), round(share, 3))


_SPAWNED = """
    SELECT (i.inputs ->> 'parent_run')::uuid, r.id, r.ticket_ref
      FROM personas_run r JOIN personas_agentintent i ON i.id = r.intent_id
     WHERE r.ticket_ref IN (SELECT ticket_ref FROM personas_run WHERE ended_at IS NULL
                             ORDER BY created_at LIMIT 200)
       AND pg_input_is_valid(i.inputs ->> 'parent_run', 'uuid')
     ORDER BY r.created_at DESC LIMIT %s
"""


def _topology() -> tuple[Link, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_SPAWNED, [MOST_LINKS])
        spawned = [Link(parent, child, "spawned_by", ref) for parent, child, ref in cursor]
        cursor.execute(
            "SELECT parent, child, ci FROM agentops_blocked_by ORDER BY child LIMIT %s",
            [MOST_LINKS],
        )
        blocked = [Link(parent, child, "blocked_by", ci) for parent, child, ci in cursor]
    return (*blocked, *spawned)


def _causes() -> tuple[Cause, ...]:
    rows = Run.objects.order_by("-created_at").values_list(
        "intent_id", "ticket_ref", "state", "card_id"
    )
    return tuple(Cause(*row) for row in rows[:MOST_CAUSES])


@dataclass(frozen=True, slots=True)
class IntentState:
    """Where an intent stands; the last tool's output is text from outside."""

    intent: AgentIntent
    status: str
    session_id: UUID | None
    tool_call_count: int
    checkpoint_count: int
    last_tool: str
    last_output: str
    stage: str
    timestamp: datetime
    duration_ms: int
    request: Request | None


def intent_state(intent_id: UUID) -> IntentState | None:
    """Return where an intent stands, None where there is no such intent."""
    intent = AgentIntent.objects.filter(id=intent_id).first()
    if intent is None:
        return None
    run = Run.objects.filter(intent=intent_id).order_by("-created_at").first()
    newest = _mapping(controls.checkpoint(run.id)) if run else {}
    began = (run.started_at or run.created_at) if run else intent.created_at
    ended = (run.ended_at if run else None) or timezone.now()
    at = newest.get("timestamp")
    return IntentState(
        intent=intent,
        status=run.state if run else "pending",
        session_id=run.id if run else None,
        tool_call_count=int(newest.get("tool_call_count", 0)),
        checkpoint_count=run.steps if run else 0,
        last_tool=str(newest.get("last_tool", "")),
        last_output=str(newest.get("last_output", ""))[:300],
        stage=str(_mapping(run.checkpoint).get("stage", "")) if run else "",
        timestamp=datetime.fromisoformat(str(at)) if at else began,
        duration_ms=max(0, round((ended - began).total_seconds() * 1000)),
        request=Request.objects.filter(intent=intent_id).first(),
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
