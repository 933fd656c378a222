"""OpenAI's requests in the queue's words, as Ollama's own `/v1` understands them."""

import json

import pytest

from gpu.proxy import requests_openai as read
from gpu.proxy.errors import RefusedError

WHY = [{"role": "user", "content": "why?"}]
PIXEL = "aGVsbG8="
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"at": "db1"}'},
}
BROKEN_CALL = {"function": {"name": "look", "arguments": "["}}


def of(reads, **body):
    return reads(json.dumps(body).encode())


def refused(reads, **body):
    with pytest.raises(RefusedError) as no:
        of(reads, **body)
    assert no.value.status == 400
    return no.value.message


def test_options_have_ollamas_names_and_openais_defaults():
    plain = of(read.chat, model="ops", messages=WHY).options
    assert {n: v for n, v in plain.items() if v is not None} == {"temperature": 1.0, "top_p": 1.0}
    said = of(
        read.chat, model="ops", messages=WHY, temperature=0, top_p=0.5, seed=7, stop="x",
        max_tokens=9, max_completion_tokens=8, frequency_penalty=0.1, presence_penalty=0.2,
    ).options  # fmt: skip
    assert said == {
        "temperature": 0,
        "top_p": 0.5,
        "seed": 7,
        "stop": ["x"],
        "num_predict": 8,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
    }


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": {"x": 1}}}, {"x": 1}),
    ],
)
def test_the_form_of_the_answer(said, meant):
    wanted = of(read.chat, model="ops", messages=WHY, response_format=said)
    assert wanted.body["format"] == meant
    assert wanted.bound is bool(meant)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning": {"effort": "xhigh"}}, "max"),
    ],
)
def test_how_long_to_think(said, meant):
    assert of(read.chat, model="ops", messages=WHY, **said).body["think"] == meant


def test_calls_of_tools_and_their_answers():
    messages = [
        {"role": "developer", "content": "be brief"},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning": "hm"},
        {"role": "tool", "content": "up", "tool_call_id": "call_1"},
    ]
    kept = of(read.chat, model="ops", messages=messages).body["messages"]
    called = {"id": "call_1", "function": {"name": "look", "arguments": {"at": "db1"}}}
    assert kept == [
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [called]},
        {"role": "tool", "content": "up", "tool_name": "look", "tool_call_id": "call_1"},
    ]


def test_content_in_parts():
    parts = [
        {"type": "text", "text": "what is"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "text", "text": "this?"},
    ]
    messages = [{"role": "user", "content": parts}]
    kept = of(read.chat, model="ops", messages=messages).body["messages"]
    assert kept == [{"role": "user", "content": "what is\nthis?", "images": [PIXEL]}]


def test_tools_may_be_forbidden():
    tools = [{"type": "function", "function": {"name": "look"}}]
    assert of(read.chat, model="o", messages=WHY, tools=tools).body["tools"] == tools
    never = of(read.chat, model="o", messages=WHY, tools=tools, tool_choice="none")
    assert never.body["tools"] is None
    assert not never.bound


@pytest.mark.parametrize(
    "more",
    [
        {"n": 2},
        {"logprobs": True},
        {"messages": []},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "boss", "content": ""}]},
        {"messages": [{"role": "user", "content": [{"type": "sound"}]}]},
        {"messages": [{"role": "user", "content": ["a"]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [BROKEN_CALL]}]},
        {"response_format": {"type": "yaml"}},
        {"response_format": {"type": "json_schema"}},
        {"reasoning_effort": "much"},
        {"temperature": "hot"},
        {"stop": [1]},
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(more):
    assert refused(read.chat, **{"model": "ops", "messages": WHY, **more})


def test_images_by_address_are_refused():
    part = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    messages = [{"role": "user", "content": [part]}]
    assert "base64" in refused(read.chat, model="ops", messages=messages)


@pytest.mark.parametrize("prompt", ["a", ["a"]])
def test_a_completion_has_one_prompt(prompt):
    assert of(read.completion, model="ops", prompt=prompt, suffix="b").body == {
        "prompt": "a",
        "suffix": "b",
    }


@pytest.mark.parametrize(
    "more",
    [{"prompt": ["a", "b"]}, {"prompt": ""}, {"prompt": [1]}, {"echo": True}, {"best_of": 2}],
)
def test_a_completion_that_cannot_be_served_is_refused(more):
    assert refused(read.completion, **{"model": "ops", "prompt": "a", **more})


@pytest.mark.parametrize("texts", ["a", ["a"]])
def test_texts_to_embed(texts):
    assert of(read.embeddings, model="e", input=texts, dimensions=3).body == {
        "input": ["a"],
        "truncate": None,
        "dimensions": 3,
    }


@pytest.mark.parametrize(
    "more", [{"input": None}, {"input": []}, {"input": [1, 2]}, {"encoding_format": "hex"}]
)
def test_texts_that_cannot_be_embedded_are_refused(more):
    assert refused(read.embeddings, **{"model": "e", "input": "a", **more})
