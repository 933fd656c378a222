"""How the cards spent their time: single pieces, shares of each step, and who waited meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection

MOST_PIECES = 20_000

Bound: TypeAlias = datetime | float


@dataclass(frozen=True, slots=True)
class Spent:
    """One piece of a card's time; `going` where it is not over and ends now."""

    card: str
    kind: str
    tier: str
    slot: str
    job: UUID | None
    began: datetime
    ended: datetime
    ending: str
    tokens: int
    going: bool


@dataclass(frozen=True, slots=True)
class Waited:
    """How long one request waited before the card began with it; `card` is empty where it waits."""

    card: str
    tier: str
    came: datetime
    went: datetime


# The piece that goes on just now is no row yet: the card itself tells it.
_SPENT = """
    SELECT card, kind, tier, slot, job, began_at, ended_at, ending, tokens, false AS going
      FROM gpu_piece
     WHERE began_at < %(until)s AND ended_at > %(since)s
       AND began_at > %(since)s - interval '1 day'
    UNION ALL
    SELECT name, CASE doing WHEN 'loading' THEN 'load' WHEN 'held' THEN 'hold'
                 WHEN 'sick' THEN 'fault' ELSE 'run' END,
           doing_tier, doing_slot, doing_job, doing_since, clock_timestamp(), '', 0, true
      FROM gpu_card
     WHERE enabled AND doing <> 'idle' AND doing_since < %(until)s
       AND lease_until > clock_timestamp() AND clock_timestamp() > %(since)s
"""
_PIECES = f"SELECT * FROM ({_SPENT}) AS spent ORDER BY began_at DESC LIMIT {MOST_PIECES}"
_SHARES = f"""
    SELECT card, step, CASE kind WHEN 'run' THEN tier ELSE kind END,
           sum(extract(epoch FROM
                   least(ended_at, %(since)s + make_interval(secs => (step + 1) * %(step)s))
                 - greatest(began_at, %(since)s + make_interval(secs => step * %(step)s)))
               / %(step)s)::float8
      FROM ({_SPENT}) AS spent,
           LATERAL generate_series(
               greatest(0, floor(extract(epoch FROM began_at - %(since)s) / %(step)s))::int,
               least(%(steps)s - 1, floor(extract(epoch FROM ended_at - %(since)s) / %(step)s))::int
           ) AS step
     GROUP BY 1, 2, 3
"""
_WAITED = """
    SELECT card, tier, came, went
      FROM (SELECT *, row_number() OVER (
                   PARTITION BY card, tier
                   ORDER BY least(went, %(until)s) - greatest(came, %(since)s) DESC) AS rank
              FROM (SELECT card, tier, created_at AS came,
                           coalesce(started_at, finished_at, clock_timestamp()) AS went
                      FROM gpu_job
                     WHERE created_at < %(until)s
                       AND (finished_at IS NULL OR finished_at >= %(since)s)) AS every
             WHERE went > %(since)s AND went - came >= make_interval(secs => %(least)s)) AS ranked
     WHERE rank <= %(most)s ORDER BY came
"""


def pieces(since: datetime, until: datetime) -> list[Spent]:
    """Return every piece of a span, oldest first; of very many the newest."""
    found = _rows(_PIECES, {"since": since, "until": until})
    return [Spent(*row) for row in reversed(found)]


def shares(
    since: datetime, until: datetime, steps: int
) -> Mapping[str, Mapping[str, Mapping[int, float]]]:
    """Return card -> tier or kind -> step -> the share of the step that was spent on it, 0 to 1."""
    step = (until - since).total_seconds() / steps
    span: dict[str, Bound] = {"since": since, "until": until, "step": step, "steps": steps}
    found: dict[str, dict[str, dict[int, float]]] = {}
    for card, step, kind, share in _rows(_SHARES, span):
        if share > 0:
            found.setdefault(card, {}).setdefault(kind, {})[step] = min(share, 1.0)
    return found


def waited(since: datetime, until: datetime, *, most: int, steps: int) -> list[Waited]:
    """Return the longest waits of a span by card and tier; none shorter than one of `steps`."""
    least = (until - since).total_seconds() / steps
    span: dict[str, Bound] = {"since": since, "until": until, "most": most, "least": least}
    return [Waited(*row) for row in _rows(_WAITED, span)]


def _rows(statement: str, span: Mapping[str, Bound]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, span)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
