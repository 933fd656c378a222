"""What runs beside the control worker's tasks: relay, reconciler, limits, events, letters."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import kombu.exceptions
import psycopg
import redis
from celery.signals import worker_ready, worker_shutting_down
from django.db import InterfaceError, OperationalError, connection

from audit.work import relay
from ethops import conf
from ethops.celery import app
from ethops.desk import agent_stream, autonomy, reconciler
from ethops.logins import rereading
from ethops.mail import listener
from ethops.routing import QUEUES
from gpu import quoting
from gpu import relay as gpu
from gpu.proxy import orphans

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
CALM_SECONDS = 30.0
"""What has run so long had its server back: that it is away is said anew."""
AWAY = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    redis.ConnectionError,
    redis.TimeoutError,
    kombu.exceptions.OperationalError,
)
"""What says that PostgreSQL or Redis is not there, and nothing about us."""

_stop = threading.Event()


def publish(queue: str, work_id: str) -> None:
    """Wake the workers of one queue; the message carries an id and nothing to trust."""
    if queue in QUEUES:
        app.send_task(QUEUES[queue], args=[work_id], queue=queue)
    else:
        gpu.publish(queue, work_id)


@worker_ready.connect
def begin(**_: object) -> None:
    """Start the threads, in the control worker alone."""
    if conf.house().process != "control":
        return
    bodies: dict[str, Callable[[threading.Event], None]] = {
        "relay": partial(relay.run, publish),
        "gpu": keep_queue,
        "reconciler": reconciler.run,
        "autonomy": autonomy.run,
        "events": agent_stream.run,
        "mail": listener.run,
        "logins": rereading.run,
    }
    for name, body in bodies.items():
        threading.Thread(target=keep, args=(name, body, _stop), name=name, daemon=True).start()


def keep_queue(stop: threading.Event) -> None:
    """Each second: repair what Redis lost of the GPU's queue, and end what is overdue."""
    try:
        while not stop.wait(RETRY_SECONDS):
            # First what needs no Redis.
            orphans.cancel_orphans()
            gpu.end_overdue()
            quoting.quote_new()
            gpu.repair_once()
    finally:
        connection.close()


@worker_shutting_down.connect
def end(**_: object) -> None:
    """Let the threads finish their round."""
    _stop.set()


def keep(name: str, body: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Run it again after every error until `stop` is set; that a server is away is said once."""
    said = ""
    while not stop.is_set():
        began = time.monotonic()
        try:
            body(stop)
        except AWAY as fault:
            if said != type(fault).__name__ or time.monotonic() - began > CALM_SECONDS:
                said = type(fault).__name__
                log.warning("%s waits for a server: %s", name, str(fault).partition("\n")[0])
        except Exception:  # the one place where a thread of this worker may fail and go on
            log.exception("%s stopped and is started again", name)
        stop.wait(RETRY_SECONDS)
