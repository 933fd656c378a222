"""How an answer is written down: a shape turns pieces and rows into bytes of one API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.json_value import JSON
from gpu.proxy.dialects import Dialect
from gpu.rows import JobRow

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of an answer, as it came or as much as was missing."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self.text or self.thinking or self.calls)


class Shape(Protocol):
    """One way to answer: streamed piece by piece, or whole."""

    @property
    def dialect(self) -> Dialect:
        """Whose API it is."""

    @property
    def media(self) -> str:
        """The content type of a stream."""

    def piece(self, piece: Piece) -> bytes:
        """Return what is sent for one piece."""

    def patience(self) -> bytes:
        """Return what is sent while nothing comes, so that the connection is seen to live."""

    def last(self, row: JobRow) -> bytes:
        """Return what ends the stream of a finished job."""

    def fault(self, status: int, message: str, kind: str) -> bytes:
        """Return what ends a stream that cannot be gone on with."""

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the answer of a finished job in one piece."""


def dumps(body: Mapping[str, Any]) -> bytes:
    """Return JSON in ASCII: some clients end a line at characters that JSON allows raw."""
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def said_in(row: JobRow) -> Piece:
    """Return what a finished job's row holds as its answer."""
    answer: dict[str, Any] = dict(row.answer or {})
    message = answer.get("message") or {"content": answer.get("response"), **answer}
    return Piece(
        str(message.get("content") or ""),
        str(message.get("thinking") or ""),
        tuple(message.get("tool_calls") or ()),
    )


def done_reason(row: JobRow) -> str:
    """Return why the model stopped."""
    return str((row.answer or {}).get("done_reason") or "stop")


def durations(row: JobRow) -> dict[str, JSON]:
    """Return counts and nanoseconds as Ollama gives them; the wait counts as loading there."""
    answer: dict[str, Any] = dict(row.answer or {})
    total = row.latency_s or 0.0
    before = min(max(row.wait_s or 0.0, row.load_s), total)
    prompt = min(float(answer.get("prompt_s") or 0.0), total - before)
    return {
        "total_duration": round(total * NANO),
        "load_duration": round(before * NANO),
        "prompt_eval_count": row.tokens_in or 0,
        "prompt_eval_duration": round(prompt * NANO),
        "eval_count": row.tokens_out or 0,
        "eval_duration": round(float(answer.get("eval_s") or total - before - prompt) * NANO),
    }
