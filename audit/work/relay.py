"""The relay: tells workers through Redis what PostgreSQL already holds.

It listens for a notice and looks at the rows; the notice itself is only a hint. A message lost
on the way, or never sent because we died or Redis was away, is sent again after five seconds; a
message sent twice finds nothing to claim.
"""

import logging
import threading
from collections.abc import Callable

from django.db import connection

from audit.work import rows

BATCH = 500
AGAIN_AFTER_SECONDS = 5.0
POLL_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.01

log = logging.getLogger(__name__)


def run(publish: Callable[[str, str], None], stop: threading.Event) -> None:
    """Relay until `stop` is set; raises what the database or `publish(queue, id)` raises.

    The caller runs it again after an error; what was not sent then is due again in five seconds.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("LISTEN ethops_ready")
        while not stop.is_set():
            if relay_once(publish) < BATCH:
                _wait()
    finally:
        connection.close()


def relay_once(publish: Callable[[str, str], None]) -> int:
    """Publish what is due; returns how much that was."""
    # Marked and committed before anything is sent: a worker that is quicker than our commit would
    # skip the locked row, find nothing, and sleep.
    due = rows.unpublished(limit=BATCH, again_after_s=AGAIN_AFTER_SECONDS)
    for wakeup in due:
        publish(wakeup.queue, str(wakeup.id))
    return len(due)


def _wait() -> None:
    """Sleep until a notice, until delayed work is due, or for the poll interval."""
    due = rows.next_due_seconds()
    timeout = POLL_SECONDS if due is None else min(max(due, SHORTEST_WAIT_SECONDS), POLL_SECONDS)
    raw = connection.connection
    for _ in raw.notifies(timeout=timeout, stop_after=1):
        pass
