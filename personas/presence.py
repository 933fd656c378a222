"""The gate's doors about people and jobs on a host, typed: it decides, not these."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from django.db import connection

from audit.work.rows import Parameter

Said: TypeAlias = Literal["go", "held", "late"]


@dataclass(frozen=True, slots=True)
class Mission:
    """What has somebody asked first on the host of an action, and who that is."""

    host: str
    of: frozenset[str]
    """`people`, `jobs`, or both."""
    processes: str
    """Plain texts with a bar between them; a process whose command line holds one is a job."""
    units: str
    """Units of systemd in the same form."""
    research: tuple[str, ...]
    """Research of our own queue that is on a card of the host."""
    asked: str
    """Who the CIs of the host name; "" where nobody is, or the operators are asked."""
    look: Mapping[str, Any] | None
    """The approved entry by which a host is looked at from afar."""


def mission_of(action_id: UUID) -> Mission | None:
    """Return who would have to be asked, None where the entry asks nobody."""
    found = _value("SELECT gate.mission_of(%s)", [action_id])
    if found is None:
        return None
    said = json.loads(str(found))
    return Mission(
        host=said["host"],
        of=frozenset(said["asks"]["of"]),
        processes=said["processes"],
        units=said["units"],
        research=tuple(said["research"]),
        asked=said["asked"] or "",
        look=said["look"],
    )


def people_first(*, action_id: UUID, fence: int, found: Collection[str], asked: str) -> Said:
    """Say who is there: `go` where a person has approved this knowing it, else it is void."""
    given = json.dumps(sorted(found))
    said = _value(
        "SELECT gate.people_first(%s, %s, %s::jsonb, %s)", [action_id, fence, given, asked]
    )
    return {"go": "go", "held": "held"}.get(str(said), "late")  # type: ignore[return-value]


def kept_to_proposals(entry: str, target: str) -> str:
    """Return why an entry is proposed at most on a CI just now, "" where nothing keeps it."""
    return str(_value("SELECT gate.kept_to_proposals(%s, %s)", [entry, target]) or "")


def _value(statement: str, parameters: list[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
