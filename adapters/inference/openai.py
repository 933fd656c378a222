"""A server that speaks OpenAI's API (vLLM, llama.cpp, LM Studio, a gateway): waits bounded, faults
typed.

It holds the models that it was started with: which one is in memory is not ours to ask or decide.
As a card of the queue it is one whose models are all resident. Whether it keeps to a schema is its
own matter; an answer is held against it here.
"""

import json
import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx

from adapters.inference.errors import CutStreamError, MalformedStreamError, RefusedOptionError
from adapters.inference.faults import count, said, typed, vectors
from adapters.inference.ollama import Chunk, Embedded, Stop
from adapters.inference.sampling import options_of
from adapters.inference.wire import Call, Terms
from adapters.json_value import JSON
from adapters.text import one_line, storable

SAMPLING: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "stop": "stop",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "num_predict": "max_tokens",
}
"""Our options, and what OpenAI calls them; it has no word for the others."""
END: Final = "[DONE]"


class Server:
    """One server. Deadlines are `time.monotonic()` values; any thread may call.

    Raises, from every method:
        UnreachableError, OverDeadlineError, StoppedError, CutStreamError, MalformedStreamError,
        ServerSaidError, UnknownModelError, BusyError: as their sentences say.
    """

    name = "openai"
    swaps_models = False

    def __init__(
        self, url: str, *, token: str = "", connect_s: float = 3.0, idle_s: float = 120.0
    ) -> None:
        """`url` is what stands before `/v1`."""
        self.url = url.rstrip("/").removesuffix("/v1")
        self._token = token
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

        `options` are a runner's, which this server has had at its start: none is sent.

        Raises:
            RefusedOptionError: `body["sampling"]` holds what is not the request's to set, or what
                this API cannot say.
        """
        del options
        sent = _chat(model, body)
        return self._streamed(sent, Terms(deadline, self._connect_s, self._idle_s, stop), label)

    def embed(
        self,
        model: str,
        inputs: Sequence[str],
        *,
        deadline: float,
        dimensions: int | None = None,
        label: str = "",
        stop: Stop | None = None,
    ) -> Embedded:
        """Return one vector per input, in order; the whole call succeeds or fails."""
        wish: dict[str, JSON] = {
            "model": model,
            "input": list(inputs),
            "encoding_format": "float",
        }
        if dimensions is not None:
            wish["dimensions"] = dimensions
        terms = Terms(deadline, self._connect_s, math.inf, stop)
        with self._asked("POST", "/v1/embeddings", terms, _bytes(wish), label) as answer:
            told = json.loads(answer.read())
            found = sorted(told["data"], key=lambda each: each["index"])
            return Embedded(
                vectors=vectors([each["embedding"] for each in found], len(inputs)),
                tokens_in=_tokens(told.get("usage"), "prompt_tokens"),
                load_s=0.0,
            )

    def models(self, *, timeout_s: float = 10.0) -> list[str]:
        """Return the names of the models that the server has."""
        terms = Terms(time.monotonic() + timeout_s, self._connect_s)
        with self._asked("GET", "/v1/models", terms, None, "") as answer:
            listed = json.loads(answer.read())["data"]
            return [one_line(str(each["id"]), 200) for each in listed]

    def _streamed(self, sent: bytes, terms: Terms, label: str) -> Generator[Chunk, None, None]:
        with self._asked("POST", "/v1/chat/completions", terms, sent, label, lines=True) as answer:
            end = Chunk(done=True)
            for event in _events(answer):
                if event is None:
                    yield end
                    return
                end = _end(event, end)
                piece = _piece(event)
                if piece is not None:
                    yield piece
                terms.remaining()
        raise CutStreamError(f"{self.url} ended its stream without its last line.")

    @contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        terms: Terms,
        sent: bytes | None,
        label: str,
        *,
        lines: bool = False,
    ) -> Iterator[httpx.Response]:
        """Give the answer of one call, refused where it is none of success."""
        call = Call(terms, label=label, body=sent, lines=lines)
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        with (
            typed(self.url, call, terms),
            httpx.Client(transport=call, trust_env=False, headers=headers) as client,
            client.stream(method, f"{self.url}{path}") as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise said(_words(answer.read()), answer.status_code)
            yield answer


def _chat(model: str, body: Mapping[str, JSON]) -> bytes:
    sampling = body.get("sampling") or {}
    if not isinstance(sampling, Mapping):
        raise RefusedOptionError("`sampling` is no mapping of options.")
    asked = options_of({}, sampling)
    if body.get("tools"):
        raise RefusedOptionError("Tools are not asked for here: an answer is text of a schema.")
    unknown = sorted(set(asked) - set(SAMPLING))
    if unknown:
        raise RefusedOptionError(f"OpenAI's API has no word for {', '.join(unknown)}.")
    sent: dict[str, JSON] = {SAMPLING[name]: value for name, value in asked.items()}
    sent |= {
        "model": model,
        "messages": body.get("messages"),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if isinstance(body.get("format"), Mapping):
        schema = {"name": "answer", "schema": body["format"]}
        sent["response_format"] = {"type": "json_schema", "json_schema": schema}
    return _bytes(sent)


def _bytes(sent: Mapping[str, JSON]) -> bytes:
    return json.dumps(sent, ensure_ascii=False).encode("utf-8", "replace")


def _events(answer: httpx.Response) -> Iterator[Any]:
    """Yield the JSON of each server-sent event, None for the end."""
    for line in answer.iter_lines():
        field, _, value = line.partition(":")
        if field != "data":
            if field not in ("", "event", "id", "retry"):
                raise MalformedStreamError(f"No event: {one_line(line, 100)!r}.")
            continue
        yield None if value.strip() == END else json.loads(value)


def _piece(event: Any) -> Chunk | None:
    """Return what an event adds to the answer, None where it adds nothing."""
    delta = event["choices"][0].get("delta") or {} if event["choices"] else {}
    text = delta.get("content") or ""
    thinking = delta.get("reasoning") or delta.get("reasoning_content") or ""
    if not isinstance(text, str) or not isinstance(thinking, str):
        raise MalformedStreamError("A piece of the stream holds what is no text.")
    if not text and not thinking:
        return None
    return Chunk(text=storable(text), thinking=storable(thinking))


def _end(event: Any, known: Chunk) -> Chunk:
    """Return the end as it is known by now: why, and how many tokens."""
    if event.get("error"):
        raise said(_words(json.dumps(event).encode()), httpx.codes.OK)
    choices, usage = event["choices"], event.get("usage")
    reason = choices[0].get("finish_reason") if choices else None
    return Chunk(
        done=True,
        done_reason=one_line(str(reason), 40) if reason else known.done_reason,
        tokens_in=_tokens(usage, "prompt_tokens") or known.tokens_in,
        tokens_out=_tokens(usage, "completion_tokens") or known.tokens_out,
    )


def _tokens(usage: Any, name: str) -> int:
    return count(int(usage.get(name) or 0)) if usage else 0


def _words(raw: bytes) -> str:
    """Return what the server says is wrong, wherever it puts that."""
    try:
        told = json.loads(raw)
        error = told.get("error") or told.get("message") or told.get("detail") or told
        return str(error["message"] if isinstance(error, Mapping) else error)
    except (ValueError, LookupError, AttributeError, RecursionError):
        return raw[:500].decode("utf-8", "replace")
