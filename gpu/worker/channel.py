"""The token channel: what a waiting reader is told while a job streams. Lossy by design."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from uuid import UUID

import redis

from adapters.json_value import JSON
from gpu import conf

log = logging.getLogger(__name__)

MOST_CHUNKS = 20_000
KEPT_SECONDS = 600
LONGEST_SECONDS = 8 * 3600
"""A stream that nobody ends: longer than the longest deadline."""


def key(job_id: UUID | str) -> str:
    """Return the name of a job's stream in Redis."""
    return f"gpu:tokens:{job_id}"


class Channel:
    """Says what comes of one job; a Redis that does not answer stops nothing."""

    def __init__(self, client: "redis.Redis", job_id: UUID) -> None:
        self._client = client
        self._key = key(job_id)
        self._broken = self._limited = False
        self.told = False
        """True once text was passed on, so that it can no longer be taken back."""

    def chunk(
        self, text: str, thinking: str, calls: Sequence[Mapping[str, JSON]], *, at: int
    ) -> None:
        """Pass one piece on; `at` characters of the answer came before it.

        So a reader sees where something was lost, or said a second time after a crash.
        """
        self.told = True
        piece = {"text": text, "thinking": thinking, "tool_calls": list(calls)}
        self._add({"t": "chunk", "at": at, **piece})

    def end(self) -> None:
        """Say that the job's row holds the end."""
        self._add({"t": "end"})
        self._do(lambda: self._client.expire(self._key, KEPT_SECONDS))

    def _add(self, said: Mapping[str, object]) -> None:
        line = json.dumps(said)
        self._do(
            lambda: self._client.xadd(self._key, {"d": line}, maxlen=MOST_CHUNKS, approximate=True)
        )
        if not self._limited:
            # Whatever becomes of the job, its stream goes some time.
            self._limited = True
            self._do(lambda: self._client.expire(self._key, LONGEST_SECONDS))

    def _do(self, call: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            call()
        except redis.RedisError as fault:
            self._broken = True
            log.warning("the token channel of %s is lost: %s", self._key, fault)


@cache
def connect() -> "redis.Redis":
    """Return the client that all channels of this process share."""
    return redis.Redis.from_url(
        conf.redis_url(), socket_timeout=5, socket_connect_timeout=5, decode_responses=True
    )
