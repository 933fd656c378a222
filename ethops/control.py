"""What runs beside the control worker's tasks: relay, reconciler, limits, events of agents."""

import logging
import threading
from collections.abc import Callable

from celery.signals import worker_ready, worker_shutting_down
from django.db import connection

from audit.work import relay
from ethops import conf
from ethops.celery import app
from ethops.desk import agent_stream, autonomy, reconciler
from ethops.routing import QUEUES
from gpu import quoting
from gpu import relay as gpu
from gpu.proxy import orphans

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

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
    _keep("relay", lambda: relay.run(publish, _stop))
    _keep("gpu", lambda: keep_queue(_stop))
    _keep("reconciler", lambda: reconciler.run(_stop))
    _keep("autonomy", lambda: autonomy.run(_stop))
    _keep("events", lambda: agent_stream.run(_stop))


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


def _keep(name: str, body: Callable[[], None]) -> None:
    threading.Thread(target=_again, args=(name, body), name=name, daemon=True).start()


def _again(name: str, body: Callable[[], None]) -> None:
    while not _stop.is_set():
        try:
            body()
        except Exception:  # the one place where a thread of this worker may fail and go on
            log.exception("%s stopped and is started again", name)
        _stop.wait(RETRY_SECONDS)
