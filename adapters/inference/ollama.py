"""An Ollama server, spoken to with its official client: every wait bounded, every fault typed."""

import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
import ollama

from adapters.inference.errors import (
    CutStreamError,
    MalformedStreamError,
    OverDeadlineError,
    RefusedOptionError,
    ServerSaidError,
)
from adapters.inference.faults import count, said, typed, vectors
from adapters.inference.sampling import options_of
from adapters.inference.wire import Call, Terms
from adapters.json_value import JSON
from adapters.text import one_line, storable, storable_json

FOREVER: Final = -1
"""Who unloads is decided by the queue alone, so no request ever lets a model run out."""
CHAT_FIELDS: Final = ("messages", "format", "tools", "think", "truncate")
GENERATE_FIELDS: Final = (
    "prompt",
    "system",
    "suffix",
    "template",
    "raw",
    "images",
    "format",
    "think",
    "truncate",
)
_FIRST_POLL_S: Final = 0.005
_LONGEST_POLL_S: Final = 0.1

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a stream; counts and seconds stand in the last one (`done`) alone.

    `load_s` runs from the request's arrival to a loaded model, the server's own queue included.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[Mapping[str, JSON], ...] = ()
    done: bool = False
    done_reason: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    load_s: float = 0.0
    prompt_s: float = 0.0
    eval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """One vector per input, all of one length and finite."""

    vectors: tuple[tuple[float, ...], ...]
    tokens_in: int
    load_s: float


