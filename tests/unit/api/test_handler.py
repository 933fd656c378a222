"""Django behind ASGI: one thread from the first middleware to the view."""

import asyncio
import threading
from functools import partial

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from ethops.api.handler import OneThread
from tests.waiting import PATIENCE_SECONDS

PLACES: list[tuple[str, int]] = []


def _note(what):
    PLACES.append((what, threading.get_ident()))


@sync_and_async_middleware
def noting(get_response):
    """Middleware that could be asynchronous, as Django's own could."""

    def middleware(request):
        _note("middleware")
        return get_response(request)

    return middleware


def at_once(request):
    _note("view")
    return HttpResponse("said")


def streamed(request):
    async def lines():
        _note("stream")
        yield b"one"
        yield b"two"

    return StreamingHttpResponse(lines())


urlpatterns = [path("at_once", at_once), path("streamed", streamed)]


@pytest.fixture(autouse=True)
def _pages(settings):
    PLACES.clear()
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.noting", f"{__name__}.noting"]


def _get(where):
    async def asked():
        scope = {"type": "http", "method": "GET", "path": where, "headers": [], "query_string": b""}
        line = ApplicationCommunicator(OneThread(), scope)
        # Its own patience is a second.
        heard = partial(line.receive_output, PATIENCE_SECONDS)
        await line.send_input({"type": "http.request"})
        status = (await heard())["status"]
        body = b""
        while True:
            part = await heard()
            body += part.get("body", b"")
            if not part.get("more_body"):
                await line.wait(PATIENCE_SECONDS)
                return status, body

    return asyncio.run(asked())


def test_middleware_and_view_share_a_thread_that_is_not_the_loops():
    assert _get("/at_once") == (200, b"said")
    assert [what for what, _ in PLACES] == ["middleware", "middleware", "view"]
    threads = {thread for _, thread in PLACES}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_a_stream_is_awaited_on_the_loop():
    assert _get("/streamed") == (200, b"onetwo")
    assert PLACES[-1] == ("stream", threading.get_ident())
