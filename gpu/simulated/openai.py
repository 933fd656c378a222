"""OpenAI's doors of the simulated server: the few that clients use."""

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gpu.simulated import answering
from gpu.simulated.answering import Answer, Wire
from gpu.simulated.embedding import embedded
from gpu.simulated.forms import Events
from gpu.simulated.requests import (
    ChatAsked,
    EmbedAsked,
    GenerateAsked,
    MessageAsked,
    RefusedError,
    read,
)
from gpu.simulated.running import Machine, Spent

CREATED = 1_767_225_600
SAMPLING = ("temperature", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty")


class _Completion(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str = ""
    stream: bool = False
    stream_options: Mapping[str, Any] | None = None
    max_tokens: int | None = None

    def options(self) -> dict[str, Any]:
        extra = self.model_extra or {}
        said = {name: extra[name] for name in SAMPLING if extra.get(name) is not None}
        if isinstance(said.get("stop"), str):
            said["stop"] = [said["stop"]]
        return said if self.max_tokens is None else {**said, "num_predict": self.max_tokens}

    def form(self, *, chat: bool) -> Events:
        usage = bool((self.stream_options or {}).get("include_usage"))
        return Events(self.model, chat=chat, usage=usage)


class _Chat(_Completion):
    messages: Sequence[Mapping[str, Any]] = ()
    tools: Sequence[Mapping[str, Any]] | None = None
    response_format: Mapping[str, Any] | None = None


class _Prompted(_Completion):
    prompt: str = ""


class _Embedding(BaseModel):
    model: str = ""
    input: Any = None
    dimensions: int | None = None
    encoding_format: str = "float"


def routes(machine: Machine) -> list[Route]:
    """Return the routes below /v1."""
    doors = _Doors(machine)
    return [
        Route("/v1/chat/completions", doors.chat, methods=["POST"]),
        Route("/v1/completions", doors.completions, methods=["POST"]),
        Route("/v1/embeddings", doors.embeddings, methods=["POST"]),
        Route("/v1/models", doors.models),
        Route("/v1/models/{model:path}", doors.model),
    ]


class _Doors:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def chat(self, request: Request) -> Answer | Response:
        form = Events("", chat=True)
        try:
            asked = read(_Chat, await request.body())
            form = asked.form(chat=True)
            if not asked.messages:
                raise RefusedError(400, "[] is too short - 'messages'")
            chat = ChatAsked(
                model=asked.model,
                messages=[_message(message) for message in asked.messages],
                tools=asked.tools,
                format=_format(asked.response_format),
                options=asked.options(),
            )
            planned = answering.plan_chat(self._machine, chat, _label(request))
        except RefusedError as error:
            return JSONResponse(form.error(error.status, str(error)), error.status)
        return answering.answered(self._machine, planned, form, stream=asked.stream)

    async def completions(self, request: Request) -> Answer | Response:
        form = Events("", chat=False)
        try:
            asked = read(_Prompted, await request.body())
            form = asked.form(chat=False)
            generate = GenerateAsked(
                model=asked.model, prompt=asked.prompt, options=asked.options()
            )
            planned = answering.plan_generate(self._machine, generate, _label(request))
        except RefusedError as error:
            return JSONResponse(form.error(error.status, str(error)), error.status)
        return answering.answered(self._machine, planned, form, stream=asked.stream)

    async def embeddings(self, request: Request) -> Answer | Response:
        form = Events("", chat=False)
        try:
            asked = read(_Embedding, await request.body())
            if asked.input is None or asked.input == []:
                raise RefusedError(400, "invalid input")
            wanted = EmbedAsked(model=asked.model, input=asked.input, dimensions=asked.dimensions)
            inputs = wanted.inputs()
        except RefusedError as error:
            return JSONResponse(form.error(error.status, str(error)), error.status)

        async def run(wire: Wire) -> None:
            spent = Spent()
            vectors = await embedded(self._machine, wanted, inputs, _label(request), spent)
            packed = _packed if asked.encoding_format == "base64" else list
            data = [
                {"object": "embedding", "embedding": packed(each), "index": index}
                for index, each in enumerate(vectors)
            ]
            usage = {"prompt_tokens": spent.words, "total_tokens": spent.words}
            whole = {"object": "list", "data": data, "model": asked.model, "usage": usage}
            await wire.json(200, whole)

        return Answer(run, form)

    async def models(self, _request: Request) -> Response:
        data = [_listed(model.full_name) for model in self._machine.card.models]
        return JSONResponse({"object": "list", "data": data})

    async def model(self, request: Request) -> Response:
        name = str(request.path_params["model"])
        if self._machine.card.find(name) is None:
            error = Events("", chat=True).error(404, f"model '{name}' not found")
            return JSONResponse(error, 404)
        return JSONResponse(_listed(name))


def _label(request: Request) -> str:
    return request.headers.get("x-request-label", "")


def _listed(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "library"}


def _message(message: Mapping[str, Any]) -> MessageAsked:
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "\n".join(str(part.get("text", "")) for part in content)
    return MessageAsked(role=str(message.get("role", "")), content=content)


def _format(asked: Mapping[str, Any] | None) -> Mapping[str, Any] | str | None:
    match asked:
        case {"type": "json_object"}:
            return "json"
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            return schema
        case _:
            return None


def _packed(numbers: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
