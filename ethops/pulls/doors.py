"""The gate's doors about pull requests, typed; who may pass is decided in PostgreSQL."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from django.db import connection

from adapters.forge.port import Review, Seen
from adapters.text import one_line
from audit.work.rows import Parameter
from personas.approvals.errors import ApprovalRefusedError

Verdict: TypeAlias = Literal["approved", "changes_requested", "commented"]
MOST: Final = 50
"""So many reviews of another forge are kept, the newest."""


def review(
    *, number: int, person: str, verdict: Verdict, head: str, shown: str, code: str, why: str
) -> None:
    """Say in a person's name what he thinks of the head that he was shown.

    Raises:
        ApprovalRefusedError: nothing was said; `code` of the error says why.
    """
    _rule(
        "SELECT code, reason FROM gate.review_pull(%s, %s, %s, %s, %s, %s, %s)",
        [person, number, head, shown, verdict, code, why],
    )


def merge(*, number: int, person: str, head: str) -> None:
    """Have the executor merge this head, in a person's name; a repeat orders nothing.

    Raises:
        ApprovalRefusedError: nothing was ordered.
    """
    _rule("SELECT code, reason FROM gate.order_merge(%s, %s, %s)", [person, number, head])


def close(*, number: int, person: str, head: str, why: str) -> None:
    """Close it unmerged, in a person's name; its ticket is told.

    Raises:
        ApprovalRefusedError: it is as before.
    """
    _rule("SELECT code, reason FROM gate.close_pull(%s, %s, %s, %s)", [person, number, head, why])


def shown(key: str, head: str) -> str | None:
    """Return what this head changes, as text; None where that is not kept whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.shown_of_pull(%s, %s)", [key, head])
        row = cursor.fetchone()
    return row[0] if row else None


def waiting(ticket_ref: str) -> int:
    """Return how many pull requests of a ticket are not over yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.pulls_waiting(%s)", [ticket_ref])
        (found,) = cursor.fetchone() or (0,)
    return int(found)


def follow() -> None:
    """Begin to follow what was opened at a forge elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.follow_pulls()")


def see(key: UUID, seen: Seen, *, at: datetime, mark: str, reviews: Sequence[Review] | None) -> str:
    """Take over what was seen of one, and return what is new in it; '' where nothing is.

    `at` is when the forge was asked: what is older than what is known is left out.
    """
    said = None if reviews is None else json.dumps([_said(each) for each in reviews[-MOST:]])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gate.see_pull(%s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
            [key, at, seen.head[:64], seen.state, seen.merged_as, one_line(seen.ended_by, 150),
             mark, said],
        )  # fmt: skip
        (what,) = cursor.fetchone() or ("",)
    return str(what)


def _said(review: Review) -> dict[str, str]:
    return {
        "by": one_line(review.reviewer, 150),
        "verdict": review.verdict,
        "head": review.head[:64],
        "at": review.at.isoformat(),
    }


def retell() -> list[UUID]:
    """Order again what told no ticket; returns those that people should know of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gate.retell_pulls()")
        return [row[0] for row in cursor.fetchall()]


def _rule(statement: str, parameters: Sequence[Parameter]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        code, reason = cursor.fetchone() or ("forge.not_found", "the gate answered nothing")
    if code != "ok":
        raise ApprovalRefusedError(code, f"{reason[:1].upper()}{reason[1:]}.")
