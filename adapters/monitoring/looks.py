"""One look over the network: does it accept, does it answer, is the answer the wanted one."""

import asyncio
import re
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Final

import httpx

from adapters.monitoring.declared import HttpParams, TcpParams
from adapters.monitoring.port import Symptom

MAX_BODY: Final = 1024 * 1024
"""Bytes of an answer that are read and searched; the rest is not asked for."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw; `detail` is a sentence for people."""

    symptom: Symptom
    value: float | None
    unit: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a GET brought within its time."""

    status: int
    body: bytes
    elapsed_ms: float


async def look_http(params: HttpParams) -> Look:
    """Say whether a GET brings what is wanted."""
    found = await get(params.url, params.timeout_s)
    return found if isinstance(found, Look) else _judge(params, found)


async def get(url: str, timeout_s: float) -> Answer | Look:
    """Send one GET within one deadline for all of it, from connecting to the last byte."""
    progress = _Progress()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s), _client(timeout_s) as client:
            request = client.build_request("GET", url, extensions={"trace": progress.note})
            answer = await client.send(request, stream=True)
            body = await _read(answer)
    except TimeoutError:
        return _late(url, timeout_s, progress)
    except httpx.HTTPError as error:
        return _broken(url, progress, error)
    return Answer(answer.status_code, body, (time.perf_counter() - began) * 1000)


async def look_tcp(params: TcpParams) -> Look:
    """Open one connection and close it again."""
    place = f"{params.address}:{params.port}"
    began = time.perf_counter()
    try:
        async with asyncio.timeout(params.timeout_s):
            _, writer = await asyncio.open_connection(params.address, params.port)
    except TimeoutError:
        return _unreachable(place, params.timeout_s)
    except OSError as error:
        return _unconnected(place, error)
    elapsed_ms = (time.perf_counter() - began) * 1000
    writer.transport.abort()
    return Look("ok", elapsed_ms, "ms", f"{place} accepts connections.")


class _Progress:
    """How far an exchange came, told by the client's own trace."""

    def __init__(self) -> None:
        self.connected = False
        self.answered = False

    async def note(self, event: str, _info: object) -> None:
        self.connected |= event == "connection.connect_tcp.complete"
        self.answered |= event.endswith("receive_response_headers.complete")


@cache
def _tls() -> ssl.SSLContext:
    """Return one context for all looks: loading the roots costs more than a look."""
    return ssl.create_default_context()


def _client(timeout_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_tls(),
        trust_env=False,
        follow_redirects=False,
        # Never the one that ends a look: the deadline around it covers all phases together.
        timeout=timeout_s + 1,
        headers={"User-Agent": "ethops-probe", "Connection": "close"},
    )


async def _read(answer: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size >= MAX_BODY:
            break
    await answer.aclose()
    return b"".join(parts)[:MAX_BODY]


def _judge(params: HttpParams, found: Answer) -> Look:
    status, elapsed_ms = found.status, found.elapsed_ms

    def look(symptom: Symptom, detail: str) -> Look:
        return Look(symptom, elapsed_ms, "ms", detail)

    if status not in params.status:
        wanted = " or ".join(map(str, params.status))
        return look("wrong_status", f"Answers with status {status} where {wanted} is wanted.")
    text = found.body.decode("utf-8", "replace")
    if params.contains is not None and params.contains not in text:
        return look("wrong_content", f"Answers {status} without {params.contains!r} in it.")
    if params.matches is not None and not re.search(params.matches, text):
        return look("wrong_content", f"Answers {status} with nothing like {params.matches!r}.")
    if params.slow_ms is not None and elapsed_ms > params.slow_ms:
        return look("slow", f"Answers in {elapsed_ms:.0f} ms, over {params.slow_ms:g} ms.")
    return look("ok", f"Answers {status} in {elapsed_ms:.0f} ms.")


def _late(url: str, timeout_s: float, progress: _Progress) -> Look:
    within = f"within {timeout_s:g} s"
    if progress.answered:
        return Look("slow", None, "ms", f"Begins to answer and does not finish {within}.")
    if progress.connected:
        return Look("no_answer", None, "ms", f"Accepts connections, answers nothing {within}.")
    return _unreachable(url, timeout_s)


def _broken(url: str, progress: _Progress, error: httpx.HTTPError) -> Look:
    if not progress.connected:
        return _unconnected(url, error)
    kind = type(error).__name__
    return Look(
        "no_answer", None, "ms", f"Accepts connections, then breaks off without an answer ({kind})."
    )


def _unreachable(place: str, timeout_s: float) -> Look:
    return Look("unreachable", None, "ms", f"No connection to {place} within {timeout_s:g} s.")


def _unconnected(place: str, error: BaseException) -> Look:
    if _refused(error):
        return Look("refused", None, "ms", f"{place} refuses connections: nothing listens there.")
    return Look("unreachable", None, "ms", f"No connection to {place}: {error}")


def _refused(error: BaseException | None) -> bool:
    """Tell whether a refused connection lies under an error, however it was wrapped."""
    if error is None or isinstance(error, ConnectionRefusedError):
        return error is not None
    if isinstance(error, BaseExceptionGroup):
        return any(_refused(inner) for inner in error.exceptions)
    # asyncio joins the errors of several addresses into the text of one OSError.
    if isinstance(error, OSError) and "[Errno 111]" in str(error):
        return True
    return _refused(error.__cause__ or error.__context__)
