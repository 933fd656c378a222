"""The addresses of the proxy: Ollama's API and OpenAI's, at the root of the web process."""

from collections.abc import Awaitable, Callable
from typing import Final

from django.db import Error
from pydantic import Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gpu.proxy import bodies, listing, requests_ollama, requests_openai, slots
from gpu.proxy.asking import Ask, identified
from gpu.proxy.bodies import Body
from gpu.proxy.dialects import OPENAI_PREFIX, dialect_of, refusal
from gpu.proxy.errors import GoneError, RefusedError
from gpu.proxy.hub import hub

MANAGEMENT: Final = {
    "/api/pull": ["POST"],
    "/api/create": ["POST"],
    "/api/push": ["POST"],
    "/api/copy": ["POST"],
    "/api/delete": ["DELETE"],
    "/api/blobs/{digest}": ["POST", "HEAD"],
}
BLOBS: Final = "/api/blobs/"


class Shown(Body):
    """`/api/show`; older clients say `name`."""

    model: str = ""
    name: str = Field(default="")


async def tags(request: Request) -> Response:
    """List the slots of a key, as models."""
    client, known = await identified(hub(), request.scope)
    return JSONResponse(listing.tags(client, known))


async def processes(request: Request) -> Response:
    """List what is loaded."""
    shared = hub()
    client, known = await identified(shared, request.scope)
    return JSONResponse(listing.processes(client, known, await shared.thread(listing.cards)))


async def show(request: Request) -> Response:
    """Show one slot."""
    client, known = await identified(hub(), request.scope)
    said = bodies.read(await bodies.take(request.scope, request.receive), Shown)
    return JSONResponse(listing.show(slots.looked_up(said.model or said.name, client, known)[0]))


async def version(request: Request) -> Response:
    """Say which of Ollama's APIs this is."""
    await identified(hub(), request.scope)
    return JSONResponse({"version": listing.API_VERSION})


async def models(request: Request) -> Response:
    """List the slots of a key in OpenAI's form."""
    client, known = await identified(hub(), request.scope)
    return JSONResponse(listing.models(client, known))


async def model(request: Request) -> Response:
    """Show one slot in OpenAI's form."""
    client, known = await identified(hub(), request.scope)
    name = request.path_params["model"]
    slots.looked_up(name, client, known)
    return JSONResponse(listing.model(name))


async def management(request: Request) -> Response:
    """Refuse what would change the models of the card."""
    await identified(hub(), request.scope)
    raise RefusedError(
        403,
        f"{request.url.path} is not open here: this card's models are declared by its operators",
        kind="management",
    )


async def refused(request: Request, fault: Exception) -> Response:
    """Say no in the language of the address."""
    no = fault if isinstance(fault, RefusedError) else _translated(fault)
    return refusal(dialect_of(request.url.path), no)


def answers(path: str) -> bool:
    """Tell whether a path is the proxy's; all others are Django's."""
    return path in _PATHS or path.startswith((OPENAI_PREFIX, BLOBS))


def _translated(fault: Exception) -> RefusedError:
    if isinstance(fault, HTTPException):
        said = {404: "there is no such address here", 405: "wrong method for this address"}
        message = said.get(fault.status_code, fault.detail)
        kind = "no_such_address" if fault.status_code == 404 else "wrong_method"
        return RefusedError(fault.status_code, message, kind=kind, headers=fault.headers)
    if isinstance(fault, GoneError):
        return RefusedError(499, "request canceled", kind="gone")
    if not isinstance(fault, Error):
        return RefusedError(500, "a fault of ours: its traceback is in the log", kind="fault")
    after = {"Retry-After": "5"}
    return RefusedError(503, "the queue's database does not answer", kind="away", headers=after)


Endpoint = Callable[[Request], Awaitable[Response]]

_ASKS: Final = {
    "/api/chat": requests_ollama.chat,
    "/api/generate": requests_ollama.generate,
    "/api/embed": requests_ollama.embed,
    "/api/embeddings": requests_ollama.embeddings,
    "/v1/chat/completions": requests_openai.chat,
    "/v1/completions": requests_openai.completion,
    "/v1/embeddings": requests_openai.embeddings,
}
_LISTS: Final[dict[str, tuple[str, Endpoint]]] = {
    "/api/tags": ("GET", tags),
    "/api/ps": ("GET", processes),
    "/api/version": ("GET", version),
    "/api/show": ("POST", show),
    "/v1/models": ("GET", models),
    "/v1/models/{model:path}": ("GET", model),
}
_PATHS: Final = frozenset({*_ASKS, *_LISTS, *MANAGEMENT})

routes: Final = [
    *(Route(path, Ask(reads), methods=["POST"]) for path, reads in _ASKS.items()),
    *(Route(path, endpoint, methods=[how]) for path, (how, endpoint) in _LISTS.items()),
    *(Route(path, management, methods=how) for path, how in MANAGEMENT.items()),
]

application = Starlette(
    routes=routes,
    exception_handlers={
        RefusedError: refused,
        HTTPException: refused,
        GoneError: refused,
        Error: refused,
        Exception: refused,
    },
)
