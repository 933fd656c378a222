"""Verifies the ledger over and over: a process whose role alone may say how the ledger stands.

A thread walks, however long that takes; the process says meanwhile that it lives.
"""

import logging
import threading
import time
from typing import Final

from django.db import DatabaseError, connections

from audit.errors import RecordError
from audit.ledger import verification
from audit.processes import Link, Process

EVERY_SECONDS: Final = 30.0
"""Between two walks: a period, which nothing cuts short; the thread ends with its process."""
LOOK_SECONDS: Final = 0.5
"""Within which the process sees that it is to stop, or that the walk has ended."""

log = logging.getLogger("audit.verifying")


class Verifier(Process):
    """Verifies what is new every half minute, and the whole once a day."""

    name = "verifier"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._walker = threading.Thread(target=self._walk, name="walk", daemon=True)

    def run(self) -> None:
        """Serve until stopped, through every loss of the database."""
        self._walker.start()
        super().run()

    def _serve(self, connection: Link) -> None:
        while self._going:
            self._beat(connection)
            if not self._walker.is_alive():
                raise SystemExit("the walk over the ledger has ended")
            self._walker.join(LOOK_SECONDS)

    def _walk(self) -> None:
        while self._going:
            try:
                report = verification.look()
                if not report.whole:
                    log.error("the ledger is broken: %s", report.findings[0])
            except (DatabaseError, RecordError) as fault:
                log.warning("could not verify: %s", str(fault).splitlines()[0])
            finally:
                connections.close_all()
            time.sleep(EVERY_SECONDS)
