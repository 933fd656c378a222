"""Outcomes on their way into the database, kept in memory while it does not answer."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connection

from ethops.executor.effects import Result
from personas import gate
from personas.gate import Outcome

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one effect, under the fence it was claimed with."""

    action_id: UUID
    fence: int
    outcome: Outcome
    result: Result


class Settlements:
    """Writes outcomes down; one that cannot be written now goes before everything else later."""

    def __init__(self) -> None:
        self._kept: deque[Settlement] = deque()
        self._lock = threading.Lock()

    def settle(self, settlement: Settlement, *, patience_s: float) -> str:
        """Write it, trying again for a while; returns `settled`, `late` or `kept`."""
        end = time.monotonic() + patience_s
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return _write(settlement)
            except DatabaseError as fault:
                connection.close()
                if time.monotonic() + pause > end:
                    return self._keep(settlement, fault)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def flush(self) -> None:
        """Write down what was kept.

        Raises:
            DatabaseError: the database still does not answer; nothing was lost.
        """
        while True:
            with self._lock:
                if not self._kept:
                    return
                settlement = self._kept.popleft()
            try:
                _write(settlement)
            except DatabaseError as fault:
                self._keep(settlement, fault)
                raise

    def _keep(self, settlement: Settlement, fault: DatabaseError) -> str:
        log.warning("outcome of %s kept in memory: %s", settlement.action_id, fault)
        with self._lock:
            self._kept.append(settlement)
        return "kept"


def _write(settlement: Settlement) -> str:
    said = gate.settle(
        action_id=settlement.action_id,
        fence=settlement.fence,
        outcome=settlement.outcome,
        result=settlement.result,
    )
    if said == "late":
        log.warning("outcome of %s came after its lease", settlement.action_id)
    return said
