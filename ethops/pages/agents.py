"""Agents as one page: who works on what, who waits for whom, how far admission is open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from ethops.pages import live as live_parts
from ethops.pages.words import DOING, Moment, State, count, listed, run_state
from ethops.world import agentops
from ethops.world.agentops import Agent, WorldModel
from personas.agentops.acts import Wait
from personas.agentops.models import Finding

SHOWN = 15
LEVELS = {
    "open": State("open", "ok", "tick"),
    "slow": State("slower", "doubt", "clock"),
    "narrow": State("narrow", "doubt", "clock"),
    "shut": State("shut", "no", "denied"),
}
CLUSTER = {
    "well": State("well", "ok", "tick"),
    "degraded": State("degraded", "doubt", "doubt"),
    "stopped": State("stopped", "no", "denied"),
}


@dataclass(frozen=True, slots=True)
class AtWork:
    """One run as a line."""

    short: str
    href: str
    card: str
    ticket: str
    ticket_href: str
    doing: str
    state: State
    calls: str
    since: Moment
    waits: str


@dataclass(frozen=True, slots=True)
class Waits:
    """One run that waits for another."""

    child: str
    child_href: str
    parent: str
    parent_href: str
    ci: str


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of a detector as a line."""

    kind: str
    said: str
    at: Moment
    href: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an intent."""

    card: str
    ticket: str
    ticket_href: str
    state: State


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page."""
    about = {
        **context,
        **content(),
        "title": "Agents",
        "live": True,
        "tag": live_parts.tag(request, "agents"),
    }
    return TemplateResponse(request, "desk/agents.html", about)


def live(request: HttpRequest) -> HttpResponse:
    """Draw the part that keeps itself fresh."""
    return live_parts.part(request, "desk/agents_live.html", "agents", content)


def content() -> dict[str, Any]:
    """Return what the page says."""
    world = agentops.world_model()
    waits = _waits(world)
    return {
        "now": Moment(world.at, world.at),
        "say": summary(world),
        "agents": [_at_work(one, world) for one in world.agents],
        "waits": waits,
        "level": LEVELS.get(world.throttle.level, State(world.throttle.level)),
        "admission": admission(world),
        "cluster": CLUSTER[world.cluster.status],
        "plane": plane(world),
        "found": [_found(one, world.at) for one in world.findings],
        "came": [
            Came(one.agent_role, one.job, _ticket(one.job), run_state(one.outcome))
            for one in world.causal_graph[:SHOWN]
        ],
    }


def summary(world: WorldModel) -> str:
    """Say in one sentence how it stands."""
    blocked = {link.child for link in world.execution_topology if link.relation == "blocked_by"}
    if not world.agents:
        return "No agent is at work."
    at_work = f"{count(len(world.agents), 'agent')} at work"
    waiting = sum(bool(one.blocked_by) for one in world.agents)
    if waiting and not blocked:
        return f"{at_work}, {waiting} waiting, none for another."
    if not blocked:
        return f"{at_work}, and none waits for another."
    return f"{at_work}, and {count(len(blocked), 'waits', 'wait')} for another."


def admission(world: WorldModel) -> list[tuple[str, str]]:
    """Say how far new runs are let in."""
    now = world.throttle
    found = [("Runs that wait", str(now.depth))]
    if now.level != "open":
        highest = (
            "critical ones" if not now.lowest_priority else f"priorities 0 to {now.lowest_priority}"
        )
        found += [
            ("Expected in a minute", str(now.predicted)),
            ("Lets in", highest),
            ("Others come again", f"after {now.retry_after_s} s"),
        ]
    return found


def plane(world: WorldModel) -> list[tuple[str, str]]:
    """Say what agents work on, and what with."""
    kinds = [one.kind for one in world.jobs_in_flight]
    flying = [
        count(kinds.count(kind), word)
        for kind, word in (("effect", "effect"), ("inference", "question to a model"))
        if kind in kinds
    ]
    found = [("In flight", listed(flying) or "nothing")]
    if world.cluster.silent:
        found.append(("Not heard", listed(list(world.cluster.silent))))
    if world.cluster.ill:
        found.append(("Ill", listed(list(world.cluster.ill[:8]))))
    found += [
        (f"GPU {one.card}", f"{one.utilisation:.0%} busy in five minutes, {one.doing} now")
        for one in world.gpu
    ]
    return found


def waits_for(one: Wait) -> str:
    """Say what a run waits for."""
    if one.held_by is not None:
        return f"{one.about}, held by run {_short(one.held_by)}"
    return {
        "approval": "a person's approval",
        "model": f"a model, in the queue {one.about}",
        "place": f"a place, full: {one.about}",
        "paused": f"{one.about or 'a person'} to let it go on",
        "retry": f"its next try: {one.about}",
    }.get(one.kind, one.about)


def _at_work(one: Agent, world: WorldModel) -> AtWork:
    return AtWork(
        short=_short(one.session_id),
        href=reverse("admin:run", args=[one.session_id]),
        card=one.agent_role,
        ticket=one.job_id,
        ticket_href=_ticket(one.job_id),
        doing=one.acting_on or DOING.get(one.doing, "begins"),
        state=run_state(one.status, asked=one.doing, acting=bool(one.acting_on)),
        calls=", ".join(
            (
                count(one.tool_call_count, "proposal"),
                *([count(one.question_count, "question")] if one.question_count else []),
                count(one.look_count, "look"),
            )
        ),
        since=Moment(one.since, world.at),
        waits=listed([waits_for(wait) for wait in one.blocked_by]),
    )


def _waits(world: WorldModel) -> list[Waits]:
    return [
        Waits(
            child=_short(link.child),
            child_href=reverse("admin:run", args=[link.child]),
            parent=_short(link.parent),
            parent_href=reverse("admin:run", args=[link.parent]),
            ci=link.about,
        )
        for link in world.execution_topology
        if link.relation == "blocked_by"
    ]


def _found(one: Finding, now: datetime) -> Found:
    return Found(
        kind=one.kind,
        said=one.said,
        at=Moment(one.at, now),
        href=reverse("admin:run", args=[one.run_id]) if one.run_id else "",
        ticket=one.ticket_ref,
    )


def _ticket(ref: str) -> str:
    return reverse("admin:tickets_ticket_change", args=[ref])


def _short(run: UUID) -> str:
    return str(run)[:4]
