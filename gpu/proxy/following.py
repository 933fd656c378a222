"""One job followed to its end: what comes of it, and then its row."""

from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Any

from django.db import Error

from gpu import rows
from gpu.proxy.assembling import Assembly
from gpu.proxy.channels import Follower
from gpu.proxy.hub import Hub
from gpu.proxy.shapes import Piece, said_in
from gpu.rows import JobRow


def _told(told: Assembly, one: Mapping[str, Any]) -> Piece:
    if one.get("t") == "chunk":
        return told.add(one)
    if one.get("t") == "again":
        told.again()
    return Piece()


class Following:
    """The answer of one job as it comes; `row` is there once the job is over."""

    def __init__(self, hub: Hub, follower: Follower) -> None:
        self._hub = hub
        self._follower = follower
        self.row: JobRow | None = None

    async def pieces(self, seconds: float) -> AsyncIterator[list[Piece]]:
        """Yield what is new, or an empty list where nothing was for so long; ends with the job.

        What was yielded in all is exactly the answer of the row.

        Raises:
            DivergedError: it cannot be, since something else was yielded before.
        """
        told, spoke_at = Assembly(), monotonic()
        while self.row is None:
            said = await self._follower.take(spoke_at + seconds - monotonic())
            new = [piece for one in said if (piece := _told(told, one))]
            ended = self._follower.over or any(one.get("t") == "end" for one in said)
            if new or (not ended and monotonic() - spoke_at >= seconds):
                yield new
                spoke_at = monotonic()
            if ended:
                await self._look()
        if self.row.state == "done":
            yield [told.rest(said_in(self.row))]

    async def end(self) -> JobRow:
        """Return the row of the job once it is over."""
        while self.row is None:
            said = await self._follower.take(3600.0)
            if self._follower.over or any(one.get("t") == "end" for one in said):
                await self._look()
        return self.row

    async def _look(self) -> None:
        """Read the row; a database that is away is asked again when the hub has seen the end."""
        try:
            row = await self._hub.thread(lambda: rows.job(self._follower.job_id))
        except Error:
            return
        if row is not None and row.over:
            self._follower.over = True
            self.row = row
