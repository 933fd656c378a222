"""The client that Ollama ships works unchanged against the proxy."""

import asyncio
import json

import ollama
import pytest

from tests.doubles.gpu_worker import answer
from tests.integration.gpu.proxy.parts import WHY

SCHEMA = {"type": "object", "properties": {"up": {"type": "boolean"}}, "required": ["up"]}


def structured(held):
    if held.request.get("format") == SCHEMA:
        held.done({"message": {"role": "assistant", "content": '{"up": false}'}})
    else:
        answer(held)


@pytest.fixture
def client(lab):
    with ollama.Client(host=lab.address, headers=lab.headers) as made:
        yield made


def test_it_chats(client, answers):
    with answers():
        said = client.chat("ops", WHY)
        streamed = list(client.chat("qwen3:8b", WHY, stream=True))
    assert said.message.content == "Ethernet is down."
    assert "".join(part.message.content for part in streamed) == "Ethernet is down."
    assert streamed[-1].done_reason == "stop"
    assert streamed[-1].eval_count == 5


def test_it_generates(client, answers):
    with answers():
        said = client.generate("ops", "why?", options={"temperature": 0, "num_ctx": 4096})
        streamed = list(client.generate("ops", "why?", stream=True, keep_alive=-1))
    assert said.response == "Ethernet is down."
    assert "".join(part.response for part in streamed) == "Ethernet is down."


def test_it_embeds(client, answers):
    with answers():
        assert client.embed("embed", ["a", "b"]).embeddings == [[0.6, 0.8, 0], [0.6, 0.8, 1]]
        assert client.embed("embed", "a", truncate=True).prompt_eval_count == 11
        assert client.embeddings("embed", "a").embedding == [0.6, 0.8, 0]


def test_its_structured_outputs(client, answers):
    with answers(structured):
        said = client.chat("ops", WHY, format=SCHEMA)
    assert json.loads(said.message.content) == {"up": False}


def test_it_looks_around(client):
    assert [model.model for model in client.list().models] == ["code", "embed", "ops"]
    assert client.ps().models == []
    assert client.show("ops").capabilities == ["completion"]


def test_its_errors(client, answers):
    for ask, status in (
        (lambda: client.chat("gpt", WHY), 404),
        (lambda: list(client.chat("gpt", WHY, stream=True)), 404),
        (lambda: client.chat("ops", WHY, options={"num_ctx": 5}), 400),
        (lambda: client.pull("x"), 403),
        (lambda: client.delete("x"), 403),
    ):
        with pytest.raises(ollama.ResponseError) as no:
            ask()
        assert no.value.status_code == status
    with answers(lambda held: held.fail("inference.cut_stream")):
        with pytest.raises(ollama.ResponseError) as no:
            client.chat("ops", WHY)
        assert no.value.status_code == 502


def test_a_failure_within_its_stream(client, answers):
    def half(held):
        held.say("Ether")
        held.fail("inference.cut_stream")

    parts: list[str] = []
    with answers(half), pytest.raises(ollama.ResponseError, match="cut its answer off"):
        parts.extend(part.message.content for part in client.chat("ops", WHY, stream=True))


def test_a_wrong_key(lab):
    with (
        ollama.Client(host=lab.address, headers={"Authorization": "Bearer no"}) as client,
        pytest.raises(ollama.ResponseError) as no,
    ):
        client.list()
    assert no.value.status_code == 401


def test_it_does_all_that_at_once(lab, answers):
    async def many():
        async with ollama.AsyncClient(host=lab.address, headers=lab.headers) as client:

            async def streamed():
                parts = await client.chat("ops", WHY, stream=True)
                return "".join([part.message.content async for part in parts])

            async def whole():
                return (await client.chat("ops", WHY)).message.content

            async def vectors():
                return len((await client.embed("embed", ["a"] * 3)).embeddings)

            return await asyncio.gather(*(streamed(), whole(), vectors()) * 5)

    with answers():
        assert asyncio.run(many()) == ["Ethernet is down.", "Ethernet is down.", 3] * 5