@dataclass(frozen=True, slots=True)
class Resident:
    """A model that the server holds in memory; older servers list it while it still loads."""

    model: str
    digest: str
    bytes: int
    vram_bytes: int
    """What of it lies on the card: less than all where there was no room, none without a card."""
    context: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A model that the server has on disk."""

    model: str
    digest: str
    size: int


class Server:
    """One Ollama. Deadlines are `time.monotonic()` values; any thread may call.

    `stop` is asked after each chunk, and about every 20 ms while nothing comes; once it is true,
    the connection is closed and StoppedError raised.

    Raises, from every method:
        UnreachableError, OverDeadlineError, StoppedError, CutStreamError, MalformedStreamError,
        ServerSaidError, UnknownModelError, BusyError: as their sentences say.
    """

    name = "ollama"
    swaps_models = True
    """Which model is in memory can be asked, and decided: `load`, `unload`, `resident`."""

    def __init__(self, url: str, *, connect_s: float = 3.0, idle_s: float = 120.0) -> None:
        self.url = url
        self._connect_s = connect_s
        self._idle_s = idle_s

    def stream_chat(
        self,
        model: str,
        options: Mapping[str, JSON],
        body: Mapping[str, JSON],
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Generator[Chunk, None, None]:
        """Yield the answer as it comes; closing the iterator ends the generation at once.

        Raises:
            RefusedOptionError: `body["sampling"]` holds what is not the request's to set.
        """
        sent = _body(model, options, body, CHAT_FIELDS)
        terms = self._terms(deadline, stop, self._idle_s)
        call = Call(terms, label=label, body=sent, lines=True)
        return self._streamed(call, terms, lambda made: made.chat(model, stream=True), _chat_chunk)

    def stream_generate(
        self,
        model: str,
        options: Mapping[str, JSON],
        body: Mapping[str, JSON],
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Generator[Chunk, None, None]:
        """Like `stream_chat`, for one prompt."""
        sent = _body(model, options, body, GENERATE_FIELDS)
        terms = self._terms(deadline, stop, self._idle_s)
        call = Call(terms, label=label, body=sent, lines=True)
        return self._streamed(
            call, terms, lambda made: made.generate(model, stream=True), _generate_chunk
        )

    def embed(
        self,
        model: str,
        options: Mapping[str, JSON],
        inputs: Sequence[str],
        truncate: bool | None,  # noqa: FBT001 - Ollama's own field, with three values
        dimensions: int | None,
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Embedded:
        """Return one vector per input; the whole call succeeds or fails."""
        with self._asked(deadline, label=label, stop=stop) as client:
            answer = client.embed(
                model,
                list(inputs),
                truncate=truncate,
                options=dict(options),
                keep_alive=FOREVER,
                dimensions=dimensions,
            )
        return Embedded(
            vectors=vectors(answer.embeddings, len(inputs)),
            tokens_in=count(answer.prompt_eval_count),
            load_s=_seconds(answer.load_duration),
        )

    def load(
        self,
        model: str,
        options: Mapping[str, JSON],
        embeds: bool,  # noqa: FBT001 - a fact of the slot, passed on as it is
        *,
        deadline: float,
        stop: Stop | None = None,
    ) -> float:
        """Make the model resident with these runner options; return the seconds it says it took."""
        with self._asked(deadline, stop=stop) as client:
            if embeds:
                taken = client.embed(model, [], options=dict(options), keep_alive=FOREVER)
                return _seconds(taken.load_duration)
            made = client.generate(model, "", options=dict(options), keep_alive=FOREVER)
        if not made.done:
            raise MalformedStreamError("The server answered a load without saying that it is done.")
        return _seconds(made.load_duration)

    def unload(
        self,
        model: str,
        embeds: bool,  # noqa: FBT001 - as in load
        *,
        deadline: float,
        stop: Stop | None = None,
    ) -> None:
        """Ask the server to let the model go, and return once it no longer lists it."""
        wait_s = _FIRST_POLL_S
        asked = False
        while self._listed(model, deadline, stop):
            if not asked:
                self._let_go(model, embeds=embeds, deadline=deadline, stop=stop)
                asked = True
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                raise OverDeadlineError(f"{self.url} still lists {model} after it was let go.")
            time.sleep(min(wait_s, left))
            wait_s = min(wait_s * 2, _LONGEST_POLL_S)

    def resident(self, *, timeout_s: float = 10.0) -> list[Resident]:
        """Return what /api/ps lists."""
        return self._resident(time.monotonic() + timeout_s, None)

    def tags(self, *, timeout_s: float = 10.0) -> list[Tag]:
        """Return the models that the server has, with their digests."""
        with self._asked(time.monotonic() + timeout_s) as client:
            found = client.list().models
        return [
            Tag(full_name(each.model), _digest(each.digest), int(each.size or 0))
            for each in found
            if each.model
        ]

    def version(self, *, timeout_s: float = 10.0) -> str:
        """Return the version that the server says it is."""
        # The client has no method for this path.
        terms = self._terms(time.monotonic() + timeout_s, None, math.inf)
        call = Call(terms)
        with (
            self._faults(call, terms),
            httpx.Client(transport=call, trust_env=False, headers=_HEADERS) as client,
        ):
            answer = client.get(f"{self.url.rstrip('/')}/api/version")
            answer.raise_for_status()
            return one_line(str(answer.json()["version"]), 40)

    def _resident(self, deadline: float, stop: Stop | None) -> list[Resident]:
        with self._asked(deadline, stop=stop) as client:
            found = client.ps().models
        return [
            Resident(
                model=full_name(each.model or each.name or ""),
                digest=_digest(each.digest),
                bytes=int(each.size or 0),
                vram_bytes=int(each.size_vram or 0),
                context=count(each.context_length),
            )
            for each in found
        ]

    def _listed(self, model: str, deadline: float, stop: Stop | None) -> bool:
        wanted = full_name(model)
        return any(each.model == wanted for each in self._resident(deadline, stop))

    def _let_go(self, model: str, *, embeds: bool, deadline: float, stop: Stop | None) -> None:
        try:
            with self._asked(deadline, stop=stop) as client:
                client.generate(model, "", keep_alive=0)
        except ServerSaidError as error:
            # Some versions look at what the model can do before they look at keep_alive.
            if not embeds or error.status != httpx.codes.BAD_REQUEST:
                raise
            with self._asked(deadline, stop=stop) as client:
                client.embed(model, [], keep_alive=0)

    def _terms(self, deadline: float, stop: Stop | None, idle_s: float) -> Terms:
        return Terms(deadline=deadline, connect_s=self._connect_s, idle_s=idle_s, stop=stop)

    def _client(self, call: Call) -> ollama.Client:
        return ollama.Client(
            self.url, transport=call, trust_env=False, follow_redirects=False, headers=_HEADERS
        )

    @contextmanager
    def _asked(
        self, deadline: float, *, label: str = "", stop: Stop | None = None
    ) -> Iterator[ollama.Client]:
        """Give a client for one call whose answer comes whole: nothing comes until it is made."""
        terms = self._terms(deadline, stop, math.inf)
        call = Call(terms, label=label)
        with self._faults(call, terms):
            yield self._client(call)

    def _streamed(
        self,
        call: Call,
        terms: Terms,
        ask: Callable[[ollama.Client], Any],
        read: Callable[[Any], Chunk],
    ) -> Generator[Chunk, None, None]:
        with self._faults(call, terms), closing(ask(self._client(call))) as parts:
            for part in parts:
                chunk = read(part)
                yield chunk
                if chunk.done:
                    return
                terms.remaining()
        raise CutStreamError(f"{self.url} ended its stream without a last line.")

    @contextmanager
    def _faults(self, call: Call, terms: Terms) -> Iterator[None]:
        """Close the call in any case, and say every fault in the contract's words."""
        with typed(self.url, call, terms):
            try:
                yield
            except ollama.ResponseError as error:
                raise said(error.error, error.status_code) from error


