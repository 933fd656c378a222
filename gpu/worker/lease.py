"""The lease of a card: taken once, renewed by a thread, and the end of the worker when lost."""

import logging
import os
import threading
import time

import redis
from django.db import Error, connection

from gpu import conf, living
from gpu.errors import CardTakenError
from gpu.models import Card
from gpu.worker import channel, doors
from gpu.worker.current import Held

log = logging.getLogger(__name__)

UNACKED_INDEX = "unacked_index"
EXIT_LOST = 75


def take(card: Card) -> int:
    """Take the card's lease and return its fence.

    Raises:
        CardTakenError: another worker lives; one that is dead on this host is known to be.
    """
    dead = card.holder if living.is_dead(card.holder) else ""
    fence = doors.take_card(card.name, living.identity(), conf.lease_seconds(), dead)
    if fence is None:
        raise CardTakenError(
            f"the card {card.name} is served by {card.holder or 'nobody, and switched off'}"
        )
    return fence


class Beat:
    """Renews the lease and what is in hand: the card's, its jobs' and their messages'."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._stop = threading.Event()

    def begin(self) -> None:
        """Beat in a thread of its own."""
        threading.Thread(target=self._run, args=("lease", self._lease), daemon=True).start()
        threading.Thread(target=self._run, args=("messages", self._messages), daemon=True).start()

    def end(self) -> None:
        """Stop, and give the lease back."""
        self._stop.set()
        try:
            doors.leave_card(self._held.name, self._held.fence)
        except Error as fault:
            log.warning("the lease of %s runs out by itself: %s", self._held.name, fault)

    def _run(self, name: str, body: object) -> None:
        while not self._stop.wait(min(conf.lease_seconds() / 4, 5.0)):
            try:
                body()  # type: ignore[operator]
            except (Error, redis.RedisError) as fault:
                log.warning("%s of the card %s not renewed: %s", name, self._held.name, fault)
            finally:
                # Back to the pool: threads that sleep keep no connection of the card's few.
                connection.close()

    def _lease(self) -> None:
        held = self._held
        if doors.beat_card(held.name, held.fence, conf.lease_seconds(), list(held.claims)):
            return
        if self._stop.is_set():
            return
        log.critical(
            "the lease of the card %s is somebody else's: this worker ends", self._held.name
        )
        # What runs is cut off with us: the card has one master.
        os._exit(EXIT_LOST)

    def _messages(self) -> None:
        tags = {tag: time.time() for tag in list(self._held.tags)}
        if tags:
            channel.connect().zadd(UNACKED_INDEX, tags, xx=True)
