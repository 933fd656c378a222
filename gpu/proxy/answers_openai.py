"""Answers as OpenAI's API gives them, in the form that Ollama's own `/v1` has."""

import base64
import json
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from adapters.json_value import JSON
from gpu.proxy import dialects
from gpu.proxy.answers_ollama import vectors
from gpu.proxy.dialects import Dialect
from gpu.proxy.shapes import Piece, done_reason, dumps, said_in
from gpu.rows import JobRow

MEDIA: Final = "text/event-stream"
FINGERPRINT: Final = "fp_ollama"


class _Events:
    dialect = Dialect.OPENAI
    media = MEDIA
    prefix = "chatcmpl"
    streamed = "chat.completion.chunk"
    single = "chat.completion"

    def __init__(self, model: str, *, usage: bool = False) -> None:
        self.model = model
        self.usage = usage
        self.id = f"{self.prefix}-{uuid4().hex}"
        self.created = int(time.time())

    def patience(self) -> bytes:
        """Return a comment, which every reader of events skips."""
        return b": waiting\n\n"

    def fault(self, status: int, message: str, kind: str) -> bytes:
        """End the stream with an event that clients take for a failure."""
        return _event(dialects.fault(self.dialect, status, message, kind))

    def _head(self, what: str) -> dict[str, JSON]:
        return {
            "id": self.id,
            "object": what,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
        }

    def _chunk(self, *choices: Mapping[str, JSON], usage: JobRow | None = None) -> bytes:
        said = {**self._head(self.streamed), "choices": list(choices)}
        if self.usage:
            said["usage"] = None if usage is None else _usage(usage)
        return _event(said)

    def _end(self, row: JobRow) -> bytes:
        counted = self._chunk(usage=row) if self.usage else b""
        return counted + b"data: [DONE]\n\n"


class OpenAIChat(_Events):
    """`/v1/chat/completions`."""

    def __init__(self, model: str, *, usage: bool = False) -> None:
        super().__init__(model, usage=usage)
        self._begun = False
        self._calls = 0

    def piece(self, piece: Piece) -> bytes:
        """Return one delta; the first one says whose words these are."""
        delta: dict[str, JSON] = {} if self._begun else {"role": "assistant"}
        self._begun = True
        delta["content"] = piece.text
        if piece.thinking:
            delta["reasoning"] = piece.thinking
        if piece.calls:
            delta["tool_calls"] = _calls(piece.calls, self._calls)
            self._calls += len(piece.calls)
        return self._chunk({"index": 0, "delta": delta, "finish_reason": None})

    def last(self, row: JobRow) -> bytes:
        """Return the reason of the end, the counts where they are wanted, and the end mark."""
        begin = b"" if self._begun else self.piece(Piece())
        reason = _reason(row, calls=bool(self._calls))
        finish = self._chunk({"index": 0, "delta": {}, "finish_reason": reason})
        return begin + finish + self._end(row)

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the whole message."""
        said = said_in(row)
        message: dict[str, JSON] = {"role": "assistant", "content": said.text}
        if said.thinking:
            message["reasoning"] = said.thinking
        if said.calls:
            message["tool_calls"] = _calls(said.calls, 0)
        reason = _reason(row, calls=bool(said.calls))
        choice: dict[str, JSON] = {"index": 0, "message": message, "finish_reason": reason}
        return {**self._head(self.single), "choices": [choice], "usage": _usage(row)}


class OpenAICompletion(_Events):
    """`/v1/completions`."""

    prefix = "cmpl"
    streamed = single = "text_completion"

    def piece(self, piece: Piece) -> bytes:
        """Return one choice with what is new."""
        return self._chunk({"text": piece.text, "index": 0, "finish_reason": None})

    def last(self, row: JobRow) -> bytes:
        """Return the reason of the end, the counts where they are wanted, and the end mark."""
        return self._chunk({"text": "", "index": 0, "finish_reason": done_reason(row)}) + self._end(
            row
        )

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the whole text."""
        choice: dict[str, JSON] = {"text": said_in(row).text, "index": 0}
        choice["finish_reason"] = done_reason(row)
        return {**self._head(self.single), "choices": [choice], "usage": _usage(row)}


class OpenAIEmbedding(_Events):
    """`/v1/embeddings`, as numbers or as the bytes of 32-bit floats."""

    def __init__(self, model: str, *, encoded: bool) -> None:
        super().__init__(model)
        self._encoded = encoded

    def piece(self, piece: Piece) -> bytes:
        """Embeddings are never streamed."""
        raise NotImplementedError

    def last(self, row: JobRow) -> bytes:
        """Return the whole answer."""
        return dumps(self.whole(row))

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return all vectors."""
        count = row.tokens_in or 0
        return {
            "object": "list",
            "data": [
                {"object": "embedding", "embedding": self._written(vector), "index": index}
                for index, vector in enumerate(vectors(row))
            ],
            "model": self.model,
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }

    def _written(self, vector: Sequence[float]) -> JSON:
        if not self._encoded:
            return list(vector)
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _event(said: Mapping[str, Any]) -> bytes:
    return b"data: " + dumps(said) + b"\n\n"


def _calls(calls: Sequence[Mapping[str, Any]], first: int) -> list[JSON]:
    return [_call(call, index) for index, call in enumerate(calls, first)]


def _call(call: Mapping[str, Any], index: int) -> dict[str, JSON]:
    function = call.get("function") or {}
    arguments = json.dumps(function.get("arguments") or {}, separators=(",", ":"))
    return {
        "index": index,
        "id": call.get("id") or f"call_{uuid4().hex[:8]}",
        "type": "function",
        "function": {"name": function.get("name") or "", "arguments": arguments},
    }


def _reason(row: JobRow, *, calls: bool) -> str:
    reason = done_reason(row)
    return "tool_calls" if calls and reason == "stop" else reason


def _usage(row: JobRow) -> dict[str, JSON]:
    asked, said = row.tokens_in or 0, row.tokens_out or 0
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
