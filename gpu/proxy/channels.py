"""The token channels of all waiting requests, read by two connections, whatever their number.

One connection waits for what has not begun, the other reads what is being said: so that a token
costs no list of everything that waits. A follower that is full is left out until it has room; its
tokens stay in Redis, and what is lost there comes from the row.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gpu import conf

log = logging.getLogger(__name__)

BLOCK_MS: Final = 5000
MOST_AT_ONCE: Final = 256
ROOM: Final = 512
"""Pieces that wait for one slow client."""
RETRY_SECONDS: Final = 0.5
WAKE_KEPT_SECONDS: Final = 60

Entry = tuple[bytes, Mapping[bytes, bytes]]


def key(job_id: UUID) -> str:
    """Return the name of a job's channel, which its worker writes."""
    return f"gpu:tokens:{job_id}"


class Follower:
    """What has come for one job and was not taken yet."""

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        self.key = key(job_id)
        self.last = b"0"
        self.over = False
        """The row says that the job is over."""
        self.reader: Reader | None = None
        self._said: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """False while its client is too slow."""
        return len(self._said) < ROOM

    def push(self, entries: Sequence[Entry]) -> None:
        """Keep what came."""
        self.last = entries[-1][0]
        self._said.extend(said for _, fields in entries if (said := _read(fields)))
        self._news.set()

    def finish(self) -> None:
        """Say that the row holds the end."""
        self.over = True
        self._news.set()

    async def take(self, seconds: float) -> list[dict[str, Any]]:
        """Return what has come; empty after so many seconds, or when the row was looked at."""
        if not self._said and not self._news.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return []
        self._news.clear()
        full = not self.has_room
        said = list(self._said)
        self._said.clear()
        if full and self.reader is not None:
            self.reader.changed()
        return said


class Reader:
    """One connection that reads the channels of its followers."""

    def __init__(self, begun: Callable[[Follower], None]) -> None:
        self._client = connect()
        self._begun = begun
        self._followers: dict[bytes, Follower] = {}
        self._wake = f"gpu:proxy:{uuid4()}"
        self._wake_last = b"0"
        self._change = asyncio.Event()
        self._away = False

    def add(self, follower: Follower) -> None:
        """Follow one channel from now on."""
        follower.reader = self
        self._followers[follower.key.encode()] = follower
        self.changed()

    def drop(self, follower: Follower) -> None:
        """Follow it no more; what still comes of it is not looked at."""
        self._followers.pop(follower.key.encode(), None)

    def changed(self) -> None:
        """Let the connection that waits be told of another set of channels."""
        self._change.set()

    async def read(self, ring: Redis) -> None:
        """Read until cancelled; a Redis that is away is tried again."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ring(ring))
                while True:
                    await self._patient_round()
        finally:
            await self._client.aclose()

    async def _patient_round(self) -> None:
        try:
            await self._round()
        except (RedisError, OSError) as fault:
            if not self._away:
                log.warning("the token channels cannot be read: %s", type(fault).__name__)
            self._away = True
            await asyncio.sleep(RETRY_SECONDS)
        else:
            self._away = False

    async def _round(self) -> None:
        last: dict[Any, Any] = {f.key: f.last for f in self._followers.values() if f.has_room}
        last[self._wake] = self._wake_last
        found: Any = await self._client.xread(last, count=MOST_AT_ONCE, block=BLOCK_MS)
        for name, entries in found or ():
            if name == self._wake.encode():
                self._wake_last = entries[-1][0]
                continue
            follower = self._followers.get(name)
            if follower is not None:
                follower.push(entries)
                self._begun(follower)

    async def _ring(self, ring: Redis) -> None:
        while True:
            await self._change.wait()
            self._change.clear()
            try:
                async with ring.pipeline(transaction=False) as line:
                    line.xadd(self._wake, {"w": ""}, maxlen=8, approximate=False)
                    line.expire(self._wake, WAKE_KEPT_SECONDS)
                    await line.execute()
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_SECONDS)


def _read(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    # What cannot be read is lost, as anything here may be: the row makes up for it.
    try:
        said = json.loads(fields.get(b"d", b""))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def connect() -> Redis:
    """Return a client of the channels; a wait longer than a blocking read has failed."""
    return Redis.from_url(
        conf.redis_url(),
        protocol=2,
        socket_connect_timeout=5,
        socket_timeout=BLOCK_MS / 1000 + 5,
        retry=Retry(NoBackoff(), 0),
    )
