"""Keeps leases alive while the work that they cover goes on."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.db import Error, connection

from audit.work import rows

log = logging.getLogger(__name__)


LONGEST_HOLD_SECONDS = 3600.0
"""After this a lease is let go: a handler that hangs must not keep its work for ever."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease under our care, since when (monotonic)."""

    fence: int
    since: float


@dataclass
class Keeper:
    """One thread per process that renews every lease held, at a third of its length."""

    lease_seconds: float
    _held: dict[UUID, Held] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    @contextmanager
    def hold(self, work_id: UUID, fence: int) -> Iterator[None]:
        """Renew this lease until the block ends, for an hour at most."""
        with self._lock:
            self._held[work_id] = Held(fence, time.monotonic())
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            self._let_go(work_id, fence)

    def _let_go(self, work_id: UUID, fence: int) -> None:
        # An older holder that ends late must not end the care for a newer one.
        with self._lock:
            if work_id in self._held and self._held[work_id].fence == fence:
                del self._held[work_id]

    def _renew(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self.lease_seconds / 3)
            with self._lock:
                held = list(self._held.items())
            for work_id, lease in held:
                self._renew_one(work_id, lease)

    def _renew_one(self, work_id: UUID, lease: Held) -> None:
        if time.monotonic() - lease.since > LONGEST_HOLD_SECONDS:
            self._let_go(work_id, lease.fence)
            return
        try:
            if not rows.beat(work_id, lease.fence, self.lease_seconds):
                self._let_go(work_id, lease.fence)
        except Error as fault:
            # The lease may run out; then the reconciler decides, as for a dead holder.
            log.warning("lease of %s not renewed: %s", work_id, fault)
            connection.close()
