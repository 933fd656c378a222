"""A worker of the card that does what a test says, by the real worker's own doors of the queue."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import redis

from gpu.worker import channel

CARD = "card0"
LEASE_S = 60.0
WORDS = ("Ether", "net ", "is ", "down", ".")


@dataclass
class Held:
    """One claimed job."""

    link: psycopg.Connection[Any]
    line: redis.Redis
    id: UUID
    fence: int
    kind: str
    request: dict[str, Any]
    streams: bool
    said: list[str] = field(default_factory=list)

    def begin(self, load_s: float = 0.0) -> None:
        self._do("gpu.begin_job(%s, %s, %s, %s, %s)", load_s, load_s > 0, "sha256:abc")

    def say(self, text: str, *, at: int | None = None, **more: Any) -> None:
        """Put a chunk on the channel; `at` says where it belongs, as the real worker may."""
        self.said.append(text)
        where = {} if at is None else {"at": at}
        self.tell({"t": "chunk", "text": text, "thinking": "", "tool_calls": [], **where, **more})

    def tell(self, said: dict[str, Any]) -> None:
        self.line.xadd(channel.key(self.id), {"d": json.dumps(said)})

    def done(
        self, answer: dict[str, Any] | None = None, *, tell: bool = True, reason: str = "stop"
    ) -> None:
        """Settle the job; by default with what was said."""
        text = "".join(self.said)
        whole: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
        if self.kind == "generate":
            whole = {"response": text}
        answer = answer or {**whole, "done_reason": reason}
        self._finish("finished", answer, "", "", tell=tell)

    def fail(self, code: str, error: str = "it broke", *, ending: str = "failed") -> None:
        self._finish(ending, None, code, error, tell=True)

    def put_back(self) -> None:
        """Give way to another job."""
        self._do("gpu.put_back(%s, %s, %s::jsonb, %s, %s)", "{}", 0, 0.1)

    def cancelled(self) -> bool:
        row = self.link.execute("SELECT gpu.cancel_asked(%s)", [self.id]).fetchone()
        return bool(row and row[0])

    def _finish(
        self, ending: str, answer: dict[str, Any] | None, code: str, error: str, *, tell: bool
    ) -> None:
        whole = None if answer is None else json.dumps(answer)
        parts = (ending, whole, code, error, 11, len(self.said), 0.1)
        self._do("gpu.finish_job(%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)", *parts)
        if tell:
            self.tell({"t": "end"})

    def _do(self, call: str, *parameters: Any) -> None:
        self.link.execute(f"SELECT {call}", [self.id, self.fence, *parameters])


class Worker:
    """The holder of the only card."""

    def __init__(self, link: psycopg.Connection[Any], redis_url: str) -> None:
        self.link = link
        self.line = redis.Redis.from_url(redis_url)
        row = link.execute("SELECT gpu.take_card(%s, %s, %s, '')", [CARD, "test", 600.0]).fetchone()
        assert row is not None
        assert row[0] is not None, "the card is taken"
        self.fence = row[0]

    def ready(self) -> list[UUID]:
        """Return the jobs that wait, the oldest of each queue first."""
        queues = self.link.execute("SELECT queue FROM gpu.waiting()").fetchall()
        kinds = ("chat", "generate", "embed")
        found = []
        for (queue,) in queues:
            for kind in kinds:
                rows = self.link.execute("SELECT * FROM gpu.company(%s, %s, 500)", [queue, kind])
                found += [row[0] for row in rows.fetchall()]
        return found

    def claim(self, job_id: UUID) -> Held:
        cursor = self.link.execute(
            "SELECT id, fence, kind, request, streams FROM gpu.claim_job(%s, %s, %s, %s)",
            [CARD, self.fence, job_id, LEASE_S],
        )
        row = cursor.fetchone()
        assert row is not None, f"{job_id} cannot be claimed"
        held = Held(self.link, self.line, row[0], row[1], row[2], row[3], row[4])
        held.begin()
        return held

    def close(self) -> None:
        self.line.close()


def answer(held: Held) -> None:
    """Say five words, or as many vectors as there are inputs."""
    if held.kind == "embed":
        vectors = [[0.6, 0.8, float(n)] for n in range(len(held.request["input"]))]
        held.done({"embeddings": vectors})
        return
    for word in WORDS:
        if held.streams:
            held.say(word)
        else:
            held.said.append(word)
    held.done()


@contextmanager
def answering(
    connect: Callable[[], psycopg.Connection[Any]],
    redis_url: str,
    how: Callable[[Held], None] = answer,
) -> Iterator[Worker]:
    """Answer whatever waits, in a thread, until the block ends."""
    link = connect()
    worker = Worker(link, redis_url)
    over = threading.Event()
    faults: list[Exception] = []

    def serve() -> None:
        try:
            while not over.wait(0.004):
                for job_id in worker.ready():
                    how(worker.claim(job_id))
        except (psycopg.Error, redis.RedisError, AssertionError) as fault:
            faults.append(fault)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield worker
    finally:
        over.set()
        thread.join()
        worker.close()
        link.close()
    assert not faults, faults
