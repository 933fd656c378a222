"""Events of agents, from their rows to the stream: at least once, and again after Redis lost them.

The rows are the truth. A consumer knows an event by its id and revision, and a second time by both.
"""

import logging
import threading
from typing import cast

import redis
from django.db import connection, transaction

from ethops import conf
from personas.agentops.events import MOST_KEPT, STREAM, message
from personas.agentops.models import AgentEvent

PERIOD_SECONDS = 1.0
AT_ONCE = 100

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Send what is new every second until `stop` is set; after an error it is run again."""
    try:
        with redis.Redis.from_url(conf.house().redis_url, socket_timeout=5) as client:
            while not stop.wait(PERIOD_SECONDS):
                send_once(client)
    finally:
        connection.close()


def send_once(client: "redis.Redis") -> int:
    """Send what was not sent; after a loss, the newest again. Returns how many were sent."""
    if _lost(client):
        log.info("the stream %s is gone: %s events are sent again", STREAM, _send_again())
    sent = 0
    while (now := _send_some(client)) > 0:
        sent += now
    return sent


@transaction.atomic
def _send_some(client: "redis.Redis") -> int:
    # Locked, so that a second control worker sends others or none.
    unsent = AgentEvent.objects.select_for_update(skip_locked=True).filter(published_at=None)
    events = list(unsent.order_by("ended_at")[:AT_ONCE])
    for event in events:
        added = client.xadd(STREAM, dict(message(event).items()), maxlen=MOST_KEPT)
        if event.stream_id:
            # What was taken away since must not be read there any more.
            client.xdel(STREAM, event.stream_id)
        _mark(event, cast("bytes", added).decode())
    return len(events)


def _mark(event: AgentEvent, stream_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agentops_agentevent SET stream_id = %s, published_at = clock_timestamp()"
            " WHERE event_id = %s",
            [stream_id, event.event_id],
        )


def _lost(client: "redis.Redis") -> bool:
    """Tell whether the event that was sent last is no longer in the stream."""
    newest = (
        AgentEvent.objects.filter(published_at__isnull=False)
        .order_by("-published_at")
        .values_list("stream_id", flat=True)
        .first()
    )
    return newest is not None and not client.xrange(STREAM, min=newest, max=newest)


def _send_again() -> int:
    """Let the newest that a stream holds be sent once more, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agentops_agentevent SET published_at = NULL, stream_id = '' WHERE event_id IN"
            " (SELECT event_id FROM agentops_agentevent WHERE published_at IS NOT NULL"
            "   ORDER BY ended_at DESC LIMIT %s)",
            [MOST_KEPT],
        )
        return int(cursor.rowcount)
