"""Requests in OpenAI's words, read and put into the queue's, as Ollama's own `/v1` does it."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import Field

from adapters.json_value import JSON
from gpu.proxy.answers_openai import OpenAIChat, OpenAICompletion, OpenAIEmbedding
from gpu.proxy.bodies import Body, read
from gpu.proxy.errors import RefusedError
from gpu.proxy.limits import tokens_of_messages, tokens_of_text
from gpu.proxy.requests_ollama import ROLES, check_images, embedding
from gpu.proxy.wanted import Wanted
from gpu.states import JobKind

EFFORTS: Final[dict[str, bool | str]] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
    "xhigh": "max",
    "ultra": "max",
}
IMAGES: Final = (
    "data:;base64,",
    *(f"data:image/{kind};base64," for kind in ("jpeg", "jpg", "png", "webp")),
)


class StreamOptions(Body):
    """What a stream says besides the text."""

    include_usage: bool | None = None


class Schema(Body):
    """The schema of a structured answer."""

    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(Body):
    """How an answer is to be formed."""

    type: str
    json_schema: Schema | None = None


class Reasoning(Body):
    """How long a model is to think."""

    effort: str | None = None


class Called(Body):
    """A function that a model called; its arguments are JSON within a string."""

    name: str
    arguments: str = "{}"


class ToolCall(Body):
    """One call of a tool within a conversation."""

    id: str | None = None
    function: Called

    def kept(self) -> dict[str, JSON]:
        """Return the call as the queue keeps it.

        Raises:
            RefusedError: 400, the arguments are no JSON object.
        """
        try:
            arguments = json.loads(self.function.arguments or "{}")
        except (ValueError, RecursionError) as error:
            raise RefusedError(400, "invalid tool call arguments") from error
        if not isinstance(arguments, dict):
            raise RefusedError(400, "invalid tool call arguments")
        called: dict[str, JSON] = {"name": self.function.name, "arguments": arguments}
        return {"function": called, **({"id": self.id} if self.id else {})}


class Message(Body):
    """One message of a conversation; its content is text or parts."""

    role: str
    content: str | list[Any] | None = None
    reasoning: str | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class _Asks(Body):
    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None

    def options(self) -> dict[str, JSON]:
        """Return the sampling options in Ollama's names, with OpenAI's defaults."""
        return {
            "temperature": 1.0 if self.temperature is None else self.temperature,
            "top_p": 1.0 if self.top_p is None else self.top_p,
            "seed": self.seed,
            "stop": [self.stop] if isinstance(self.stop, str) else self.stop,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "num_predict": self.max_tokens,
        }

    @property
    def counts(self) -> bool:
        """True where a stream is to end with its counts."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def check(self, *others: tuple[str, bool]) -> None:
        """Refuse what would silently be missing from the answer."""
        for name, asked in (("n above 1", (self.n or 1) != 1), *others):
            if asked:
                raise RefusedError(400, f"{name}: not offered here", kind="not_offered")


class Chat(_Asks):
    """`/v1/chat/completions`."""

    messages: list[Message] = Field(default_factory=list)
    max_completion_tokens: int | None = None
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning: Reasoning | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None

    def format(self) -> JSON:
        """Return the form of the answer in Ollama's words.

        Raises:
            RefusedError: 400, a form that is not known.
        """
        if self.response_format is None or self.response_format.type == "text":
            return None
        if self.response_format.type == "json_object":
            return "json"
        if self.response_format.type == "json_schema" and self.response_format.json_schema:
            return self.response_format.json_schema.schema_
        raise RefusedError(
            400, "response_format: one of text, json_object, json_schema with its schema"
        )

    def think(self) -> JSON:
        """Return how long to think in Ollama's words; None leaves it to the model.

        Raises:
            RefusedError: 400, an effort that is not known.
        """
        effort = self.reasoning.effort if self.reasoning else self.reasoning_effort
        if not effort:
            return None
        if effort not in EFFORTS:
            known = ", ".join(f'"{word}"' for word in EFFORTS)
            raise RefusedError(400, f'invalid reasoning value: "{effort[:40]}" (one of {known})')
        return EFFORTS[effort]


class Completion(_Asks):
    """`/v1/completions`."""

    prompt: str | list[Any] = ""
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None
    logprobs: int | None = None


class Embeddings(Body):
    """`/v1/embeddings`."""

    model: str = ""
    input: str | list[Any] | None = None
    dimensions: Annotated[int, Field(ge=0, le=65536)] | None = None
    encoding_format: str | None = None


