"""Requests in Ollama's words, read and put into the queue's."""

import binascii
from base64 import b64decode
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from adapters.json_value import JSON
from gpu.proxy.answers_ollama import (
    OllamaChat,
    OllamaEmbed,
    OllamaEmbedding,
    OllamaGenerate,
    nothing,
)
from gpu.proxy.bodies import Body, read
from gpu.proxy.errors import RefusedError
from gpu.proxy.limits import MOST_INPUTS, tokens_of_messages, tokens_of_text
from gpu.proxy.shapes import Shape
from gpu.proxy.wanted import Wanted
from gpu.states import JobKind

ROLES: Final = ("system", "user", "assistant", "tool")
LEVELS: Final = ("low", "medium", "high", "max")

Think = bool | Literal["low", "medium", "high", "max"] | None
Format = dict[str, Any] | Literal["", "json"] | None


class Called(Body):
    """A function that a model called."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolCall(Body):
    """One call of a tool within a conversation."""

    id: str | None = None
    function: Called


class Spoken(Body):
    """One message of a conversation."""

    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None

    def kept(self) -> dict[str, JSON]:
        """Return the message as the queue keeps it.

        Raises:
            RefusedError: 400, a role or an image that is none.
        """
        role = self.role.lower()
        if role not in ROLES:
            known = ", ".join(ROLES[:-1])
            raise RefusedError(
                400, f'invalid role: "{self.role[:40]}", must be one of {known}, or {ROLES[-1]}'
            )
        check_images(self.images)
        said = self.model_dump(exclude_none=True, exclude={"role", "content"})
        return {"role": role, "content": self.content or "", **said}


class _Asks(Body):
    model: str = ""
    stream: bool | None = None
    format: Format = None
    options: dict[str, Any] | None = None
    think: Think = None
    keep_alive: float | int | str | None = None
    truncate: bool | None = None
    shift: bool | None = None
    logprobs: bool | None = None

    @property
    def unloads(self) -> bool:
        """True where Ollama would put the model out."""
        return self.keep_alive in (0, "0", "0s", "0m", "0h")

    @property
    def streams(self) -> bool:
        """True unless the client said otherwise."""
        return self.stream is not False

    def check(self) -> None:
        """Refuse what an answer would lack without a word, or what the slot fixes."""
        if self.logprobs:
            raise RefusedError(400, "logprobs are not offered here", kind="not_offered")
        if self.shift is False:
            raise RefusedError(400, "shift is the slot's to set: leave it out", kind="not_offered")


class Chat(_Asks):
    """`/api/chat`."""

    messages: list[Spoken] = Field(default_factory=list)
    tools: list[dict[str, Any]] | None = None


class Generate(_Asks):
    """`/api/generate`."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    raw: bool | None = None
    images: list[str] | None = None
    context: list[int] | None = None


class Embed(Body):
    """`/api/embed`."""

    model: str = ""
    input: str | list[Any] | None = None
    truncate: bool | None = None
    dimensions: Annotated[int, Field(ge=0, le=65536)] | None = None
    options: dict[str, Any] | None = None
    keep_alive: float | int | str | None = None


class Embeddings(Body):
    """`/api/embeddings`."""

    model: str = ""
    prompt: str | None = None
    options: dict[str, Any] | None = None
    keep_alive: float | int | str | None = None


def chat(raw: bytes) -> Wanted:
    """Read a request for `/api/chat`."""
    said = read(raw, Chat)
    said.check()
    shape = OllamaChat(said.model)
    if not said.messages:
        reason = "unload" if said.unloads else "load"
        return Wanted(JobKind.CHAT, said.model, shape, at_once=nothing(shape, reason))
    messages = [message.kept() for message in said.messages]
    tokens = tokens_of_messages(messages) + tokens_of_text(str(said.tools or ""))
    return Wanted(
        kind=JobKind.CHAT,
        model=said.model,
        shape=shape,
        body={
            "messages": messages,
            "format": said.format or None,
            "tools": said.tools or None,
            "think": said.think,
            "truncate": said.truncate,
        },
        options=said.options or {},
        streams=said.streams,
        bound=bool(said.format or said.tools),
        tokens=tokens,
        longest=tokens,
    )


def generate(raw: bytes) -> Wanted:
    """Read a request for `/api/generate`."""
    said = read(raw, Generate)
    said.check()
    shape = OllamaGenerate(said.model)
    if said.context:
        raise RefusedError(
            400, "context is not kept here: send the conversation to /api/chat", kind="not_offered"
        )
    if said.raw and (said.template or said.system):
        raise RefusedError(400, "raw mode does not support template, system, or context")
    check_images(said.images)
    texts = [said.prompt or "", said.system or "", said.suffix or "", said.template or ""]
    if not said.prompt and not said.images:
        reason = "unload" if said.unloads else "load"
        return Wanted(JobKind.GENERATE, said.model, shape, at_once=nothing(shape, reason))
    tokens = tokens_of_messages([{"content": "".join(texts), "images": said.images}])
    given = ("system", "suffix", "template", "raw", "images", "format", "think", "truncate")
    return Wanted(
        kind=JobKind.GENERATE,
        model=said.model,
        shape=shape,
        body={"prompt": said.prompt or "", **{n: getattr(said, n) or None for n in given}}
        | {"think": said.think, "truncate": said.truncate},
        options=said.options or {},
        streams=said.streams,
        bound=bool(said.format),
        tokens=tokens,
        longest=tokens,
    )


def embed(raw: bytes) -> Wanted:
    """Read a request for `/api/embed`."""
    said = read(raw, Embed)
    texts = [said.input] if isinstance(said.input, str) else said.input or []
    if not all(isinstance(text, str) for text in texts):
        raise RefusedError(400, "invalid input type", kind="invalid_type")
    shape = OllamaEmbed(said.model)
    if texts in ([], [""]):
        empty: dict[str, JSON] = {"model": said.model, "embeddings": []}
        return Wanted(JobKind.EMBED, said.model, shape, at_once=empty)
    return embedding(
        shape,
        said.model,
        texts,
        truncate=said.truncate,
        dimensions=said.dimensions,
        options=said.options,
    )


def embeddings(raw: bytes) -> Wanted:
    """Read a request for `/api/embeddings`."""
    said = read(raw, Embeddings)
    shape = OllamaEmbedding(said.model)
    if not said.prompt:
        return Wanted(JobKind.EMBED, said.model, shape, at_once={"embedding": []})
    return embedding(shape, said.model, [said.prompt], options=said.options)


def embedding(
    shape: Shape,
    model: str,
    texts: list[str],
    *,
    truncate: bool | None = None,
    dimensions: int | None = None,
    options: dict[str, Any] | None = None,
) -> Wanted:
    """Return the request for vectors of some texts; only where nothing is cut must they fit.

    Raises:
        RefusedError: 400, too many texts at once.
    """
    if len(texts) > MOST_INPUTS:
        raise RefusedError(
            400, f"{len(texts)} inputs: at most {MOST_INPUTS} in one request", kind="too_many"
        )
    counts = [tokens_of_text(text) for text in texts]
    return Wanted(
        kind=JobKind.EMBED,
        model=model,
        shape=shape,
        body={"input": texts, "truncate": truncate, "dimensions": dimensions or None},
        options=options or {},
        tokens=sum(counts),
        longest=max(counts) if truncate is False else 0,
    )


def check_images(images: list[str] | None) -> None:
    """Refuse images that are no base64.

    Raises:
        RefusedError: 400.
    """
    for image in images or ():
        try:
            b64decode(image, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RefusedError(400, f"illegal base64 data in an image: {error}") from error
