"""Outcomes on their way into the database, kept in memory while it does not answer."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from audit.canonical import JSON
from ethops.executor.effects import Result
from personas import gate
from personas.gate import Outcome

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0

AWAY: Final = (OperationalError, InterfaceError)
"""The database does not answer now; the same words may be taken later."""
REFUSED: Final = (DatabaseError, ValueError, TypeError)
"""What else can happen: the same words would be refused for ever."""
NOT_STORED: Final[Mapping[str, JSON]] = {
    "said": "the result could not be stored",
    "code": "executor.not_stored",
    "mend": "See the executor's log for what the database refused.",
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one effect, under the fence it was claimed with."""

    action_id: UUID
    fence: int
    outcome: Outcome
    result: Result


class Settlements:
    """Writes outcomes down; one that cannot be written now is written before anything new."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Settlement] = {}
        self._flushing = threading.Lock()

    def settle(self, settlement: Settlement, *, patience_s: float) -> str:
        """Write it, trying again for a while; returns `settled`, `late`, `kept` or `lost`."""
        end = time.monotonic() + patience_s
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return _write(settlement)
            except AWAY as fault:
                connection.close()
                if time.monotonic() + pause > end:
                    log.warning("outcome of %s kept in memory: %s", settlement.action_id, fault)
                    self._kept[settlement.action_id] = settlement
                    return "kept"
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def flush(self) -> None:
        """Write down what was kept; what cannot be written yet stays, and holds up nothing."""
        # One thread at a time: a second write of the same outcome would go on record as late.
        with self._flushing:
            for settlement in [*self._kept.values()]:
                try:
                    _write(settlement)
                except AWAY as fault:
                    connection.close()
                    log.warning("outcome of %s still kept: %s", settlement.action_id, fault)
                    continue
                if self._kept.get(settlement.action_id) is settlement:
                    del self._kept[settlement.action_id]

    def waiting(self) -> list[UUID]:
        """Return the effects whose outcome is known here and not yet written."""
        return [*self._kept]


def stored(put: Callable[[Result], str], result: Result, action_id: UUID) -> str:
    """Put a result into the database, without its words where they are refused.

    Returns what `put` returns; `lost` where even that is refused: then the lease runs out, and
    the probe of the world has to find the outcome.
    """
    for words in (result, NOT_STORED):
        try:
            return put(words)
        except AWAY:
            raise
        except REFUSED:
            log.exception("what came of %s is refused", action_id)
    return "lost"


def _write(settlement: Settlement) -> str:
    said = stored(partial(_settle, settlement), settlement.result, settlement.action_id)
    if said == "late":
        log.warning("outcome of %s came after its lease", settlement.action_id)
    return said


def _settle(settlement: Settlement, result: Result) -> str:
    return gate.settle(
        action_id=settlement.action_id,
        fence=settlement.fence,
        outcome=settlement.outcome,
        result=result,
    )
