"""Keeps leases alive while the work that they cover goes on."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError, connection

from audit.work import rows

log = logging.getLogger(__name__)


@dataclass
class Keeper:
    """One thread per process that renews every lease held, at a third of its length."""

    lease_seconds: float
    _held: dict[UUID, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    @contextmanager
    def hold(self, work_id: UUID, fence: int) -> Iterator[None]:
        """Renew this lease until the block ends."""
        with self._lock:
            self._held[work_id] = fence
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(work_id, None)

    def _renew(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self.lease_seconds / 3)
            with self._lock:
                held = list(self._held.items())
            try:
                for work_id, fence in held:
                    rows.beat(work_id, fence, self.lease_seconds)
            except DatabaseError as fault:
                # The lease may run out; then the reconciler decides, as for a dead holder.
                log.warning("leases not renewed: %s", fault)
                connection.close()