_HEADERS: Final = {"Accept-Encoding": "identity"}


def full_name(model: str) -> str:
    """Return the model's name with its tag, as the server lists it."""
    return model if not model or ":" in model.rpartition("/")[2] else f"{model}:latest"


def _body(
    model: str,
    options: Mapping[str, JSON],
    body: Mapping[str, JSON],
    fields: Sequence[str],
) -> bytes:
    """Return the request exactly as it is to be sent.

    The client's own types would drop what they do not know (nested schemas of tools,
    `tool_call_id`), and would take the text of an image for the name of a file to read.
    """
    sampling = body.get("sampling") or {}
    if not isinstance(sampling, Mapping):
        raise RefusedOptionError("`sampling` is no mapping of options.")
    sent = {name: body[name] for name in fields if body.get(name) is not None}
    sent |= {
        "model": model,
        "options": options_of(options, sampling),
        "keep_alive": FOREVER,
        "stream": True,
    }
    return json.dumps(sent, ensure_ascii=False).encode("utf-8", "replace")


def _chat_chunk(part: ollama.ChatResponse) -> Chunk:
    message = part.message
    calls = tuple(storable_json(call.model_dump()) for call in message.tool_calls or ())
    return _chunk(part, message.content, message.thinking, calls)


def _generate_chunk(part: ollama.GenerateResponse) -> Chunk:
    if part.response is None and part.thinking is None and not part.done:
        raise MalformedStreamError("A line of the stream holds neither text nor an end.")
    return _chunk(part, part.response, part.thinking, ())


def _chunk(
    part: ollama.ChatResponse | ollama.GenerateResponse,
    text: str | None,
    thinking: str | None,
    calls: tuple[Mapping[str, JSON], ...],
) -> Chunk:
    return Chunk(
        text=storable(text or ""),
        thinking=storable(thinking or ""),
        tool_calls=calls,
        done=bool(part.done),
        done_reason=one_line(part.done_reason or "", 40),
        tokens_in=count(part.prompt_eval_count),
        tokens_out=count(part.eval_count),
        load_s=_seconds(part.load_duration),
        prompt_s=_seconds(part.prompt_eval_duration),
        eval_s=_seconds(part.eval_duration),
    )


def _seconds(nanoseconds: int | None) -> float:
    return _count_ns(nanoseconds) / 1e9


def _count_ns(value: int | None) -> int:
    return min(max(value or 0, 0), 2**62)


def _digest(digest: str | None) -> str:
    return (digest or "").removeprefix("sha256:")
