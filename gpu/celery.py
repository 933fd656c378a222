"""The queue's own Celery application: late acknowledgement, one message at a time.

It has a Redis database to itself, since a message that nobody acknowledges comes back here
within seconds, which elsewhere would start a playbook twice.
"""

import logging

from celery import Celery
from kombu import Exchange, Queue

from gpu import conf

log = logging.getLogger(__name__)

VISIBILITY_LEASES = 2
"""A message is back when the lease of the worker that took it has run out twice."""

app = Celery("gpu", set_as_current=False)
app.conf.update(
    broker_url=conf.redis_url(),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Renewed while a job runs (worker/lease.py): so soon a dead worker's message is back.
        "visibility_timeout": VISIBILITY_LEASES * conf.lease_seconds(),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # Others would put a message's priority before the order of the queues.
        "priority_steps": [0],
        # A queue that was left out is asked for again so soon: hold and linger end on time.
        "polling_interval": min(1.0, max(conf.scale(), 0.02)),
        "queue_order_strategy": "gpu.worker.order.CardOrder",
        # Events of both databases on one channel, so that Flower sees this worker too.
        "fanout_prefix": "/ethops.",
        "health_check_interval": 10,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_create_missing_queues=True,
    task_default_queue="research.none",
    worker_prefetch_multiplier=1,
    # Nobody stops or steers this worker over Redis.
    worker_enable_remote_control=False,
    worker_send_task_events=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    enable_utc=True,
    timezone="UTC",
    imports=("gpu.worker.boot", "gpu.worker.tasks"),
)


def queue(name: str) -> Queue:
    """Return one queue; without a key of its own it would get every message of the others."""
    return Queue(name, Exchange("gpu"), routing_key=name)
