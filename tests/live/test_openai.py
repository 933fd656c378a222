"""Our adapter of OpenAI's API against real servers that speak it: Ollama does, under `/v1`."""

import json
import time
from contextlib import closing
from typing import Any

import pytest

from adapters.conformance import tried
from adapters.inference import openai
from adapters.inference.conformance import KIT
from adapters.inference.errors import UnknownModelError
from adapters.inference.ollama import Chunk
from gpu.worker.servers import Served as Card
from tests.live.cases import SCHEMA
from tests.live.real import EMBED, QUICK, SLOW, RealOllama
from tests.live.served import Served

pytestmark = pytest.mark.live

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
LONG = 40_000
"""Tokens that no server here says within minutes."""


def within(seconds: float) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def server(bare: Served) -> openai.Server:
    return openai.Server(bare.url)


def chat(server: openai.Server, model: str = QUICK, **body: Any) -> list[Chunk]:
    return list(server.stream_chat(model, {}, {**HELLO, **body}, deadline=within(60)))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_what_it_lists_of_ours_is_resident(server: openai.Server) -> None:
    assert {f"{name}:latest" for name in (QUICK, SLOW, EMBED)} <= set(server.models())
    resident = Card(server, [QUICK, "nobody/has-it"]).resident()
    assert [one.model for one in resident] == [f"{QUICK}:latest"]


def test_a_chat_is_streamed_and_counted(server: openai.Server) -> None:
    *pieces, last = chat(server, sampling={"num_predict": 6, "temperature": 0.0, "seed": 0})
    assert len(pieces) > 1
    assert (last.done, last.done_reason, last.tokens_out) == (True, "length", 6)
    assert last.tokens_in > 0


def test_it_keeps_to_a_schema(server: openai.Server) -> None:
    chunks = chat(server, format=SCHEMA, sampling={"num_predict": 400})
    assert json.loads(text_of(chunks))["pick"] in {"left", "right"}
    assert chunks[-1].done_reason == "stop"


def test_vectors_come_one_for_each_input(server: openai.Server) -> None:
    one, two, again = server.embed(EMBED, ["one", "two", "one"], deadline=within(30)).vectors
    assert one == again != two


def test_a_model_that_it_has_not_is_named(server: openai.Server) -> None:
    with pytest.raises(UnknownModelError, match="nobody") as caught:
        chat(server, "nobody")
    assert caught.value.status == 404


def test_whoever_leaves_has_it_free_for_the_next(server: openai.Server) -> None:
    asked = {**HELLO, "sampling": {"num_predict": LONG}}
    with closing(server.stream_chat(SLOW, {}, asked, deadline=within(60))) as chunks:
        next(chunks)
    assert chat(server, SLOW, sampling={"num_predict": 2})[-1].tokens_out == 2


def test_its_kit_holds(newest: RealOllama) -> None:
    options = {"url": f"{newest.url}/v1", "model": QUICK}
    tries = list(tried(KIT, KIT.bench(openai, "ethops check 00000000", options)))
    assert [(one.title, one.seen) for one in tries if one.verdict != "held"] == []
