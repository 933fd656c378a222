"""A message that is given back goes to the head of its queue.

Celery's own requeue puts it at the tail. It is handed to the worker's event loop: a pool thread
that talks to Redis itself would leave the loop asleep for up to a second.
"""

import logging
from typing import Any, cast

from celery.exceptions import Reject
from celery.worker.request import Request
from kombu import Message
from kombu.asynchronous import get_event_loop
from kombu.transport import virtual


class HeadRequest(Request):
    """One message; what differs from Celery's is where it goes back to."""

    def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's signature
        """Give the message back to the head of its queue, or drop it."""
        if self.acknowledged or not requeue:
            super().reject(requeue=requeue)
            return
        self.acknowledged = True
        hub = get_event_loop()
        if hub is None:
            to_head(self.message)
        else:
            hub.call_soon(to_head, self.message)
        self.send_event("task-rejected", requeue=True)


def to_head(message: Message) -> None:
    """Move an unacknowledged message to the head of its queue, in one transaction of Redis."""
    tag, channel = str(message.delivery_tag), cast("Any", message.channel)
    channel.qos.restore_by_tag(tag, leftmost=False)
    # Redis' own QoS would remove it there once more; only this process has to forget it.
    virtual.QoS.ack(channel.qos, tag)


def unless_given_back(record: logging.LogRecord) -> bool:
    """Keep a log line, unless it is Celery's warning with traceback that a job gave way."""
    return not (record.exc_info and isinstance(record.exc_info[1], Reject))
