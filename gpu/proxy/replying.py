"""The answer of one accepted job on its way to the client, who may be slow, or leave."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from anyio import CancelScope, create_task_group
from django.db import Error
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from gpu import rows
from gpu.proxy import endings, headers
from gpu.proxy.dialects import refusal
from gpu.proxy.errors import DivergedError, GoneError, RefusedError
from gpu.proxy.following import Following
from gpu.proxy.hub import Hub
from gpu.proxy.quoting import AT_ONCE, Told
from gpu.proxy.shapes import Shape, dumps
from gpu.rows import JobRow

log = logging.getLogger(__name__)

WAITING_SECONDS: Final = 10.0
"""A stream with nothing to say for so long says that it lives."""
SLOWEST_SECONDS: Final = 60.0
"""A client that does not read for so long has left."""
SERVER_FAULTS: Final = 500


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that waits, and how its answer is written."""

    job_id: UUID
    client: str
    shape: Shape
    streams: bool
    quote: "asyncio.Future[Told]"


class Reply:
    """One answer; whoever leaves before its end takes the job out of the queue."""

    def __init__(self, hub: Hub, accepted: Accepted, receive: Receive, send: Send) -> None:
        self._hub = hub
        self._job = accepted
        self._receive = receive
        self._send = send
        self._begun = False

    async def run(self) -> None:
        """Answer, or stop the job where nobody is left to hear it."""
        async with self._hub.following(self._job.job_id) as follower:
            following = Following(self._hub, follower)
            try:
                async with create_task_group() as group:
                    group.start_soon(self._gone, group.cancel_scope)
                    await (self._stream if self._job.streams else self._whole)(following)
                    group.cancel_scope.cancel()
            except* GoneError:
                log.debug("job %s: its client does not read", self._job.job_id)
            finally:
                self._job.quote.cancel()
                if following.row is None:
                    await self._cancel()

    async def _gone(self, scope: CancelScope) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _cancel(self) -> None:
        log.debug("job %s is cancelled: its client left", self._job.job_id)
        with CancelScope(shield=True):
            try:
                await self._hub.thread(lambda: rows.cancel(self._job.job_id, "its client left"))
            except Error as fault:
                log.warning("job %s could not be cancelled: %s", self._job.job_id, fault)

    async def _whole(self, following: Following) -> None:
        row = await following.end()
        if row.state != "done":
            await self._fail(row)
            return
        said = {**self._headers(), **headers.of_row(row)}
        # Thousands of vectors take longer than a stream of somebody else may stand still.
        body = await self._hub.thread(lambda: dumps(self._job.shape.whole(row)))
        await self._send_all(Response(body, media_type="application/json", headers=said))

    async def _stream(self, following: Following) -> None:
        shape = self._job.shape
        try:
            async for pieces in following.pieces(WAITING_SECONDS):
                body = b"".join(shape.piece(piece) for piece in pieces if piece)
                if body or not following.row:
                    await self._part(body or shape.patience(), row=following.row)
        except DivergedError:
            await self._fault(*endings.of_code(DivergedError.code))
            return
        row = following.row
        if row is None or row.state != "done":
            await self._fail(row)
            return
        await self._part(shape.last(row), more=False, row=row)

    async def _fail(self, row: JobRow | None) -> None:
        if row is not None:
            await self._fault(*endings.ending(row), row=row)

    async def _fault(self, status: int, message: str, kind: str, row: JobRow | None = None) -> None:
        if status >= SERVER_FAULTS:
            log.warning("job %s of %s: %s", self._job.job_id, self._job.client, kind)
        if self._begun:
            await self._part(self._job.shape.fault(status, message, kind), more=False)
            return
        said = {**self._headers(), **(headers.of_row(row) if row else {})}
        said |= [headers.NEVER_AGAIN]
        no = RefusedError(status, message, kind=kind, headers=said)
        await self._send_all(refusal(self._job.shape.dialect, no))

    async def _part(self, body: bytes, *, more: bool = True, row: JobRow | None = None) -> None:
        async with _patience():
            if not self._begun:
                self._begun = True
                said = {
                    "Content-Type": self._job.shape.media,
                    "Cache-Control": "no-cache",
                    "X-Accel-Buffering": "no",
                    **self._headers(),
                    **(headers.of_row(row) if row else {}),
                }
                await self._send(_start(200, said))
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _send_all(self, response: Response) -> None:
        self._begun = True
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
        async with _patience():
            await self._send(start)
            await self._send({"type": "http.response.body", "body": response.body})

    def _headers(self) -> dict[str, str]:
        # Words that come before the quote come from a job that did not wait.
        quote = self._job.quote
        told = quote.result() if quote.done() and not quote.cancelled() else AT_ONCE
        quote.cancel()
        return headers.of_quote(self._job.job_id, told)


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SLOWEST_SECONDS):
            yield
    except TimeoutError as slow:
        raise GoneError("The client does not read.") from slow


def _start(status: int, said: Mapping[str, str]) -> Message:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in said.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}
