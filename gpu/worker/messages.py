"""Messages of jobs that were taken without one: out of their queue, or to its head."""

import json
import logging
from collections.abc import Collection
from uuid import UUID

import redis
from kombu.exceptions import OperationalError

from gpu import relay
from gpu.worker import channel

log = logging.getLogger(__name__)

LOOKED_AT = 200
"""Company is found near the head; a message that is not would find nothing to claim."""


def withdraw(queue: str, jobs: Collection[UUID]) -> None:
    """Remove the messages of jobs that go along with another one."""
    if not jobs:
        return
    wanted = {str(job) for job in jobs}
    try:
        client = channel.connect()
        found = [
            raw
            for raw in client.lrange(queue, -LOOKED_AT, -1)
            if json.loads(raw)["headers"]["id"] in wanted
        ]
        with client.pipeline(transaction=False) as pipe:
            for raw in found:
                pipe.lrem(queue, -1, str(raw))
            pipe.execute()
    except redis.RedisError as fault:
        log.warning("messages of %s jobs stay in %s: %s", len(wanted), queue, fault)


def send_to_head(queue: str, job: UUID) -> None:
    """Publish a job and move its message to the head of its queue."""
    try:
        relay.publish(queue, job)
        client = channel.connect()
        for raw in client.lrange(queue, 0, LOOKED_AT):
            if json.loads(raw)["headers"]["id"] == str(job):
                with client.pipeline(transaction=True) as pipe:
                    pipe.lrem(queue, 1, str(raw))
                    pipe.rpush(queue, str(raw))
                    pipe.execute()
                return
    except (redis.RedisError, OperationalError) as fault:
        # Where it was not even published, the relay finds it.
        log.warning("the message of %s stays at the tail of %s: %s", job, queue, fault)
