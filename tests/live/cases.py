"""Requests, and what every Ollama answers to them: status, media type, shape, words of errors.

`$chat` and `$embed` stand for the names of a model that chats and of one that embeds. Where
versions differ in their words, an error lists them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.live import shapes
from tests.live.shapes import Shape

JSON, LINES, EVENTS, TEXT = (
    "application/json",
    "application/x-ndjson",
    "text/event-stream",
    "text/plain",
)
FEW = {"num_predict": 4, "temperature": 0, "seed": 1}
HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"pick": {"type": "string", "enum": ["left", "right"]}},
    "required": ["pick"],
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "look at it",
            "parameters": {
                "type": "object",
                "properties": {"at": {"type": "string", "description": "what"}},
                "required": ["at"],
            },
        },
    }
]


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what must come back."""

    name: str
    method: str
    path: str
    body: Any = None
    raw: bytes | None = None
    status: int = 200
    media: str = JSON
    shape: type[Shape] | None = None
    """Of the whole answer, or of the last line of a stream."""

    part: type[Shape] | None = None
    """Of each line before the last."""

    words: tuple[str, ...] = ()
    """What the error says: one of these."""

    says: tuple[str, ...] = ()
    """What the body is, where it is no JSON: one of these."""

    of_go: bool = False
    """The words are those of Go's JSON reader: only the real servers must say just these."""


def _get(name: str, path: str, shape: type[Shape]) -> Case:
    return Case(name, "GET", path, shape=shape)


def _ok(name: str, path: str, body: dict[str, Any], shape: type[Shape]) -> Case:
    return Case(name, "POST", path, body, shape=shape)


def _lines(
    name: str, path: str, body: dict[str, Any], part: type[Shape], last: type[Shape]
) -> Case:
    return Case(name, "POST", path, body, media=LINES, shape=last, part=part)


def _events(name: str, path: str, body: dict[str, Any], part: type[Shape]) -> Case:
    return Case(name, "POST", path, body, media=EVENTS, part=part)


def _error(name: str, path: str, body: Any, status: int, *words: str) -> Case:
    shape = shapes.OpenFailed if path.startswith("/v1/") else shapes.Failed
    return Case(name, "POST", path, body, status=status, shape=shape, words=words)


def answers() -> Iterator[Case]:
    """Yield what goes well."""
    yield _get("version", "/api/version", shapes.Version)
    yield _get("tags", "/api/tags", shapes.Tags)
    yield _ok("show-chat", "/api/show", {"model": "$chat"}, shapes.Show)
    yield _ok("show-embed", "/api/show", {"model": "$embed"}, shapes.Show)
    yield from _generated()
    yield from _chatted()
    yield from _embedded()
    yield _get("ps", "/api/ps", shapes.Residents)
    yield from _openai()


def _generated() -> Iterator[Case]:
    path, few = "/api/generate", {"model": "$chat", "prompt": "hello", "options": FEW}
    yield _lines("generate", path, few, shapes.GeneratePart, shapes.Generate)
    yield _ok("generate-whole", path, {**few, "stream": False}, shapes.Generate)
    yield _lines(
        "generate-raw", path, {**few, "raw": True}, shapes.GeneratePart, shapes.GenerateRaw
    )
    yield _ok(
        "generate-schema",
        path,
        {**few, "stream": False, "format": SCHEMA, "options": {**FEW, "num_predict": 400}},
        shapes.Generate,
    )
    yield _ok("generate-think-no", path, {**few, "stream": False, "think": False}, shapes.Generate)
    yield _ok("generate-load", path, {"model": "$chat"}, shapes.GenerateNothing)
    yield _ok("generate-unload", path, {"model": "$chat", "keep_alive": 0}, shapes.GenerateNothing)


def laxities() -> Iterator[Case]:
    """Yield what an Ollama does and our proxy does not: it shares its address, and is stricter."""
    yield Case("root", "GET", "/", media=TEXT, says=("Ollama is running",))
    yield Case("root-head", "HEAD", "/", media=TEXT, says=("",))
    path = "/api/generate"
    body = {"model": "$chat", "prompt": "hello", "stream": False, "strange": 1}
    strange = {**body, "options": {**FEW, "strange": 1}}
    yield _ok("strange-fields", path, strange, shapes.Generate)
    gone = {"model": "$embed", "keep_alive": 0}
    yield _ok("unload-embedder-by-prompt", path, gone, shapes.GenerateNothing)


