"""The Celery application: Redis only wakes workers, PostgreSQL holds every fact."""

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_ready
from kombu import Exchange, Queue

from ethops import env, logs, pulse
from ethops.routing import QUEUES

env.enter()
_said = env.load()

_ROOMS = {"control": "ethops.desk", "agent": "personas", "executor": "ethops.executor"}
"""Whose tasks a worker takes: it loads no other's, and so is there the sooner after its death."""
_rooms = [_ROOMS[_said.process]] if _said.process in _ROOMS else [*_ROOMS.values()]

app = Celery("ethops")
app.conf.update(
    broker_url=_said.redis_url,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Messages are acknowledged on arrival: nothing may ever be sent a second time by Redis.
        "visibility_timeout": 12 * 3600,
        # The GPU's worker has a database of its own; its events come on the same channel.
        "fanout_prefix": "/ethops.",
        "health_check_interval": 10,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=False,
    task_create_missing_queues=False,
    task_default_queue="control",
    # Without a key of its own a queue would get every message of the others, too.
    task_queues=[Queue(name, Exchange("ethops"), routing_key=name) for name in QUEUES],
    task_routes={task: {"queue": queue} for queue, task in QUEUES.items()},
    worker_prefetch_multiplier=1,
    # For Flower; ethops.panel leaves only what looks on.
    worker_enable_remote_control=True,
    worker_send_task_events=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    enable_utc=True,
    timezone="UTC",
    imports=("ethops.panel", *(["ethops.control"] if "ethops.desk" in _rooms else [])),
)
app.autodiscover_tasks(_rooms)


@setup_logging.connect
def _quiet_logs(**_: object) -> None:
    logs.configure(_said.process)


@worker_ready.connect
@beat_init.connect
def _begin_pulse(**_: object) -> None:
    pulse.begin(f"gpu-{_said.gpu_card}" if _said.gpu_card else _said.process)
