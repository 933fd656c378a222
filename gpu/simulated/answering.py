"""From a request to a run: what is asked, what the model will say, and how it goes out."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from gpu.simulated.card import SimulatedModel
from gpu.simulated.events import labels_of
from gpu.simulated.forms import End, Form
from gpu.simulated.replies import (
    Reply,
    Text,
    Words,
    formatted,
    instance,
    length_of,
    said_before,
    seeded,
)
from gpu.simulated.requests import (
    Asked,
    ChatAsked,
    GenerateAsked,
    RefusedError,
    Streamed,
    options_of,
    seconds_of,
    words_in,
)
from gpu.simulated.running import CutError, Machine, SaidError, Spent, Work


@dataclass(frozen=True, slots=True)
class Planned:
    """A run and what it will say; `loads` asks for no words at all."""

    work: Work
    reply: Reply
    reason: str
    calls: Sequence[Mapping[str, Any]] = ()
    loads: bool = False


class Answer:
    """An ASGI answer that ends its run as soon as the client has gone."""

    def __init__(self, run: Callable[["Wire"], Awaitable[None]], form: Form) -> None:
        self._run = run
        self._form = form

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Run until done, or until nobody listens any more."""
        wire = Wire(send, self._form)
        run = asyncio.ensure_future(self._guarded(wire))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({run, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not run.done():
                run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run

    async def _guarded(self, wire: "Wire") -> None:
        try:
            await self._run(wire)
        except RefusedError as error:
            await wire.json(error.status, self._form.error(error.status, str(error)))
        except SaidError as error:
            await wire.said(str(error))
        except CutError:
            # To return with the answer unfinished makes the server drop the connection.
            await wire.begin()


class Wire:
    """Where an answer goes; its head is sent with its first piece."""

    def __init__(self, send: Send, form: Form) -> None:
        self._send = send
        self._form = form
        self._begun = False

    async def piece(self, text: str, *, thinking: bool) -> None:
        """Send tokens."""
        await self.raw(self._form.piece(text, thinking=thinking))

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.begin()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes) -> None:
        """Send the last bytes."""
        await self.begin()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def said(self, message: str) -> None:
        """Send an error: as a status while there is no head yet, else as a line."""
        if self._begun:
            await self.end(self._form.error_line(message))
        else:
            await self.json(500, self._form.error(500, message))

    async def json(self, status: int, body: Mapping[str, Any]) -> None:
        """Send a whole answer."""
        if not self._begun:
            await self._head(status, "application/json; charset=utf-8")
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def begin(self) -> None:
        """Send the head if it has not been sent."""
        if not self._begun:
            await self._head(200, self._form.content_type)

    async def _head(self, status: int, content_type: str) -> None:
        self._begun = True
        headers = [(b"content-type", content_type.encode())]
        start: MutableMapping[str, Any] = {"type": "http.response.start", "status": status}
        await self._send({**start, "headers": headers})


class _Kept:
    """Keeps what is said, for an answer that goes out whole."""

    def __init__(self, wire: Wire) -> None:
        self.text = ""
        self.thinking = ""
        self._wire = wire

    async def piece(self, text: str, *, thinking: bool) -> None:
        if thinking:
            self.thinking += text
        else:
            self.text += text

    async def raw(self, data: bytes) -> None:
        await self._wire.raw(data)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answered(machine: Machine, planned: Planned, form: Form, *, stream: bool) -> Answer:
    """Return the answer to a generate or a chat."""

    async def run(wire: Wire) -> None:
        spent = Spent()
        end = End(planned.reason, spent)
        if planned.loads:
            await machine.load(planned.work, spent)
            await wire.json(200, form.whole("", "", (), end))
        elif stream:
            await machine.generate(planned.work, planned.reply, wire, spent)
            await wire.end(form.last(planned.calls, end))
        else:
            kept = _Kept(wire)
            await machine.generate(planned.work, planned.reply, kept, spent)
            await wire.json(200, form.whole(kept.text, kept.thinking, planned.calls, end))

    return Answer(run, form)


# ---------------------------------------------------------------- what the model will say


def plan_generate(machine: Machine, asked: GenerateAsked, label: str) -> Planned:
    """Return the run of a generate."""
    model = found(machine, asked.model, f"model '{asked.model}' not found")
    if asked.raw and (asked.template or asked.system or asked.context):
        raise RefusedError(400, "raw mode does not support template, system, or context")
    _capable(model, asked, "generate")
    if asked.suffix:
        raise RefusedError(400, f"{model.long_name} does not support insert")
    prompt = f"{asked.system}\n{asked.prompt}" if asked.system else asked.prompt
    begun = said_before(asked.prompt) if asked.raw else ""
    before = prompt.removesuffix(begun)
    return _planned(machine, model, asked, label, before, begun, loads=not asked.prompt)


def plan_chat(machine: Machine, asked: ChatAsked, label: str) -> Planned:
    """Return the run of a chat; a last message of the assistant is continued."""
    if not asked.model:
        raise RefusedError(400, "model is required")
    model = found(machine, asked.model, f"model '{asked.model}' not found")
    _capable(model, asked, "chat")
    messages = list(asked.messages or ())
    begun = messages[-1].content if messages and messages[-1].role == "assistant" else ""
    before = messages[:-1] if begun else messages
    prompt = "\n".join(message.content for message in before)
    planned = _planned(machine, model, asked, label, prompt, begun, loads=not messages)
    calls = _calls(asked, prompt)
    return Planned(planned.work, Text("", planned.reply.first), "stop", calls) if calls else planned


def found(machine: Machine, name: str, otherwise: str) -> SimulatedModel:
    """Return the model of a request, or refuse it with 404."""
    model = machine.card.find(name)
    if model is None:
        raise RefusedError(404, otherwise)
    return model


def work_of(model: SimulatedModel, asked: Asked, label: str, words: int, done: int = 0) -> Work:
    """Return what a request asks of the card."""
    return Work(
        model=model,
        options=options_of(asked),
        keep_alive=seconds_of(asked.keep_alive),
        jobs=labels_of(label),
        words=words,
        done=done,
    )


def _capable(model: SimulatedModel, asked: Streamed, verb: str) -> None:
    if "completion" not in model.capabilities:
        raise RefusedError(400, f'"{asked.model}" does not support {verb}')
    if asked.think and "thinking" not in model.capabilities:
        raise RefusedError(400, f'"{asked.model}" does not support thinking')


def _planned(
    machine: Machine,
    model: SimulatedModel,
    asked: Streamed,
    label: str,
    prompt: str,
    begun: str,
    *,
    loads: bool,
) -> Planned:
    done = words_in(begun)
    work = work_of(model, asked, label, words_in(prompt) + done, done)
    if loads:
        return Planned(work, Text(""), "load", loads=True)
    thinks = 0 if asked.think is False else model.thinks
    wanted = _bound(asked)
    if asked.format:
        text = formatted(asked.format, prompt, machine.engine)
        whole = Text(text, thinks)
        if wanted is None or whole.tokens <= wanted:
            return Planned(work, whole, "stop")
        return Planned(work, Text(whole.text(0, wanted)), "length")
    if wanted is None:
        length = length_of(machine.card.seed, model.full_name, prompt)
    else:
        length = machine.target(work.jobs, wanted, done)
    reply = Words(max(length - done, 0), done, min(thinks, max(length - done, 0)))
    return Planned(work, reply, "stop" if wanted is None else "length")


def _bound(asked: Streamed) -> int | None:
    said = (asked.options or {}).get("num_predict")
    return said if isinstance(said, int) and said > 0 else None


def _calls(asked: ChatAsked, prompt: str) -> list[dict[str, Any]]:
    """Return a call of the tool that the prompt names, with the smallest arguments it takes."""
    for tool in asked.tools or ():
        function = tool.get("function") or {}
        name = str(function.get("name") or "")
        last = (asked.messages or [])[-1:]
        if name and name in prompt and last and last[0].role == "user":
            arguments = instance(function.get("parameters") or {"type": "object"})
            called = {"index": 0, "name": name, "arguments": arguments or {}}
            return [{"id": f"call_{seeded(0, name) % 10**8:08d}", "function": called}]
    return []
