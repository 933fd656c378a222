"""This room's doors in the schema `gate`, typed; which of them a process may call is its role's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

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


def is_too_deep(parent: UUID, card: str) -> bool:
    """Tell whether a run of this card that came of that run would be deeper than either may."""
    return bool(_value("SELECT gate.is_too_deep(%s, %s)", [parent, card]))


def mind_breaker() -> str:
    """Look at what went wrong lately, move the breaker, and return the state it has then."""
    return str(_value("SELECT gate.mind_breaker()", []))


def breaker() -> Breaker:
    """Return the breaker as it stands; one that never opened is closed, as is seen now."""
    return Breaker.objects.filter(id=1).first() or Breaker(
        id=1, state="closed", rule="", reason="", ticket_ref="", by="", since=datetime.now(UTC)
    )


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


def facts_judge(
    *, action_id: UUID, verdict: str, proven_false: bool, healed_alone: bool, why: str
) -> str:
    """Say by facts whether a change was right; `judged`, or why nothing has changed."""
    return str(
        _value(
            "SELECT gate.facts_judge(%s, %s, %s, %s, %s)",
            [action_id, verdict, proven_false, healed_alone, why],
        )
    )


def person_judges(*, action_id: UUID, person: str, verdict: str, why: str) -> str:
    """Say in a named person's name that a change was `right`, or a `false` action."""
    return str(
        _value("SELECT gate.person_judges(%s, %s, %s, %s)", [action_id, person, verdict, why])
    )


def take_back(*, action_id: UUID, why: str) -> str:
    """Take the right by which an action was done one level back on its CI; what moved, or ""."""
    return str(_value("SELECT gate.take_back(%s, %s)", [action_id, why]))


def figures(*, card: str, entry: str, ci_class: str) -> dict[str, int]:
    """Return how often a card was right with an entry on a class of CI."""
    found: dict[str, int] = json.loads(
        str(_value("SELECT gate.figures(%s, %s, %s)::text", [card, entry, ci_class]))
    )
    return found


def below_the_bar(*, card: str, entry: str, ci_class: str, level: str) -> str:
    """Return why the figures do not carry a level, "" where they do."""
    asked = [card, entry, ci_class, level]
    return str(_value("SELECT gate.below_the_bar(%s, %s, %s, %s)", asked) or "")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one engine's confidence holds in the hands of one card, as the gate counts it."""

    outcomes: int
    plays: int
    """How many of them were really done; the others are of the evaluation set."""
    sound: int
    brier: float | None
    ece: float | None
    over: float | None
    """The part of the ECE that comes from having been surer than right."""
    lower: float


def calibration(*, card: str, engine: str) -> Standing:
    """Return the figures that the gate goes by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gate.calibration(%s, %s)", [card, engine])
        return Standing(*cursor.fetchone())


def uncalibrated(*, card: str, engine: str) -> str:
    """Return why an engine's confidence does not count at all, "" where it does."""
    return str(_value("SELECT gate.uncalibrated(%s, %s)", [card, engine]) or "")


def unproven(*, card: str, engine: str, risk: str) -> str:
    """Return why what came true does not carry acts of a risk, "" where it does."""
    return str(_value("SELECT gate.unproven(%s, %s, %s)", [card, engine, risk]) or "")


def number(name: str, instead: float) -> float:
    """Return a number that the site declares, or what holds where it declares none."""
    found = _value("SELECT gate.policy(%s)", [name])
    return instead if found is None else float(str(found))


def note_stop_file(*, says: str, at: datetime, via: str) -> bool:
    """Press the stop as a file says; False where it is pressed, or was lifted since."""
    return bool(
        _value("SELECT gate.note_stop_file(%s, %s::timestamptz, %s)", [says, at.isoformat(), via])
    )


def _value(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
