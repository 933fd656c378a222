"""The simulated server's doors: Ollama's API, OpenAI's beside it, and its own for tests."""

import contextlib
import socket
from asyncio import create_task
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gpu.simulated import answering, listing, openai
from gpu.simulated.answering import Answer, Wire, found
from gpu.simulated.embedding import embedded
from gpu.simulated.faults import Fault
from gpu.simulated.forms import BILLION, End, Lines
from gpu.simulated.requests import (
    ChatAsked,
    EmbedAsked,
    EmbeddingsAsked,
    GenerateAsked,
    RefusedError,
    ShowAsked,
    read,
    seconds_of,
)
from gpu.simulated.running import Machine, Spent

LABEL = "x-request-label"
VERSION = "0.32.15"
NOWHERE = {404: "404 page not found", 405: "405 method not allowed"}


def application(machine: Machine) -> ASGIApp:
    """Return the ASGI application of a machine."""
    doors = _Doors(machine)
    routes = [
        Route("/", doors.root),
        Route("/api/version", doors.version),
        Route("/api/tags", doors.tags),
        Route("/api/ps", doors.ps),
        Route("/api/show", doors.show, methods=["POST"]),
        Route("/api/generate", doors.generate, methods=["POST"]),
        Route("/api/chat", doors.chat, methods=["POST"]),
        Route("/api/embed", doors.embed, methods=["POST"]),
        Route("/api/embeddings", doors.embeddings, methods=["POST"]),
        *openai.routes(machine),
        Route("/simulated/state", doors.state),
        Route("/simulated/faults", doors.faults, methods=["GET", "POST", "DELETE"]),
    ]

    @contextlib.asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        scheduler = create_task(machine.scheduler.serve())
        try:
            yield
        finally:
            scheduler.cancel()
            machine.log.close()

    handlers = {RefusedError: _refused, HTTPException: _nowhere}
    return _LocalNames(Starlette(routes=routes, lifespan=running, exception_handlers=handlers))


async def _refused(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RefusedError) else 500
    return JSONResponse({"error": str(error)}, status)


async def _nowhere(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return Response(NOWHERE.get(status), status, {"content-type": "text/plain"})


class _Doors:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def root(self, _request: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    async def version(self, _request: Request) -> Response:
        return JSONResponse({"version": VERSION})

    async def tags(self, _request: Request) -> Response:
        return JSONResponse({"models": listing.tags(self._machine)})

    async def ps(self, _request: Request) -> Response:
        return JSONResponse({"models": listing.resident(self._machine)})

    async def show(self, request: Request) -> Response:
        asked = read(ShowAsked, await request.body())
        name = asked.model or asked.name
        if not name:
            raise RefusedError(400, "model is required")
        model = self._machine.card.find(name)
        if model is None:
            full = name if ":" in name else f"{name}:latest"
            raise RefusedError(404, f"model '{full}' not found")
        return JSONResponse(listing.shown(model))

    async def generate(self, request: Request) -> Answer | Response:
        asked = read(GenerateAsked, await request.body())
        if not asked.prompt and seconds_of(asked.keep_alive) == 0:
            return self._let_go(asked.model, Lines(asked.model, chat=False))
        planned = answering.plan_generate(self._machine, asked, request.headers.get(LABEL, ""))
        form = Lines(asked.model, chat=False, context=not asked.raw)
        return answering.answered(self._machine, planned, form, stream=asked.stream is not False)

    async def chat(self, request: Request) -> Answer | Response:
        asked = read(ChatAsked, await request.body())
        if asked.model and not asked.messages and seconds_of(asked.keep_alive) == 0:
            return self._let_go(asked.model, Lines(asked.model, chat=True))
        planned = answering.plan_chat(self._machine, asked, request.headers.get(LABEL, ""))
        form = Lines(asked.model, chat=True)
        return answering.answered(self._machine, planned, form, stream=asked.stream is not False)

    async def embed(self, request: Request) -> Answer:
        asked = read(EmbedAsked, await request.body())
        inputs = asked.inputs()
        label = request.headers.get(LABEL, "")

        async def run(wire: Wire) -> None:
            spent = Spent()
            vectors = await embedded(self._machine, asked, inputs, label, spent)
            body: dict[str, Any] = {"model": asked.model, "embeddings": vectors}
            if inputs:
                body |= {
                    "total_duration": round(spent.total_s * BILLION),
                    "load_duration": round(spent.load_s * BILLION),
                    "prompt_eval_count": spent.words,
                }
            await wire.json(200, body)

        return Answer(run, Lines(asked.model, chat=False, content_type="application/json"))

    async def embeddings(self, request: Request) -> Answer:
        older = read(EmbeddingsAsked, await request.body())
        if not older.model:
            raise RefusedError(400, "model is required")
        asked = EmbedAsked(**older.model_dump(exclude={"prompt"}))
        inputs = [older.prompt] if older.prompt else []
        label = request.headers.get(LABEL, "")

        async def run(wire: Wire) -> None:
            vectors = await embedded(self._machine, asked, inputs, label, Spent())
            await wire.json(200, {"embedding": vectors[0] if vectors else []})

        return Answer(run, Lines(asked.model, chat=False, content_type="application/json"))

    async def state(self, _request: Request) -> Response:
        return JSONResponse(listing.state(self._machine))

    async def faults(self, request: Request) -> Response:
        standing = self._machine.faults
        if request.method == "DELETE":
            await standing.clear()
        elif request.method == "POST":
            try:
                await standing.set(Fault.model_validate_json(await request.body()))
            except ValidationError as error:
                raise RefusedError(400, str(error)) from error
        return JSONResponse({"faults": [fault.model_dump() for fault in standing.standing]})

    def _let_go(self, name: str, form: Lines) -> Response:
        """Unload; that goes on after the answer, as with the real one."""
        model = found(self._machine, name, f"model '{name}' not found")
        self._machine.scheduler.let_go(model)
        return JSONResponse(form.whole("", "", (), End("unload", Spent())))


class _LocalNames:
    """Answers 403 to a Host that is not a name of this machine, as Ollama on loopback does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not local(dict(scope["headers"]).get(b"host", b"").decode()):
            await Response(status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def local(host: str) -> bool:
    """Tell whether a Host header names this machine or its network."""
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 or "]:" in host else host
    name = name.strip("[]").lower()
    try:
        address = ip_address(name)
    except ValueError:
        inside = (".localhost", ".local", ".internal")
        named = name in {"", "localhost", socket.gethostname().lower()}
        return named or name.endswith(inside)
    return address.is_loopback or address.is_private or address.is_unspecified
