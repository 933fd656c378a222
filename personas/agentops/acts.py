"""Doors of agent operations, typed: one function per SQL function, no decision of its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from audit.work.rows import Parameter
from personas.agentops.detectors import Closing


@dataclass(frozen=True, slots=True)
class Calls:
    """How much a run has done: proposals, questions to models, and looks."""

    proposals: int
    questions: int
    looks: int

    @property
    def all(self) -> int:
        """Everything together."""
        return self.proposals + self.questions + self.looks


def calls() -> dict[UUID, Calls]:
    """Return it for every run that is not over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT run_id, proposals, questions, looks FROM agentops_calls")
        return {run: Calls(*counts) for run, *counts in cursor.fetchall()}


def calls_of(run: UUID) -> Calls:
    """Return it for one run, over or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proposals, questions, looks FROM agentops.calls_of(%s)", [run])
        return Calls(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for: `kind` is ci, approval, model, place, paused or retry."""

    run: UUID
    kind: str
    about: str
    held_by: UUID | None
    """The run that keeps it, where it is one."""


def waits() -> list[Wait]:
    """Return what each run that is not over waits for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, kind, about, held_by FROM agentops_waits ORDER BY run_id, kind, about"
        )
        return [Wait(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Requested:
    """What was asked for over the API, beside the intent that was made of it."""

    intent: UUID
    principal: str
    key: str
    body_sha256: str
    prompt: str
    max_duration_s: int
    tenant: str
    position: int
    start_s: int


def requested(of: Requested) -> None:
    """Tie a request to its intent, in the caller's transaction."""
    _value(
        "SELECT agentops.requested(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            *(of.intent, of.principal, of.key, of.body_sha256, of.prompt),
            *(of.max_duration_s, of.tenant, of.position, of.start_s),
        ],
    )


def cancel(*, intent: UUID, person: str, why: str) -> bool:
    """End the intent's run and take back what nobody has begun; False where it was over."""
    return bool(_value("SELECT agentops.cancel(%s, %s, %s)", [intent, person, why]))


def found(kind: str, run: UUID, said: str, facts: Mapping[str, object]) -> int | None:
    """End a run for what a detector found; None where it was over already."""
    value = _value(
        "SELECT agentops.found(%s, %s, %s, %s::jsonb)", [kind, run, said, json.dumps(facts)]
    )
    return None if value is None else int(str(value))


def told(finding: int) -> None:
    """Say, in the caller's transaction, that the ticket knows of it."""
    _value("SELECT agentops.told(%s)", [finding])


def set_throttle(closed: Closing, *, depth: int, predicted: int, said: str) -> bool:
    """Close or open admission; True where that is news."""
    return bool(
        _value(
            "SELECT agentops.set_throttle(%s, %s, %s, %s, %s, %s)",
            [
                *(closed.level, closed.lowest_priority, closed.retry_after_s),
                *(depth, predicted, said),
            ],
        )
    )


def retry_after(priority: int) -> int:
    """Return after how many seconds an intent may be sent again; 0 where it is let in."""
    return int(str(_value("SELECT agentops.retry_after(%s)", [priority])))


def forget(*, days: int) -> int:
    """Delete events, and words of requests, that are older; returns how many events."""
    return int(str(_value("SELECT agentops.forget(%s)", [days])))


def _value(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