def chat(raw: bytes) -> Wanted:
    """Read a request for `/v1/chat/completions`."""
    said = read(raw, Chat)
    said.check(("logprobs", bool(said.logprobs)))
    if not said.messages:
        raise RefusedError(400, "[] is too short - 'messages'")
    messages = list(_messages(said.messages))
    tools = None if said.tool_choice == "none" else said.tools or None
    wanted_format = said.format()
    tokens = tokens_of_messages(messages) + tokens_of_text(str(tools or ""))
    options = said.options()
    if said.max_completion_tokens is not None:
        options["num_predict"] = said.max_completion_tokens
    return Wanted(
        kind=JobKind.CHAT,
        model=said.model,
        shape=OpenAIChat(said.model, usage=said.counts),
        body={"messages": messages, "format": wanted_format, "tools": tools, "think": said.think()},
        options=options,
        streams=bool(said.stream),
        bound=bool(wanted_format or tools),
        tokens=tokens,
        longest=tokens,
    )


def completion(raw: bytes) -> Wanted:
    """Read a request for `/v1/completions`."""
    said = read(raw, Completion)
    said.check(
        ("echo", bool(said.echo)),
        ("best_of above 1", (said.best_of or 1) != 1),
        ("logprobs", said.logprobs is not None),
    )
    one = said.prompt[0] if isinstance(said.prompt, list) and len(said.prompt) == 1 else said.prompt
    if not isinstance(one, str) or not one:
        raise RefusedError(400, "prompt: one text that is not empty", kind="invalid_type")
    tokens = tokens_of_messages([{"content": one + (said.suffix or "")}])
    return Wanted(
        kind=JobKind.GENERATE,
        model=said.model,
        shape=OpenAICompletion(said.model, usage=said.counts),
        body={"prompt": one, "suffix": said.suffix or None},
        options=said.options(),
        streams=bool(said.stream),
        tokens=tokens,
        longest=tokens,
    )


def embeddings(raw: bytes) -> Wanted:
    """Read a request for `/v1/embeddings`."""
    said = read(raw, Embeddings)
    form = (said.encoding_format or "float").lower()
    if form not in ("float", "base64"):
        raise RefusedError(
            400,
            f"Invalid value for 'encoding_format' = {form[:40]}."
            " Supported values: ['float', 'base64'].",
        )
    texts = [said.input] if isinstance(said.input, str) else said.input
    if not texts or not all(isinstance(text, str) for text in texts):
        raise RefusedError(400, "invalid input: a text or a list of texts", kind="invalid_type")
    shape = OpenAIEmbedding(said.model, encoded=form == "base64")
    return embedding(shape, said.model, texts, dimensions=said.dimensions)


def _messages(said: list[Message]) -> Iterable[dict[str, JSON]]:
    names = {call.id: call.function.name for each in said for call in each.tool_calls or ()}
    for each in said:
        role = "system" if each.role == "developer" else each.role.lower()
        if role not in ROLES:
            raise RefusedError(400, f'invalid role: "{each.role[:40]}", must be {", ".join(ROLES)}')
        kept: dict[str, JSON] = {"role": role, **_content(each)}
        if each.reasoning:
            kept["thinking"] = each.reasoning
        if each.tool_calls:
            kept["tool_calls"] = [call.kept() for call in each.tool_calls]
        if role == "tool":
            kept["tool_name"] = each.name or names.get(each.tool_call_id, "")
            if each.tool_call_id:
                kept["tool_call_id"] = each.tool_call_id
        yield kept


def _content(message: Message) -> dict[str, JSON]:
    if isinstance(message.content, str):
        return {"content": message.content}
    if message.content is None:
        if message.tool_calls is None:
            raise RefusedError(400, "invalid message content type: null", kind="invalid_type")
        return {"content": ""}
    texts: list[str] = []
    images: list[str] = []
    for part in message.content:
        kind, value = _part(part)
        (texts if kind == "text" else images).append(value)
    check_images(images)
    return {"content": "\n".join(texts), **({"images": images} if images else {})}


def _part(part: object) -> tuple[str, str]:
    said: dict[str, Any] = part if isinstance(part, dict) else {}
    if said.get("type") == "text" and isinstance(said.get("text"), str):
        return "text", said["text"]
    if said.get("type") == "image_url":
        url = said.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        if isinstance(url, str):
            return "image", _image(url)
    raise RefusedError(400, "invalid message format: parts are text or image_url")


def _image(url: str) -> str:
    if url.startswith(("http://", "https://")):
        raise RefusedError(
            400,
            "image URLs are not currently supported, please use base64 encoded data instead",
        )
    for head in IMAGES:
        if url.startswith(head):
            return url.removeprefix(head)
    raise RefusedError(400, "invalid image input")
