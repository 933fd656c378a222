"""A request enters the queue: its row, and at once the message that wakes a worker."""

import logging
import time
from typing import Final
from uuid import UUID

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from gpu import relay, rows
from gpu.rows import Request
from gpu.tiers import queue_name

log = logging.getLogger(__name__)

RELAY_SECONDS: Final = 5.0
"""After a message could not be sent, none is tried for so long: nobody waits for Redis."""

_away_until = [0.0]


def enter(request: Request) -> UUID:
    """Write the job, commit, and publish it; the relay finds what was not published.

    Raises:
        GpuError: as `rows.submit`.
    """
    job_id = rows.submit(request)
    if time.monotonic() >= _away_until[0]:
        try:
            relay.publish(queue_name(request.tier, request.slot), job_id)
        except (OperationalError, RedisError, OSError) as fault:
            _away_until[0] = time.monotonic() + RELAY_SECONDS
            log.warning("the message of %s waits for the relay: %s", job_id, fault)
    return job_id
