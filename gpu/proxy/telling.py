"""Quotes for requests that wait: worked out for all that came meanwhile, in one go."""

import asyncio
import logging
from functools import partial
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error

from gpu.proxy import quoting
from gpu.proxy.hub import Hub
from gpu.proxy.quoting import AT_ONCE, Told

log = logging.getLogger(__name__)

QUOTED_AFTER_SECONDS: Final = 0.1
"""Whoever starts at once needs no quote, and would wait for its arithmetic."""


class Teller:
    """Quotes of one event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._asked: dict[UUID, asyncio.Future[Told]] = {}
        self._work: asyncio.Task[None] | None = None

    def ask(self, job_id: UUID) -> "asyncio.Future[Told]":
        """Return what will be known of a request in a moment."""
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._asked[job_id] = future
        if self._work is None or self._work.done():
            self._work = self._hub.aside(self._tell())
        return future

    async def _tell(self) -> None:
        while self._asked:
            await asyncio.sleep(QUOTED_AFTER_SECONDS)
            asked, self._asked = self._asked, {}
            wanted = {job_id: future for job_id, future in asked.items() if not future.done()}
            if not wanted:
                continue
            try:
                told = await self._hub.thread(partial(quoting.quotes_of, set(wanted)))
            except Error as fault:
                log.warning("%s requests have no quote: %s", len(wanted), type(fault).__name__)
                continue
            for job_id, future in wanted.items():
                if not future.done():
                    future.set_result(told.get(job_id, AT_ONCE))


_tellers: "WeakKeyDictionary[Hub, Teller]" = WeakKeyDictionary()


def teller(hub: Hub) -> Teller:
    """Return the teller of a hub."""
    found = _tellers.get(hub)
    if found is None:
        found = _tellers[hub] = Teller(hub)
    return found
