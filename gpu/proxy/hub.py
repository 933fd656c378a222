"""What all requests of one event loop share: threads for the rows, channels, and the catalogue."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from django.db import Error, connection
from redis.asyncio import Redis
from redis.exceptions import RedisError

from audit.models import Work
from gpu.proxy import catalogue, orphans
from gpu.proxy.catalogue import Catalogue
from gpu.proxy.channels import Follower, Reader, connect

log = logging.getLogger(__name__)

THREADS: Final = 6
"""Statements at once: fewer than the pool has connections, which the desk needs, too."""
AWAY_SECONDS: Final = 1.0
ROWS_SECONDS: Final = 2.0
"""How often the rows are asked for what the channels did not tell."""
IDLE_SECONDS: Final = 60.0
"""So long the connections stay when nobody waits."""
OVER: Final = ("done", "failed", "cancelled", "dead")

Result = TypeVar("Result")


class Hub:
    """One per event loop; its connections live while somebody waits, and a little longer."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(THREADS)
        self._followers: dict[UUID, Follower] = {}
        self._waiting: Reader | None = None
        self._saying: Reader | None = None
        self._work: asyncio.Task[None] | None = None
        self._catalogue: Catalogue | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._seen: set[str] = set()
        self._away: Error | None = None
        self._loose: set[asyncio.Task[Any]] = set()
        self._ring: Redis | None = None

    async def thread(self, call: Callable[[], Result]) -> Result:
        """Run statements, or what takes long, in one of a few threads.

        Its connection goes back to the pool.
        """
        return await to_thread.run_sync(_with_connection, call, limiter=self._limiter)

    async def catalogue(self) -> Catalogue:
        """Return keys and slots, a few seconds old at most; one reads for all.

        Raises:
            Error: the database does not answer; for a moment nobody else tries.
        """
        async with self._reading:
            age = asyncio.get_running_loop().time() - self._read_at
            if self._away is not None and age < AWAY_SECONDS:
                raise self._away
            if self._catalogue is None or age > catalogue.FRESH_SECONDS:
                await self._read()
            return self._catalogue or Catalogue((), ())

    async def _read(self) -> None:
        seen, self._seen = self._seen, set()
        self._away = None
        try:
            self._catalogue = await self.thread(partial(catalogue.read, seen))
        except Error as fault:
            self._away = fault
            raise
        finally:
            self._read_at = asyncio.get_running_loop().time()

    def seen(self, client: str) -> None:
        """Note that a key was used."""
        self._seen.add(client)

    def aside(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Do something beside the request that asks for it."""
        task = asyncio.create_task(work)
        self._loose.add(task)
        task.add_done_callback(self._loose.discard)
        return task

    @asynccontextmanager
    async def following(self, job_id: UUID) -> AsyncIterator[Follower]:
        """Follow one job's channel and row."""
        follower = Follower(job_id)
        self._followers[job_id] = follower
        self._ready().add(follower)
        try:
            yield follower
        finally:
            self._followers.pop(job_id, None)
            if follower.reader is not None:
                follower.reader.drop(follower)
            if follower.over:
                self.aside(self._forget(follower))

    async def _forget(self, follower: Follower) -> None:
        with suppress(RedisError, OSError):
            if self._ring is not None:
                await self._ring.unlink(follower.key)

    def _ready(self) -> Reader:
        if self._waiting is None or self._work is None or self._work.done():
            self._waiting = Reader(self._begun)
            self._saying = Reader(lambda _: None)
            self._work = asyncio.create_task(self._serve(self._waiting, self._saying))
            self._work.add_done_callback(self._ended)
            for follower in self._followers.values():
                self._waiting.add(follower)
        return self._waiting

    def _ended(self, work: "asyncio.Task[None]") -> None:
        fault = None if work.cancelled() else work.exception()
        if fault is not None:
            log.error("reading the channels has failed", exc_info=fault)
            # A moment later, so that a lasting fault does not spin.
            work.get_loop().call_later(ROWS_SECONDS, self._again)

    def _again(self) -> None:
        if self._followers:
            self._ready()

    def _begun(self, follower: Follower) -> None:
        if self._waiting is not None and self._saying is not None:
            self._waiting.drop(follower)
            self._saying.add(follower)

    async def _serve(self, *readers: Reader) -> None:
        self._ring = ring = connect()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(reader.read(ring)) for reader in readers]
                await self._watch()
                # Nobody has come since the last look: whoever comes from here on starts anew.
                self._waiting = None
                for task in tasks:
                    task.cancel()
        finally:
            self._ring = None
            await ring.aclose()

    async def _watch(self) -> None:
        idle = 0.0
        while idle < IDLE_SECONDS:
            await asyncio.sleep(ROWS_SECONDS)
            ids = list(self._followers)
            idle = 0.0 if ids else idle + ROWS_SECONDS
            with suppress(Error):
                for job_id in await self.thread(partial(_over, ids)) if ids else ():
                    if job_id in self._followers:
                        self._followers[job_id].finish()


def _with_connection(call: Callable[[], Result]) -> Result:
    try:
        return call()
    finally:
        connection.close()


def _first() -> None:
    try:
        orphans.cancel_orphans()
    except Error as fault:
        log.warning("jobs of a dead process may be left: %s", type(fault).__name__)


def _over(job_ids: list[UUID]) -> list[UUID]:
    return list(Work.objects.filter(pk__in=job_ids, state__in=OVER).values_list("pk", flat=True))


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
        found.aside(found.thread(_first))
    return found
