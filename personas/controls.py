"""The gate's doors for people who steer runs and cards, and for what a run's boundaries left."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection

from audit.work.rows import Parameter
from personas.errors import ControlRefusedError, RunMissingError
from personas.states import Control

NOT_IN_THIS_STATE: Final = "55000"
"""SQLSTATE of what is refused because of how things stand."""
NOT_OF_THIS_CARD: Final = "23503"
"""SQLSTATE of a run that is not born, since nobody has approved its card as it is loaded."""


def control(*, run_id: UUID, act: Control, person: str, why: str) -> str:
    """Tell a run what a named person wants of it; returns its state afterwards.

    Raises:
        RunMissingError: there is no such run.
        ControlRefusedError: its state does not allow it, or its ticket or the queue does not.
        DatabaseError: nobody is named, or no reason is given.
    """
    try:
        found = _rows(
            "SELECT state, refused FROM gate.control_run(%s, %s, %s, %s)",
            run_id, act, person, why,
        )  # fmt: skip
    except (OperationalError, IntegrityError) as fault:
        if getattr(fault.__cause__, "sqlstate", "") not in (NOT_IN_THIS_STATE, NOT_OF_THIS_CARD):
            raise
        raise ControlRefusedError(str(fault).splitlines()[0]) from fault
    if not found:
        raise RunMissingError(f"there is no run {run_id}")
    if found[0]["refused"]:
        raise ControlRefusedError(str(found[0]["refused"]))
    return str(found[0]["state"])


def isolate_card(*, card: str, person: str, why: str) -> int:
    """Have no new runs of a card and set its live ones aside; returns how many those were."""
    return int(_rows("SELECT gate.isolate_card(%s, %s, %s) AS runs", card, person, why)[0]["runs"])


def release_card(*, card: str, person: str, why: str) -> bool:
    """Let a card have runs again; False where it was not isolated."""
    return bool(_rows("SELECT gate.release_card(%s, %s, %s) AS done", card, person, why)[0]["done"])


def called_off(action_id: UUID) -> bool:
    """Tell an executor whether what it is doing is wanted no more."""
    return bool(_rows("SELECT gate.called_off(%s) AS so", action_id)[0]["so"])


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that some worker holds: which process, and under which fence."""

    work_id: UUID
    fence: int
    holder: str


def held_steps() -> list[HeldStep]:
    """Return the steps that are being taken now."""
    return [HeldStep(**row) for row in _rows("SELECT * FROM gate.held_steps()")]


def holder_died(held: HeldStep) -> None:
    """Say that the process which holds a step is gone: its lease is over now."""
    _rows("SELECT gate.holder_died(%s, %s)", held.work_id, held.fence)


def checkpoint(run_id: UUID) -> dict[str, Any] | None:
    """Return what was last durable of a run: intent, session, calls, last tool, output, time."""
    found = _rows("SELECT gate.checkpoint(%s)::text AS newest", run_id)[0]["newest"]
    return None if found is None else dict(json.loads(found))


def checkpoints(run_id: UUID) -> list[dict[str, Any]]:
    """Return every boundary of a run at which it could have been taken up, oldest first."""
    return _rows("SELECT * FROM gate.checkpoints(%s)", run_id)


def _rows(statement: str, *parameters: Parameter) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