def _chatted() -> Iterator[Case]:
    path, few = "/api/chat", {"model": "$chat", "messages": HELLO, "options": FEW}
    yield _lines("chat", path, few, shapes.ChatPart, shapes.Chat)
    yield _ok("chat-whole", path, {**few, "stream": False}, shapes.Chat)
    yield _ok("chat-tools", path, {**few, "stream": False, "tools": TOOLS}, shapes.Chat)
    yield _ok("chat-load", path, {"model": "$chat", "messages": []}, shapes.ChatNothing)
    gone = {"model": "$chat", "messages": [], "keep_alive": 0}
    yield _ok("chat-unload", path, gone, shapes.ChatNothing)


def _embedded() -> Iterator[Case]:
    path = "/api/embed"
    yield _ok("embed", path, {"model": "$embed", "input": "one"}, shapes.Embed)
    yield _ok("embed-many", path, {"model": "$embed", "input": ["one", "two"]}, shapes.Embed)
    yield _ok("embed-cut", path, {"model": "$embed", "input": "a " * 4000}, shapes.Embed)
    yield _ok("embed-nothing", path, {"model": "$embed"}, shapes.EmbedNothing)
    yield _ok("embed-empty", path, {"model": "$embed", "input": []}, shapes.EmbedNothing)
    old = {"model": "$embed", "prompt": "one"}
    yield _ok("embeddings", "/api/embeddings", old, shapes.Embedding)
    yield _ok("embeddings-nothing", "/api/embeddings", {"model": "$embed"}, shapes.Embedding)


def _openai() -> Iterator[Case]:
    yield _get("v1-models", "/v1/models", shapes.OpenModels)
    yield _get("v1-model", "/v1/models/$chat", shapes.OpenModel)
    chat = {"model": "$chat", "messages": HELLO, "max_tokens": 4}
    path = "/v1/chat/completions"
    used = {"stream": True, "stream_options": {"include_usage": True}}
    yield _ok("v1-chat", path, chat, shapes.OpenChat)
    yield _events("v1-chat-stream", path, {**chat, "stream": True}, shapes.OpenChatPart)
    yield _events("v1-chat-usage", path, {**chat, **used}, shapes.OpenChatPart)
    text = {"model": "$chat", "prompt": "hello", "max_tokens": 4}
    path = "/v1/completions"
    yield _ok("v1-completion", path, text, shapes.OpenCompletion)
    yield _events("v1-completion-stream", path, {**text, "stream": True}, shapes.OpenCompletion)
    many = {"model": "$embed", "input": ["one", "two"]}
    yield _ok("v1-embeddings", "/v1/embeddings", many, shapes.OpenEmbeddings)


OWN = ("generate", "chat", "embed", "embeddings", "show")
GO_NAMES = {
    "generate": "GenerateRequest",
    "chat": "ChatRequest",
    "embed": "EmbedRequest",
    "embeddings": "EmbeddingRequest",
    "show": "ShowRequest",
}
UNKNOWN = (
    "model 'nobody' not found",
    "model 'nobody:latest' not found",
    'model "nobody" not found, try pulling it first',
)


def refusals() -> Iterator[Case]:
    """Yield what is refused."""
    for door in OWN:
        path = f"/api/{door}"
        yield Case(
            f"{door}-no-body",
            *("POST", path),
            raw=b"",
            status=400,
            shape=shapes.Failed,
            words=("missing request body",),
        )
        yield Case(
            f"{door}-half-a-body",
            *("POST", path),
            raw=b'{"model"',
            status=400,
            shape=shapes.Failed,
            words=("unexpected EOF",),
            of_go=True,
        )
        yield _unread(f"{door}-model-is-a-number", path, {"model": 7}, "number", "model", "string")
        asked = {"model": "nobody", "prompt": "a", "input": "a", "messages": HELLO}
        yield _error(f"{door}-unknown-model", path, asked, 404, *UNKNOWN)
        yield _wrong_method(f"{door}-by-get", path)
    yield Case(
        "no-such-path",
        *("GET", "/api/nothing"),
        status=404,
        media=TEXT,
        says=("404 page not found",),
    )
    yield _error("generate-no-model", "/api/generate", {}, 404, "model '' not found")
    yield _error("chat-no-model", "/api/chat", {}, 400, "model is required")
    yield _error(
        *("embed-no-model", "/api/embed", {}, 404),
        *("model '' not found", 'model "" not found, try pulling it first'),
    )
    yield _error("embeddings-no-model", "/api/embeddings", {}, 400, "model is required")
    yield _error("show-no-model", "/api/show", {}, 400, "model is required")
    yield from _unable()
    yield from _unfit()
    yield from _openai_refusals()


