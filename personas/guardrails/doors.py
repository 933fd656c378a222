"""The doors of the guardrails, typed: one function per SQL function, no decision of its own."""

import json
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from personas.guardrails.errors import CardRefusedError


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command in somebody's hands is bounded by."""

    commands: tuple[str, ...]
    options: tuple[str, ...]
    risk: str
    timeout_s: int

    @property
    def repeatable(self) -> bool:
        """Whether it only looks, so that it may be run again after a crash."""
        return self.risk == "none"


def approve_card(*, card: str, digest: str, told: str, person: str, code: str, why: str) -> str:
    """Approve a card as it is loaded and was shown; returns what that came to.

    Raises:
        CardRefusedError: nothing was approved; `code` of the error says why.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, reason FROM gate.approve_card(%s, %s, %s, %s, %s, %s)",
            [card, digest, told, person, code, why],
        )
        said, reason = cursor.fetchone() or ("cards.not_found", "the gate answered nothing")
    if said != "ok":
        raise CardRefusedError(said, f"{reason[:1].upper()}{reason[1:]}.")
    return str(reason)


def install_card(*, card: str, told: str) -> bool:
    """Approve a card that never was here before, as the owner; False where it was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.install_card(%s, %s)", [card, told])
        row = cursor.fetchone()
    return bool(row and row[0])


def is_risky(card: str) -> bool:
    """Tell whether approving a card asks for a second factor, whoever operates the house."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.card_is_risky(%s)", [card])
        row = cursor.fetchone()
    return bool(row and row[0])


def card_approved(card: str) -> bool:
    """Tell whether runs of a card are born: it is on, and approved as it is loaded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.card_approved(%s)", [card])
        row = cursor.fetchone()
    return bool(row and row[0])


def judge_in_hand(action_id: UUID) -> str:
    """Return why an effect in our hands must not be done now, "" where it may be."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.judge_in_hand(%s)", [action_id])
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""


def scope_in_hand(action_id: UUID) -> Scope | None:
    """Return the scope of a command in our hands, None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gate.scope_in_hand(%s)", [action_id])
        row = cursor.fetchone()
    if row is None:
        return None
    commands, options = (json.loads(v) if isinstance(v, str) else v for v in row[:2])
    patterns = tuple(" ".join(pattern) for pattern in commands)
    return Scope(patterns, tuple(options), str(row[2]), int(row[3]))
