"""One address at which the card is asked: who, what, which slot, and into the queue."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import DataError, Error
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gpu import living
from gpu.errors import ClientFullError, QueueFullError, UnknownSlotError
from gpu.models import Client, Slot
from gpu.proxy import bodies, entering, limits, orphans, quoting, slots
from gpu.proxy.dialects import dialect_of, refusal
from gpu.proxy.errors import GoneError, RefusedError
from gpu.proxy.hub import Hub, hub
from gpu.proxy.replying import Accepted, Reply
from gpu.proxy.telling import teller
from gpu.proxy.wanted import Wanted
from gpu.rows import Request
from gpu.tiers import Tier

log = logging.getLogger(__name__)

AWAY_SECONDS: Final = 5
LARGE: Final = 64 * 1024


class Ask:
    """The ASGI application of one address; `reads` knows the words of its API."""

    def __init__(self, reads: Callable[[bytes], Wanted]) -> None:
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        shared = hub()
        try:
            accepted = await self._accepted(shared, scope, receive)
        except RefusedError as no:
            await refusal(dialect_of(scope["path"]), no)(scope, receive, send)
            return
        except GoneError:
            return
        if isinstance(accepted, Accepted):
            await Reply(shared, accepted, receive, send).run()
        else:
            await JSONResponse(accepted)(scope, receive, send)

    async def _accepted(
        self, shared: Hub, scope: Scope, receive: Receive
    ) -> Accepted | Mapping[str, Any]:
        client, known = await identified(shared, scope)
        raw = await bodies.take(scope, receive)
        # A large one takes longer than a stream of somebody else may stand still.
        large = len(raw) > LARGE
        wanted = await shared.thread(partial(self._reads, raw)) if large else self._reads(raw)
        del raw
        slot = slots.chosen(wanted, client, known)
        drawn = slots.sampling(wanted, slot)
        if wanted.at_once is not None:
            return wanted.at_once
        limits.check_fits(wanted.longest, slot.name, slot.context)
        request = _request(wanted, slot, client, drawn)
        job_id = await submitted(shared, request)
        quote = teller(shared).ask(job_id)
        return Accepted(job_id, client.name, wanted.shape, wanted.streams, quote)


async def identified(shared: Hub, scope: Scope) -> tuple[Client, tuple[Slot, ...]]:
    """Return whose request this is, and the slots there are.

    Raises:
        RefusedError: 401 no key that is known, 503 the database does not answer.
    """
    try:
        known = await shared.catalogue()
    except Error as fault:
        raise _away(fault) from fault
    said = next((v for n, v in scope["headers"] if n == b"authorization"), b"")
    client = known.client(said.decode("latin-1"))
    shared.seen(client.name)
    return client, known.slots


async def submitted(shared: Hub, request: Request) -> UUID:
    """Put a request into the queue.

    Raises:
        RefusedError: 503 the queue is full, 429 the client's share is; both say when to come again.
    """
    try:
        return await shared.thread(partial(entering.enter, request))
    except QueueFullError as full:
        again = await shared.thread(quoting.come_again)
        raise RefusedError(
            503, f"server busy, please try again: {full}", kind="queue_full", headers=_after(again)
        ) from full
    except ClientFullError as full:
        again = await shared.thread(partial(quoting.come_again, request.client))
        raise RefusedError(
            429, f"this key's share is full: {full}", kind="client_full", headers=_after(again)
        ) from full
    except UnknownSlotError as gone:
        raise RefusedError(404, str(gone), kind="model_not_found") from gone
    except DataError as unfit:
        raise RefusedError(400, "a value does not fit the database", kind="unfit") from unfit
    except Error as fault:
        raise _away(fault) from fault


def _request(wanted: Wanted, slot: Slot, client: Client, drawn: Mapping[str, Any]) -> Request:
    return Request(
        tier=Tier(client.tier),
        slot=slot.name,
        kind=wanted.kind,
        principal=f"key:{client.name}",
        body={**wanted.body, "sampling": drawn, orphans.MARK: living.identity()},
        client=client.name,
        streams=wanted.streams,
        bound=wanted.bound,
        tokens_asked=wanted.tokens,
        max_waiting=client.max_waiting,
    )


def _away(fault: Exception) -> RefusedError:
    log.warning("the rows of the queue cannot be reached: %s", type(fault).__name__)
    return RefusedError(
        503, "the queue's database does not answer", kind="away", headers=_after(AWAY_SECONDS)
    )


def _after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