def _unable() -> Iterator[Case]:
    """Yield what the model cannot do."""
    prompt = {"model": "$embed", "prompt": "hello"}
    yield _error(
        "generate-by-embedder", "/api/generate", prompt, 400, '"$embed" does not support generate'
    )
    talk = {"model": "$embed", "messages": HELLO}
    yield _error("chat-by-embedder", "/api/chat", talk, 400, '"$embed" does not support chat')
    long = "registry.ollama.ai/library/$chat:latest"
    prompt = {"model": "$chat", "prompt": "hello"}
    yield _error(
        *("generate-suffix", "/api/generate", {**prompt, "suffix": "x"}, 400),
        f"{long} does not support insert",
    )
    thinking = (f"{long} does not support thinking", '"$chat" does not support thinking')
    yield _error("generate-think", "/api/generate", {**prompt, "think": True}, 400, *thinking)
    talk = {"model": "$chat", "messages": HELLO}
    yield _error("chat-think", "/api/chat", {**talk, "think": True}, 400, *thinking)


def _unfit() -> Iterator[Case]:
    """Yield what the model could do, if it were asked rightly."""
    prompt = {"model": "$chat", "prompt": "hello"}
    path = "/api/generate"
    yield _error(
        *("generate-raw-template", path, {**prompt, "raw": True, "template": "x"}, 400),
        "raw mode does not support template, system, or context",
    )
    yield _error(
        *("generate-hot", path, {**prompt, "options": {"temperature": "hot"}}, 500),
        'option "temperature" must be of type float32',
    )
    yield _error(
        *("generate-keep-text", path, {**prompt, "keep_alive": "-1"}, 400),
        'time: missing unit in duration "-1"',
    )
    asked = {**prompt, "stream": "no"}
    yield _unread("generate-stream-text", path, asked, "string", "stream", "bool")
    asked = {"model": "$chat", "messages": "hello"}
    yield _unread(
        *("chat-messages-text", "/api/chat", asked), *("string", "messages", "[]api.Message")
    )
    for name, given in (("number", 7), ("numbers", [7])):
        yield _error(
            *(f"embed-{name}", "/api/embed", {"model": "$embed", "input": given}, 400),
            "invalid input type",
        )
    yield _error(
        "embed-too-long",
        "/api/embed",
        {"model": "$embed", "input": "a " * 4000, "truncate": False},
        400,
        "input length exceeds maximum context length",
        "the input length exceeds the context length",
    )


def _openai_refusals() -> Iterator[Case]:
    chat, text, embed = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
    unknown = {"model": "nobody", "messages": HELLO, "prompt": "a", "input": "a"}
    for path in (chat, text, embed):
        name = path[1:].replace("/", "-")
        yield _error(f"{name}-unknown-model", path, unknown, 404, *UNKNOWN)
        yield _wrong_method(f"{name}-by-get", path)
    yield Case(
        "v1-models-unknown",
        *("GET", "/v1/models/nobody"),
        status=404,
        shape=shapes.OpenFailed,
        words=UNKNOWN,
    )
    empty = "[] is too short - 'messages'"
    yield _error("v1-chat-empty", chat, {"model": "$chat", "messages": []}, 400, empty)
    yield _error("v1-embeddings-empty", embed, {}, 400, "invalid input")
    given = {"model": "$embed", "input": [1, 2]}
    yield _error("v1-embeddings-numbers", embed, given, 400, "invalid input type")
    able = '"$embed" does not support chat'
    yield _error("v1-chat-by-embedder", chat, {**unknown, "model": "$embed"}, 400, able)


def _unread(name: str, path: str, body: Any, given: str, into: str, kind: str) -> Case:
    where = f"Go struct field {GO_NAMES[path.removeprefix('/api/')]}.{into}"
    words = f"json: cannot unmarshal {given} into {where} of type {kind}"
    return Case(
        *(name, "POST", path, body),
        status=400,
        shape=shapes.Failed,
        words=(words,),
        of_go=True,
    )


def _wrong_method(name: str, path: str) -> Case:
    return Case(name, "GET", path, status=405, media=TEXT, says=("405 method not allowed",))
