"""The heartbeat of a process: one row in PostgreSQL, renewed every two seconds."""

import logging
import threading

from django.db import DatabaseError, connection

PERIOD_SECONDS = 2.0

log = logging.getLogger(__name__)


def begin(process: str) -> threading.Event:
    """Beat in a thread of its own until the returned event is set or the process ends."""
    stop = threading.Event()
    threading.Thread(target=_beat, args=(process, stop), name="pulse", daemon=True).start()
    return stop


def _beat(process: str, stop: threading.Event) -> None:
    missed = 0
    while not stop.is_set():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT audit.alive(%s)", [process])
            missed = 0
        except DatabaseError as fault:
            missed += 1
            if missed in {1, 30}:
                log.warning("no heartbeat written: %s", fault)
        finally:
            connection.close()
        stop.wait(PERIOD_SECONDS)
