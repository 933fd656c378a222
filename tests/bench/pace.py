"""Requests over connections that are kept: at an even pace, or each when the one before is done."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""One connection to the server."""

AT_ONCE = 32
LENGTH = re.compile(rb"(?i)content-length: (\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, and the milliseconds from when it was due."""

    status: int
    took_ms: float


def request(
    url: str, body: bytes = b"", headers: Mapping[str, str] | None = None, method: str = "POST"
) -> bytes:
    """Return a whole request, so that sending it is all that is left to do."""
    parts = urlsplit(url)
    said = {"Host": parts.netloc, "Content-Type": "application/json", **(headers or {})}
    said["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"{method} {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def even(url: str, requests: Sequence[bytes], per_second: float) -> list[Answer]:
    """Send at the pace, whatever the answers; the first few make the server warm."""
    warm, sent = requests[:AT_ONCE], requests[AT_ONCE:]
    lines = [await _connected(url) for _ in range(AT_ONCE)]
    free: asyncio.Queue[Line] = asyncio.Queue()
    for line, one in zip(lines, warm, strict=False):  # caches and the server's threads
        await _ask(line, one)
    for line in lines:
        free.put_nowait(line)
    began = time.monotonic()

    async def send(number: int, one: bytes) -> Answer:
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        line = await free.get()
        status = await _ask(line, one)
        free.put_nowait(line)
        return Answer(status, (time.monotonic() - due) * 1000)

    answers = await asyncio.gather(*(send(number, one) for number, one in enumerate(sent)))
    for _, writer in lines:
        writer.close()
    return list(answers)


async def senders(url: str, requests: Sequence[bytes], count: int) -> list[Answer]:
    """Send from so many at once, each his next when his last is answered."""

    async def one(mine: Sequence[bytes]) -> list[Answer]:
        line = await _connected(url)
        answers = []
        for each in mine:
            began = time.monotonic()
            status = await _ask(line, each)
            answers.append(Answer(status, (time.monotonic() - began) * 1000))
        line[1].close()
        return answers

    found = await asyncio.gather(*(one(requests[turn::count]) for turn in range(count)))
    return [answer for each in found for answer in each]


async def _connected(url: str) -> Line:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _ask(line: Line, request: bytes) -> int:
    """One exchange on a line that is kept; as little work as can be, next to what is measured."""
    reader, writer = line
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    return int(head[9:12])
