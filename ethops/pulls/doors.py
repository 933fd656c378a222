"""The gate's doors about pull requests, typed; who may pass is decided in PostgreSQL."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from django.db import connection

from audit.work.rows import Parameter
from personas.approvals.errors import ApprovalRefusedError

Verdict: TypeAlias = Literal["approved", "changes_requested", "commented"]


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


def shown(key: str, head: str) -> str | None:
    """Return what this head changes, as text; None where that is not kept whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.shown_of_pull(%s, %s)", [key, head])
        row = cursor.fetchone()
    return row[0] if row else None


def _rule(statement: str, parameters: Sequence[Parameter]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        code, reason = cursor.fetchone() or ("forge.not_found", "the gate answered nothing")
    if code != "ok":
        raise ApprovalRefusedError(code, f"{reason[:1].upper()}{reason[1:]}.")
