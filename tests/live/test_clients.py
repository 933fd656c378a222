"""The official clients of Ollama and of OpenAI work unchanged against every server."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import Any

import ollama
import openai
import pytest

from tests.live.cases import SCHEMA
from tests.live.served import Served

pytestmark = pytest.mark.live

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
FEW = {"num_predict": 6, "temperature": 0}


def untagged(names: Iterable[str | None]) -> set[str]:
    """The models listed, as they are asked for: slots of our proxy have no tags."""
    return {str(name).removesuffix(":latest") for name in names}


# ---------------------------------------------------------------- ollama


@pytest.fixture
def client(served: Served) -> Iterator[ollama.Client]:
    with ollama.Client(host=served.url, headers=served.headers, timeout=30) as made:
        yield made


def test_ollama_chats(client: ollama.Client, served: Served) -> None:
    said = client.chat(served.chat, HELLO, options=FEW)

    assert said.message.content
    assert (said.done, said.done_reason, said.eval_count) == (True, "length", 6)


def test_ollama_streams_a_chat(client: ollama.Client, served: Served) -> None:
    parts = list(client.chat(served.chat, HELLO, options=FEW, stream=True))

    assert len(parts) > 1
    assert parts[-1].done
    assert not any(part.done for part in parts[:-1])


def test_ollama_streams_a_prompt(client: ollama.Client, served: Served) -> None:
    parts = list(client.generate(served.chat, "hello", options=FEW, stream=True))

    assert parts[-1].done
    assert "".join(part.response or "" for part in parts)


def test_ollama_gets_what_a_schema_asks_for(client: ollama.Client, served: Served) -> None:
    said = client.chat(served.chat, HELLO, format=SCHEMA, options={"num_predict": 400})

    assert json.loads(said.message.content or "")["pick"] in {"left", "right"}


def test_ollama_embeds(client: ollama.Client, served: Served) -> None:
    found = client.embed(served.embed, ["one", "two", "one"])

    one, two, again = found.embeddings
    assert one == again != two


def test_ollama_embeds_in_the_old_way(client: ollama.Client, served: Served) -> None:
    assert client.embeddings(served.embed, "one").embedding


def test_ollama_lists_and_shows_models(client: ollama.Client, served: Served) -> None:
    assert {served.chat, served.embed} <= untagged(model.model for model in client.list().models)
    assert "completion" in (client.show(served.chat).capabilities or ())
    assert "embedding" in (client.show(served.embed).capabilities or ())


def test_ollama_sees_what_is_loaded(client: ollama.Client, served: Served) -> None:
    client.chat(served.chat, HELLO, options=FEW)

    assert served.chat in untagged(model.model for model in client.ps().models)


def test_ollama_is_told_of_an_unknown_model(client: ollama.Client, served: Served) -> None:
    with pytest.raises(ollama.ResponseError, match="nobody") as caught:
        client.chat("nobody", HELLO)
    assert caught.value.status_code == 404


def test_ollama_streams_without_blocking(served: Served) -> None:
    async def stream() -> list[ollama.ChatResponse]:
        async with ollama.AsyncClient(
            host=served.url, headers=served.headers, timeout=30
        ) as client:
            parts = await client.chat(served.chat, HELLO, options=FEW, stream=True)
            return [part async for part in parts]

    assert asyncio.run(stream())[-1].done


# ---------------------------------------------------------------- openai


@pytest.fixture
def openly(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{served.url}/v1",
        api_key="nobody looks at it",
        default_headers=served.headers,
        max_retries=0,
        timeout=30,
    ) as made:
        yield made


def test_openai_chats(openly: openai.OpenAI, served: Served) -> None:
    said = openly.chat.completions.create(model=served.chat, messages=HELLO, max_tokens=6)

    assert said.choices[0].message.content
    assert said.choices[0].finish_reason == "length"
    assert said.usage.completion_tokens == 6


def test_openai_streams_a_chat(openly: openai.OpenAI, served: Served) -> None:
    events = list(
        openly.chat.completions.create(
            model=served.chat,
            messages=HELLO,
            max_tokens=6,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert [event.choices[0].finish_reason for event in events if event.choices][-1] == "length"
    assert events[-1].usage.completion_tokens == 6


def test_openai_completes(openly: openai.OpenAI, served: Served) -> None:
    said = openly.completions.create(model=served.chat, prompt="hello", max_tokens=6)

    assert said.choices[0].text


def test_openai_embeds(openly: openai.OpenAI, served: Served) -> None:
    found = openly.embeddings.create(model=served.embed, input=["one", "two"])

    assert [each.index for each in found.data] == [0, 1]
    assert len(found.data[0].embedding) == len(found.data[1].embedding) > 1


def test_openai_lists_models(openly: openai.OpenAI, served: Served) -> None:
    assert served.chat in untagged(model.id for model in openly.models.list())


def test_openai_is_told_of_an_unknown_model(openly: openai.OpenAI, served: Served) -> None:
    with pytest.raises(openai.NotFoundError, match="nobody"):
        openly.chat.completions.create(model="nobody", messages=HELLO)
