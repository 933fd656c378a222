"""The gate's doors to admission: ask for a run, and see who waits for a place.

Whoever asks gets a verdict at once; the policy itself is `personas/runtime/admission.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import connection

from audit.canonical import JSON

SUBMIT = (
    "SELECT verdict, intent, run, queue_position, estimated_start_s, retry_after_s"
    " FROM gate.submit_intent(%s, %s, %s, %s::jsonb, %s, %s::jsonb, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of one request for a run.

    `accepted`: its run has a place (`queue_position` 0) or one in the queue. `folded`: that work is
    there already, under this intent. `full`: nothing was written, come again after so many seconds.
    `isolated`: a person lets this card have no new runs.
    """

    verdict: Literal["accepted", "folded", "full", "isolated"]
    intent: UUID | None
    run: UUID | None
    queue_position: int
    estimated_start_s: int
    retry_after_s: int


def submit(
    *,
    card: str,
    ticket_ref: str,
    priority: int,
    scope: Sequence[str],
    joined: str,
    inputs: Mapping[str, JSON],
    dedup: str,
    environment: str,
    by: str = "rule:dispatcher",
    max_duration_s: int | None = None,
    job: str = "",
    tenant: str = "",
) -> Admission:
    """Ask for a run at work in an environment; `by` is a principal.

    `max_duration_s` may only shorten the card's.

    Raises:
        DatabaseError: no such card or environment, no ticket, or a priority that is none.
    """
    given = [
        *(card, ticket_ref, priority, json.dumps(list(scope)), joined),
        *(json.dumps(inputs, allow_nan=False, sort_keys=True), dedup, environment, by),
        *(max_duration_s, job, tenant),
    ]
    with connection.cursor() as cursor:
        cursor.execute(SUBMIT, given)
        return Admission(*cursor.fetchone())


def set_due(*, ticket_ref: str, due_at: datetime | None) -> None:
    """Say when a ticket is due: of those of a priority that wait, who is due first goes first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.set_due(%s, %s)", [ticket_ref, due_at])


@dataclass(frozen=True, slots=True)
class Queue:
    """One environment: who is at work there and who waits for a place."""

    environment: str
    at_work: int
    max_concurrent: int
    queued: int
    max_queued: int
    oldest: datetime | None


def queues() -> list[Queue]:
    """Return every environment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gate.queue()")
        return [Queue(*row) for row in cursor.fetchall()]


def set_environment(
    *, name: str, max_concurrent: int, max_queued: int, person: str, why: str
) -> None:
    """Bound an environment, which need not be there yet, in a person's name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gate.set_environment(%s, %s, %s, %s, %s)",
            [name, max_concurrent, max_queued, person, why],
        )
