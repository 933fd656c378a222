"""The doors to durable work: enqueue, claim, keep, finish. Each is one SQL function."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from django.db import connection

from audit.canonical import JSON

Payload: TypeAlias = Mapping[str, JSON]
Parameter: TypeAlias = str | int | float | bytes | UUID | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Work that this process holds until its lease ends; `fence` proves it."""

    id: UUID
    kind: str
    subject: str
    payload: dict[str, JSON]
    fence: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Work that a worker of `queue` should be told about."""

    id: UUID
    queue: str


def holder() -> str:
    """Return the name under which this process holds leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def enqueue(
    *,
    kind: str,
    queue: str = "control",
    subject: str,
    payload: Payload,
    dedup: str | None = None,
    priority: int = 5,
    delay_s: float = 0,
    max_attempts: int = 3,
) -> UUID:
    """Write one piece of work in the caller's transaction; a known `dedup` returns the old one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.enqueue(%s, %s, %s, %s::jsonb, %s, %s, %s, %s)",
            [
                kind,
                queue,
                subject,
                json.dumps(payload),
                dedup,
                priority,
                delay_s,
                max_attempts,
            ],
        )
        return UUID(str(cursor.fetchone()[0]))


def claim(*, queue: str, lease_seconds: float) -> Claimed | None:
    """Take the next piece of work of this queue, or None."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, subject, payload::text, fence, attempts FROM audit.claim(%s, %s, %s)",
            [queue, holder(), lease_seconds],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Claimed(
        id=row[0],
        kind=row[1],
        subject=row[2],
        payload=json.loads(row[3]),
        fence=row[4],
        attempts=row[5],
    )


def beat(work_id: UUID, fence: int, lease_seconds: float) -> bool:
    """Extend the lease; False where it is no longer ours."""
    return bool(_scalar("SELECT audit.beat(%s, %s, %s)", [work_id, fence, lease_seconds]))


def finish(work_id: UUID, fence: int, *, ok: bool = True, error: str = "") -> bool:
    """End the work; False where the lease was lost meanwhile."""
    return bool(_scalar("SELECT audit.finish(%s, %s, %s, %s)", [work_id, fence, ok, error]))


def release(work_id: UUID, fence: int, error: str) -> str:
    """Give the work back for a later try; returns `ready`, `dead` after the last, or `late`."""
    return str(_scalar("SELECT audit.release(%s, %s, %s)", [work_id, fence, error]))


def reported(work_id: UUID) -> None:
    """Say, in the caller's transaction, that a person knows of this dead work now."""
    _scalar("SELECT audit.reported(%s)", [work_id])


def unpublished(*, limit: int, again_after_s: float) -> list[Wakeup]:
    """Mark work as published and return it: what is fresh, and the oldest that nobody took."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, queue FROM audit.unpublished(%s, %s)", [limit, again_after_s])
        return [Wakeup(id=row[0], queue=row[1]) for row in cursor.fetchall()]


def next_due_seconds() -> float | None:
    """Return when the next delayed work is due, None where there is none."""
    due = _scalar("SELECT audit.next_due_s()", [])
    return None if due is None else float(str(due))


def _scalar(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
