"""Requests that run beside each other, each in a thread of its own, with the times that count."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import ollama

from tests.live.served import Served

LONGEST = 30.0
"""Seconds after which a test gives up; nothing here takes a tenth of it."""


@dataclass(slots=True)
class Asked:
    """One prompt that a real client has sent; times are `time.monotonic()`, 0 before."""

    model: str
    began: float = field(default_factory=time.monotonic)
    first: float = 0.0
    ended: float = 0.0
    text: str = ""
    tokens: int = 0
    error: Exception | None = None
    leave: threading.Event = field(default_factory=threading.Event)
    """Set it, and the client hangs up."""

    @property
    def is_over(self) -> bool:
        """Whether it has its whole answer, or none for good."""
        return self.ended > 0


def ask(
    served: Served,
    model: str,
    tokens: int,
    *,
    keep_alive: int | str | None = None,
    options: dict[str, int] | None = None,
) -> Asked:
    """Send a prompt and return at once."""
    asked = Asked(model)
    sent = {"num_predict": tokens, **(options or {})}
    thread = threading.Thread(target=_stream, args=(served, asked, sent, keep_alive), daemon=True)
    thread.start()
    return asked


def _stream(
    served: Served, asked: Asked, options: dict[str, int], keep_alive: int | str | None
) -> None:
    with ollama.Client(host=served.url, headers=served.headers, timeout=LONGEST) as client:
        try:
            parts = client.generate(
                asked.model, "hello", stream=True, options=options, keep_alive=keep_alive
            )
            for part in parts:
                asked.first = asked.first or time.monotonic()
                asked.text += part.response or ""
                asked.tokens += 1
                if asked.leave.is_set():
                    break
        except (ollama.ResponseError, httpx.HTTPError) as error:
            asked.error = error
    asked.ended = time.monotonic()


def wait_until(true: Callable[[], object], what: str, seconds: float = LONGEST) -> None:
    """Wait for a condition, and fail with its name when it does not come."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)


def over(*all_asked: Asked, seconds: float = LONGEST) -> None:
    """Wait until all these have their answers, and none an error."""
    wait_until(lambda: all(asked.is_over for asked in all_asked), "the answers", seconds)
    faults = [repr(asked.error) for asked in all_asked if asked.error is not None]
    assert not faults, faults
