"""Messages of the queue: jobs that are ready go to Redis, and what was lost there goes again.

A message carries the id of a job and nothing to trust; a second one finds nothing to claim.
"""

import json
import logging
from collections import defaultdict
from uuid import UUID

import redis
from django.db import connection

from gpu import conf
from gpu.celery import app

log = logging.getLogger(__name__)

TASK = "gpu.run"
LOST_AFTER_SECONDS = 3.0
KEPT_TEXT_DAYS = 7.0
"""Prompts and answers of people are theirs: the ledger keeps their hashes alone."""
KEPT_ROW_DAYS = 90.0


def publish(queue: str, job_id: UUID | str) -> None:
    """Tell the workers of a queue; raises what Redis raises."""
    app.send_task(TASK, args=[str(job_id)], task_id=str(job_id), queue=queue)


def repair_once() -> int:
    """Publish ready jobs that no message names (Redis lost it, or its sender died); how many."""
    waiting: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, queue FROM gpu.ready_jobs(%s)", [LOST_AFTER_SECONDS])
        for job_id, queue in cursor.fetchall():
            waiting[queue].append(str(job_id))
    if not waiting:
        return 0
    sent = 0
    with redis.Redis.from_url(conf.redis_url(), socket_timeout=5) as client:
        for queue, jobs in waiting.items():
            known = _named(client, queue)
            lost = [job_id for job_id in jobs if job_id not in known]
            for job_id in lost:
                publish(queue, job_id)
            sent += len(lost)
    if sent:
        log.info("%s jobs of the GPU were published again", sent)
    return sent


def end_overdue() -> int:
    """Take requests out of the queue that are late, or that nobody waits for; how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gpu.end_overdue()")
        return int(cursor.fetchone()[0])


def forget() -> int:
    """Forget old prompts and answers, later their rows too; how many were touched."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gpu.forget(%s, %s)", [KEPT_TEXT_DAYS, KEPT_ROW_DAYS])
        return int(cursor.fetchone()[0])


def _named(client: "redis.Redis", queue: str) -> set[str]:
    # What a worker holds unacknowledged was claimed or is about to be; naming it twice is harmless.
    named = set()
    for message in client.lrange(queue, 0, -1):
        try:
            named.add(str(json.loads(message)["headers"]["id"]))
        except (ValueError, KeyError, TypeError):
            log.warning("a message in %s is none of ours", queue)
    return named
