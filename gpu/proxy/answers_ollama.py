"""Answers as Ollama gives them: JSON objects, one a line where they are streamed."""

from datetime import UTC, datetime
from typing import Any, Final

from adapters.json_value import JSON
from gpu.proxy import dialects
from gpu.proxy.dialects import Dialect
from gpu.proxy.shapes import Piece, done_reason, dumps, durations, said_in
from gpu.rows import JobRow

MEDIA: Final = "application/x-ndjson"


def now() -> str:
    """Return the time in the form of Ollama's `created_at`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Lines:
    dialect = Dialect.OLLAMA
    media = MEDIA

    def __init__(self, model: str) -> None:
        self.model = model

    def fault(self, status: int, message: str, kind: str) -> bytes:
        """End the stream with the one line that clients take for a failure."""
        return dumps(dialects.fault(self.dialect, status, message, kind)) + b"\n"

    def _line(self, said: dict[str, Any]) -> bytes:
        return dumps({"model": self.model, "created_at": now(), **said}) + b"\n"

    def _end(self, row: JobRow) -> dict[str, JSON]:
        return {"done": True, "done_reason": done_reason(row), **durations(row)}


class OllamaChat(_Lines):
    """`/api/chat`."""

    def piece(self, piece: Piece) -> bytes:
        """Return one message with what is new in it."""
        return self._line({"message": _message(piece), "done": False})

    def patience(self) -> bytes:
        """Return a message with nothing in it, which clients add to the others."""
        return self.piece(Piece())

    def last(self, row: JobRow) -> bytes:
        """Return the empty message with the counts."""
        return self._line({"message": _message(Piece()), **self._end(row)})

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the whole message."""
        return {
            "model": self.model,
            "created_at": now(),
            "message": _message(said_in(row)),
            **self._end(row),
        }


class OllamaGenerate(_Lines):
    """`/api/generate`."""

    def piece(self, piece: Piece) -> bytes:
        """Return one line with what is new."""
        return self._line({**_response(piece), "done": False})

    def patience(self) -> bytes:
        """Return a line with nothing in it."""
        return self.piece(Piece())

    def last(self, row: JobRow) -> bytes:
        """Return the empty line with the counts."""
        return self._line({**_response(Piece()), **self._end(row)})

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the whole response."""
        return {
            "model": self.model,
            "created_at": now(),
            **_response(said_in(row)),
            **self._end(row),
        }


class _Vectors(_Lines):
    def piece(self, piece: Piece) -> bytes:
        """Embeddings are never streamed."""
        raise NotImplementedError

    def patience(self) -> bytes:
        """Nothing can be sent before the answer."""
        return b""

    def last(self, row: JobRow) -> bytes:
        """Return the whole answer."""
        return dumps(self.whole(row))

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return all vectors."""
        told = durations(row)
        counts = {n: told[n] for n in ("total_duration", "load_duration", "prompt_eval_count")}
        return {"model": self.model, "embeddings": vectors(row), **counts}


class OllamaEmbed(_Vectors):
    """`/api/embed`."""


class OllamaEmbedding(_Vectors):
    """`/api/embeddings`, the older form: one text, one vector."""

    def whole(self, row: JobRow) -> dict[str, JSON]:
        """Return the one vector."""
        return {"embedding": next(iter(vectors(row)), [])}


def vectors(row: JobRow) -> list[Any]:
    """Return the vectors of a finished job."""
    found: Any = (row.answer or {}).get("embeddings")
    return list(found or ())


def nothing(shape: OllamaChat | OllamaGenerate, reason: str) -> dict[str, JSON]:
    """Return the answer to a request without a prompt; who is loaded is the queue's to say."""
    said: dict[str, JSON] = {"model": shape.model, "created_at": now()}
    if isinstance(shape, OllamaChat):
        said["message"] = _message(Piece())
    else:
        said["response"] = ""
    return {**said, "done": True, "done_reason": reason}


def _message(piece: Piece) -> dict[str, JSON]:
    message: dict[str, JSON] = {"role": "assistant", "content": piece.text}
    if piece.thinking:
        message["thinking"] = piece.thinking
    if piece.calls:
        message["tool_calls"] = [dict(call) for call in piece.calls]
    return message


def _response(piece: Piece) -> dict[str, JSON]:
    return {
        "response": piece.text,
        **({"thinking": piece.thinking} if piece.thinking else {}),
    }
