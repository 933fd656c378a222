"""This room's doors in the schema `gate`, typed; which of them a process may call is its role's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from audit.work.rows import Parameter
from personas.autonomy.models import Breaker


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What went wrong lately, of one rule, and how much of it is bearable."""

    rule: str
    seen: int
    most: int


def policy(name: str) -> float:
    """Return the site's number of this name, or its default."""
    return float(str(_value("SELECT gate.policy(%s)", [name])))


def end_over_limit() -> int:
    """End live runs that are at a limit, each with a written summary; returns how many."""
    return int(str(_value("SELECT gate.end_over_limit()", [])))


def ticket_is_full(ticket_ref: str) -> bool:
    """Tell whether a ticket has had all the runs that one may have."""
    return bool(_value("SELECT gate.ticket_is_full(%s)", [ticket_ref]))


def mind_breaker() -> str:
    """Look at what went wrong lately, move the breaker, and return the state it has then."""
    return str(_value("SELECT gate.mind_breaker()", []))


def breaker() -> Breaker:
    """Return the breaker as it stands; one that never opened is closed."""
    return Breaker.objects.filter(id=1).first() or Breaker(id=1, state="closed")


def anomalies(since: datetime) -> list[Anomaly]:
    """Return what went wrong since then, by rule, each with what is bearable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rule, seen, most FROM gate.anomalies(%s)", [since])
        return [Anomaly(rule, seen, int(most)) for rule, seen, most in cursor.fetchall()]


def note_breaker_ticket(*, since: datetime, ticket_ref: str) -> bool:
    """Write down which ticket tells people that the breaker opened; False if it moved on."""
    return bool(
        _value(
            "SELECT gate.note_breaker_ticket(%s::timestamptz, %s)", [since.isoformat(), ticket_ref]
        )
    )


def close_breaker(*, by: str, why: str) -> bool:
    """Close the breaker in a named person's name; False where it was closed."""
    return bool(_value("SELECT gate.close_breaker(%s, %s)", [by, why]))


def open_breaker(*, by: str, why: str) -> bool:
    """Open the breaker in a named person's name; False where it was open."""
    return bool(_value("SELECT gate.open_breaker(%s, %s)", [by, why]))


def _value(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
