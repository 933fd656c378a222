"""The live tail of the ledger: server-sent events that a reader resumes where it broke off."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.models import Entry
from ethops.api.ledger import FILTERS, MOST_SEQ, EntryOut
from ethops.api.reading import AtTheDesk, DeclaredFilters, Filters
from ethops.world import ledger

MOST_STREAMS: Final = 16
LONGEST_SECONDS: Final = 300.0
EVERY_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 15.0
BATCH: Final = 100
RETRY_SECONDS: Final = 30


class Events(JSONRenderer):
    """Server-sent events; a refusal is still a problem in JSON."""

    media_type = "text/event-stream"


class LedgerTail(APIView):
    """New entries as they come, oldest first; `Last-Event-ID` or `after` says from where."""

    permission_classes = (AtTheDesk,)
    renderer_classes = (Events, JSONRenderer)
    filters: ClassVar[Filters] = {k: v for k, v in FILTERS.items() if k not in {"before", "until"}}
    reading: ClassVar[int] = 0

    @extend_schema(
        parameters=[OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER)],
        responses={(200, "text/event-stream"): str},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream entries for at most five minutes; a reader then comes again."""
        rows = DeclaredFilters().filter_queryset(request, ledger.entries(), self).order_by("seq")
        if LedgerTail.reading >= MOST_STREAMS:
            raise exceptions.Throttled(wait=RETRY_SECONDS)
        after = _after(request)
        answer = StreamingHttpResponse(
            _events(rows, ledger.newest() if after is None else after),
            content_type="text/event-stream",
        )
        answer.headers["Cache-Control"] = "no-store"
        # A proxy in between must not keep events back until it has a page full of them.
        answer.headers["X-Accel-Buffering"] = "no"
        return answer


def _after(request: Request) -> int | None:
    said = request.headers.get("Last-Event-ID") or request.query_params.get("after") or ""
    if not said:
        return None
    if not said.isdecimal() or len(said) > 19 or int(said) > MOST_SEQ:
        raise exceptions.ValidationError({"Last-Event-ID": ["It is not the number of an entry."]})
    return int(said)


async def _events(rows: QuerySet[Entry], last: int) -> AsyncIterator[str]:
    LedgerTail.reading += 1
    began = said = time.monotonic()
    try:
        yield f"retry: {int(EVERY_SECONDS * 1000)}\n\n"
        while time.monotonic() - began < LONGEST_SECONDS:
            page = await sync_to_async(_page)(rows, last)
            for seq, data in page:
                yield f"id: {seq}\nevent: entry\ndata: {data}\n\n"
                last, said = seq, time.monotonic()
            if len(page) == BATCH:
                continue
            if time.monotonic() - said > QUIET_SECONDS:
                yield ": nothing new\n\n"
                said = time.monotonic()
            await asyncio.sleep(EVERY_SECONDS)
    except (OperationalError, InterfaceError):
        # Whoever reads comes again with the last number he saw.
        yield ": the database does not answer\n\n"
    finally:
        LedgerTail.reading -= 1


def _page(rows: QuerySet[Entry], last: int) -> list[tuple[int, str]]:
    try:
        found = list(rows.filter(seq__gt=last)[:BATCH])
        return [(one.seq, json.dumps(_shown(one), default=str)) for one in found]
    finally:
        # Between two looks the connection belongs to others.
        connection.close()


def _shown(one: Entry) -> dict[str, Any]:
    return dict(EntryOut(one).data)
