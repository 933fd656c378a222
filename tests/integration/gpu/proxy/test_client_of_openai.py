"""OpenAI's own client works unchanged against the proxy."""

import asyncio
import json

import openai
import pydantic
import pytest

from tests.doubles.gpu_worker import answer
from tests.integration.gpu.proxy.parts import WHY, states
from tests.waiting import eventually

LOOK = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
CALL = {"function": {"name": "look", "arguments": {"at": "db1"}}}


class Verdict(pydantic.BaseModel):
    up: bool


def structured(held):
    if held.request.get("format"):
        held.done({"message": {"role": "assistant", "content": '{"up": false}'}})
    elif held.request.get("tools"):
        held.say("", tool_calls=[CALL])
        held.done({"message": {"role": "assistant", "content": "", "tool_calls": [CALL]}})
    else:
        answer(held)


def made(asking, kind=openai.OpenAI, **more):
    key = asking.headers["Authorization"].removeprefix("Bearer ")
    return kind(base_url=f"{asking.address}/v1", api_key=key, **{"max_retries": 0, **more})


@pytest.fixture
def client(lab):
    with made(lab) as client:
        yield client


def test_it_chats(client, answers):
    with answers():
        said = client.chat.completions.create(model="ops", messages=WHY)
        streamed = list(client.chat.completions.create(model="ops", messages=WHY, stream=True))
    assert said.choices[0].message.content == "Ethernet is down."
    assert said.usage.total_tokens == 16
    parts = [chunk.choices[0].delta.content or "" for chunk in streamed]
    assert "".join(parts) == "Ethernet is down."
    assert streamed[-1].choices[0].finish_reason == "stop"


def test_its_counts(client, answers):
    with answers():
        *_, last = client.chat.completions.create(
            model="ops", messages=WHY, stream=True, stream_options={"include_usage": True}
        )
    assert last.usage.completion_tokens == 5
    assert last.choices == []


def test_it_completes(client, answers):
    with answers():
        said = client.completions.create(model="ops", prompt="why?", max_tokens=9)
        streamed = list(client.completions.create(model="ops", prompt="why?", stream=True))
    assert said.choices[0].text == "Ethernet is down."
    assert "".join(chunk.choices[0].text for chunk in streamed) == "Ethernet is down."


def test_it_embeds(client, answers):
    with answers():
        packed = client.embeddings.create(model="embed", input=["a", "b"])
        plain = client.embeddings.create(model="embed", input="a", encoding_format="float")
    assert packed.data[1].embedding == pytest.approx([0.6, 0.8, 1.0])
    assert plain.data[0].embedding == [0.6, 0.8, 0.0]
    assert packed.usage.prompt_tokens == 11


def test_its_structured_outputs(client, answers):
    form = {"type": "json_schema", "json_schema": {"name": "v", "schema": {"type": "object"}}}
    with answers(structured):
        said = client.chat.completions.create(model="ops", messages=WHY, response_format=form)
        parsed = client.chat.completions.parse(model="ops", messages=WHY, response_format=Verdict)
    assert json.loads(said.choices[0].message.content) == {"up": False}
    assert parsed.choices[0].message.parsed == Verdict(up=False)


def test_its_tools(client, answers):
    with answers(structured):
        said = client.chat.completions.create(model="ops", messages=WHY, tools=[LOOK])
        streamed = list(
            client.chat.completions.create(model="ops", messages=WHY, tools=[LOOK], stream=True)
        )
    call = said.choices[0].message.tool_calls[0]
    assert (call.type, call.function.name) == ("function", "look")
    assert json.loads(call.function.arguments) == {"at": "db1"}
    assert said.choices[0].finish_reason == "tool_calls"
    assert streamed[0].choices[0].delta.tool_calls[0].function.name == "look"
    assert streamed[-1].choices[0].finish_reason == "tool_calls"


def test_it_looks_around(client):
    assert [model.id for model in client.models.list()] == ["code", "embed", "ops"]
    assert client.models.retrieve("ops").owned_by == "library"


def test_its_errors(client, lab, pager):
    chat = client.chat.completions
    with pytest.raises(openai.NotFoundError, match="gpt"):
        chat.create(model="gpt", messages=WHY)
    with pytest.raises(openai.BadRequestError, match="n above 1"):
        chat.create(model="ops", messages=WHY, n=2)
    with pytest.raises(openai.BadRequestError) as no:
        chat.create(model="ops", messages=[{"role": "user", "content": "x" * 20_000}])
    assert no.value.code == "context_length_exceeded"
    lab.headers["Authorization"] = "Bearer no"
    with made(lab) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with made(pager) as other, pytest.raises(openai.PermissionDeniedError):
        other.chat.completions.create(model="code", messages=WHY)


def test_a_full_share_is_its_rate_limit(pager):
    with pager.leaving(), pager.leaving(), made(pager) as client:
        eventually(lambda: len(states()) == 2)
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="ops", messages=WHY)


def test_a_failure_within_its_stream(client, answers):
    def half(held):
        held.say("Ether")
        held.fail("inference.cut_stream")

    with answers(half), pytest.raises(openai.APIError, match="cut its answer off"):
        list(client.chat.completions.create(model="ops", messages=WHY, stream=True))


def test_it_does_not_ask_again_what_the_queue_has_tried(lab, answers):
    with (
        answers(lambda held: held.fail("inference.cut_stream")),
        made(lab, max_retries=2) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="ops", messages=WHY)
    assert states() == ["failed"]


def test_it_does_all_that_at_once(lab, answers):
    async def many():
        async with made(lab, openai.AsyncOpenAI) as client:
            chat = client.chat.completions

            async def streamed():
                parts = await chat.create(model="ops", messages=WHY, stream=True)
                return "".join([part.choices[0].delta.content or "" async for part in parts])

            async def whole():
                said = await chat.create(model="ops", messages=WHY)
                return said.choices[0].message.content

            async def vectors():
                return len((await client.embeddings.create(model="embed", input="a")).data)

            return await asyncio.gather(*(streamed(), whole(), vectors()) * 5)

    with answers():
        assert asyncio.run(many()) == ["Ethernet is down.", "Ethernet is down.", 1] * 5
