"""The shapes of answers: Ollama's lines, and OpenAI's events around the same run."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from gpu.simulated.running import Spent

Calls = Sequence[Mapping[str, Any]]
BILLION: Final = 1_000_000_000
KINDS: Final = {400: "invalid_request_error", 404: "not_found_error"}
WITHOUT_COUNTS: Final = ("load", "unload")


@dataclass(frozen=True, slots=True)
class End:
    """How a reply ended, and what it took."""

    reason: str
    spent: Spent


class Form(Protocol):
    """How pieces and ends are written."""

    content_type: str

    def piece(self, text: str, *, thinking: bool) -> bytes:
        """Return a piece of a stream."""
        ...

    def last(self, calls: Calls, end: End) -> bytes:
        """Return what ends a stream."""
        ...

    def whole(self, text: str, thinking: str, calls: Calls, end: End) -> dict[str, Any]:
        """Return an answer that is not streamed."""
        ...

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of an error."""
        ...

    def error_line(self, message: str) -> bytes:
        """Return an error within a stream."""
        ...


def now() -> str:
    """Return this moment as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def metrics(spent: Spent) -> dict[str, int]:
    """Return durations in nanoseconds and counts."""
    return {
        "total_duration": round(spent.total_s * BILLION),
        "load_duration": round(spent.load_s * BILLION),
        "prompt_eval_count": spent.words,
        "prompt_eval_duration": round(spent.prompt_s * BILLION),
        "eval_count": spent.tokens,
        "eval_duration": round(spent.eval_s * BILLION),
    }


@dataclass(slots=True)
class Lines:
    """Ollama's own: newline-delimited JSON of /api/generate or /api/chat."""

    model: str
    chat: bool
    content_type: str = "application/x-ndjson"
    context: bool = False
    """Whether the end states the tokens of prompt and answer."""

    def piece(self, text: str, *, thinking: bool) -> bytes:
        """Return one line."""
        body = self._said("" if thinking else text, text if thinking else "", ())
        return _line({**body, "done": False})

    def last(self, calls: Calls, end: End) -> bytes:
        """Return the line with the counts; calls of tools go before it, in one of their own."""
        before = _line({**self._said("", "", calls), "done": False}) if calls else b""
        return before + _line(self._end("", "", (), end))

    def whole(self, text: str, thinking: str, calls: Calls, end: End) -> dict[str, Any]:
        """Return everything in one object."""
        return self._end(text, thinking, calls, end)

    def error(self, status: int, message: str) -> dict[str, Any]:  # noqa: ARG002 - the other needs it
        """Return the body of an error."""
        return {"error": message}

    def error_line(self, message: str) -> bytes:
        """Return the line that ends a stream as a failure."""
        return _line({"error": message})

    def _end(self, text: str, thinking: str, calls: Calls, end: End) -> dict[str, Any]:
        said = self._said(text, thinking, calls)
        ended = {**said, "done": True, "done_reason": end.reason}
        if end.reason in WITHOUT_COUNTS:
            return ended
        tokens = range(1, end.spent.words + end.spent.tokens + 1)
        kept = {"context": list(tokens)} if self.context else {}
        return {**ended, **kept, **metrics(end.spent)}

    def _said(self, text: str, thinking: str, calls: Calls) -> dict[str, Any]:
        head = {"model": self.model, "created_at": now()}
        if not self.chat:
            return {**head, "response": text, **({"thinking": thinking} if thinking else {})}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = list(calls)
        return {**head, "message": message}


@dataclass(slots=True)
class Events:
    """OpenAI's: server-sent events of /v1/chat/completions or /v1/completions."""

    model: str
    chat: bool
    usage: bool = False
    content_type: str = "text/event-stream"
    begun: bool = False
    created: int = field(default_factory=lambda: int(time.time()))
    id: str = ""

    def __post_init__(self) -> None:
        number = uuid.uuid4().int % 1000
        self.id = f"chatcmpl-{number}" if self.chat else f"cmpl-{number}"

    def piece(self, text: str, *, thinking: bool) -> bytes:
        """Return one event."""
        if not self.chat:
            return self._event({"text": text, "index": 0, "finish_reason": None})
        delta: dict[str, Any] = {"content": "" if thinking else text}
        if thinking:
            delta["reasoning"] = text
        return self._delta(delta, None)

    def last(self, calls: Calls, end: End) -> bytes:
        """Return the events that end a stream."""
        reason = self._reason(calls, end)
        if self.chat:
            said = (
                [self._delta({"content": "", "tool_calls": _calls(calls)}, None)] if calls else []
            )
            said.append(self._delta({"content": ""}, reason))
        else:
            said = [self._event({"text": "", "index": 0, "finish_reason": reason})]
        if self.usage:
            said.append(_event({**self._head("chunk"), "choices": [], "usage": _usage(end.spent)}))
        return b"".join([*said, b"data: [DONE]\n\n"])

    def whole(self, text: str, thinking: str, calls: Calls, end: End) -> dict[str, Any]:
        """Return everything in one object."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": self._reason(calls, end)}
        if self.chat:
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if thinking:
                message["reasoning"] = thinking
            if calls:
                message["tool_calls"] = _calls(calls)
            choice["message"] = message
        else:
            choice["text"] = text
        return {**self._head(""), "choices": [choice], "usage": _usage(end.spent)}

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of an error."""
        kind = KINDS.get(status, "api_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def error_line(self, message: str) -> bytes:
        """Return an error within a stream."""
        return _event(self.error(500, message))

    def _delta(self, delta: dict[str, Any], reason: str | None) -> bytes:
        if not self.begun:
            delta = {"role": "assistant", **delta}
            self.begun = True
        return self._event({"index": 0, "delta": delta, "finish_reason": reason})

    def _event(self, choice: dict[str, Any]) -> bytes:
        return _event({**self._head("chunk"), "choices": [choice]})

    def _head(self, part: str) -> dict[str, Any]:
        named = "chat.completion" if self.chat else "text_completion"
        return {
            "id": self.id,
            "object": f"{named}.{part}" if part and self.chat else named,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "fp_ollama",
        }

    def _reason(self, calls: Calls, end: End) -> str:
        return "tool_calls" if calls and end.reason == "stop" else end.reason


def _calls(calls: Calls) -> list[dict[str, Any]]:
    return [
        {
            "id": call["id"],
            "index": call["function"]["index"],
            "type": "function",
            "function": {
                "name": call["function"]["name"],
                "arguments": json.dumps(call["function"]["arguments"]),
            },
        }
        for call in calls
    ]


def _usage(spent: Spent) -> dict[str, int]:
    return {
        "prompt_tokens": spent.words,
        "completion_tokens": spent.tokens,
        "total_tokens": spent.words + spent.tokens,
    }


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"
