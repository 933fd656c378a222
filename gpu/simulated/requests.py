"""Requests as Ollama reads them: unknown fields ignored, wrong types refused."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_OPTIONS: Final = {
    "integer": (
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"),
        *("num_keep", "num_predict", "seed", "top_k", "repeat_last_n"),
    ),
    "float32": (
        *("temperature", "top_p", "min_p", "typical_p"),
        *("repeat_penalty", "presence_penalty", "frequency_penalty"),
    ),
    "boolean": ("use_mmap",),
    "array": ("stop",),
}
_TYPES: Final[Mapping[str, type]] = {"boolean": bool, "array": list}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


class RefusedError(Exception):
    """An answer that is an error, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Asked(BaseModel):
    """What every request may say."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: str = ""
    options: Mapping[str, Any] | None = None
    keep_alive: float | str | None = None


class Streamed(Asked):
    """What generate and chat share."""

    stream: bool | None = None
    format: Mapping[str, Any] | str | None = None
    think: bool | str | None = None


class GenerateAsked(Streamed):
    """POST /api/generate."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: Sequence[int] | None = None
    raw: bool = False
    images: Sequence[str] | None = None


class MessageAsked(BaseModel):
    """One message of a chat."""

    model_config = ConfigDict(strict=True, extra="ignore")

    role: str = ""
    content: str = ""
    thinking: str = ""
    tool_calls: Sequence[Any] | None = None


class ChatAsked(Streamed):
    """POST /api/chat."""

    messages: Sequence[MessageAsked] | None = None
    tools: Sequence[Mapping[str, Any]] | None = None


class EmbedAsked(Asked):
    """POST /api/embed."""

    input: Any = None
    truncate: bool | None = None
    dimensions: int | None = None

    def inputs(self) -> list[str]:
        """Return the texts; none is a request to load."""
        match self.input:
            case None | "":
                return []
            case str() as one:
                return [one]
            case list() as several if all(isinstance(each, str) for each in several):
                return list(several)
            case _:
                raise RefusedError(400, "invalid input type")


class EmbeddingsAsked(Asked):
    """POST /api/embeddings, the older form."""

    prompt: str = ""


class ShowAsked(Asked):
    """POST /api/show."""

    name: str = ""


Form = TypeVar("Form", bound=BaseModel)


def read(form: type[Form], raw: bytes) -> Form:
    """Return the request, or refuse it in Ollama's words."""
    if not raw.strip():
        raise RefusedError(400, "missing request body")
    try:
        return form.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RefusedError(400, f"invalid character in body: {first['msg']}") from error
        where = ".".join(str(part) for part in first["loc"])
        name = form.__name__.removesuffix("Asked")
        message = f"json: cannot unmarshal into Go struct field {name}Request.{where}"
        raise RefusedError(400, message) from error


def options_of(asked: Asked) -> dict[str, Any]:
    """Return the options of a request; unknown ones stay, wrong types are refused."""
    options = dict(asked.options or {})
    for kind, names in _OPTIONS.items():
        for name in names:
            said = options.get(name)
            # A number is a number: Go cuts its fraction off where an integer is wanted.
            fits = type(said) in {int, float} if kind not in _TYPES else type(said) is _TYPES[kind]
            if said is not None and not fits:
                raise RefusedError(500, f'option "{name}" must be of type {kind}')
    return options


def seconds_of(keep_alive: float | str | None) -> float | None:
    """Return a keep_alive in seconds; negative is forever, None stays unsaid."""
    if keep_alive is None:
        return None
    seconds = keep_alive if isinstance(keep_alive, int | float) else _duration(keep_alive)
    return math.inf if seconds < 0 else float(seconds)


def _duration(text: str) -> float:
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    if not re.fullmatch(rf"(?:{_PART.pattern})+", rest):
        numeric = re.fullmatch(r"[0-9.]+", rest)
        what = "missing unit in" if numeric else "invalid"
        raise RefusedError(400, f'time: {what} duration "{text[:40]}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(rest))


def words_in(text: str) -> int:
    """Return how many tokens a text counts for: one a word."""
    return len(text.split())
