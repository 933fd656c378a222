"""Ollama's requests in the queue's words."""

import json

import pytest

from gpu.proxy import requests_ollama as read
from gpu.proxy.errors import RefusedError
from gpu.proxy.limits import IMAGE_TOKENS, MOST_INPUTS

WHY = [{"role": "user", "content": "why?"}]
PIXEL = "aGVsbG8="


def of(reads, **body):
    return reads(json.dumps(body).encode())


def refused(reads, **body):
    with pytest.raises(RefusedError) as no:
        of(reads, **body)
    assert no.value.status == 400
    return no.value.message


def test_a_chat_keeps_what_the_server_takes():
    tool = {"type": "function", "function": {"name": "look"}}
    wanted = of(
        read.chat, model="ops", messages=WHY, tools=[tool], think="low", format={"type": "object"},
        options={"seed": 1}, truncate=False, keep_alive="5m", stream=False,
    )  # fmt: skip
    assert wanted.body == {
        "messages": WHY,
        "format": {"type": "object"},
        "tools": [tool],
        "think": "low",
        "truncate": False,
    }
    assert wanted.options == {"seed": 1}
    assert (wanted.streams, wanted.bound, wanted.at_once) == (False, True, None)


def test_a_chat_streams_unless_it_says_otherwise():
    assert of(read.chat, model="ops", messages=WHY).streams
    assert of(read.chat, model="ops", messages=WHY, stream=None).streams


def test_a_conversation_keeps_calls_and_images():
    call = {"function": {"name": "look", "arguments": {"at": "db1"}}}
    messages = [
        {"role": "User", "content": None, "images": [PIXEL]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "up", "tool_name": "look", "tool_call_id": "call_1", "x": 1},
    ]
    kept = of(read.chat, model="ops", messages=messages).body["messages"]
    assert kept == [
        {"role": "user", "content": "", "images": [PIXEL]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "up", "tool_name": "look", "tool_call_id": "call_1"},
    ]


def test_an_image_is_counted():
    plain = of(read.chat, model="ops", messages=WHY)
    shown = of(read.chat, model="ops", messages=[{**WHY[0], "images": [PIXEL]}])
    assert shown.longest - plain.longest == IMAGE_TOKENS


@pytest.mark.parametrize(("keep", "reason"), [(0, "unload"), ("0s", "unload"), (None, "load")])
def test_no_messages_need_no_card(keep, reason):
    wanted = of(read.chat, model="ops", messages=[], keep_alive=keep)
    assert (wanted.at_once["done"], wanted.at_once["done_reason"]) == (True, reason)


def test_no_prompt_needs_no_card():
    wanted = of(read.generate, model="ops", prompt="")
    assert (wanted.at_once["response"], wanted.at_once["done_reason"]) == ("", "load")


def test_a_prompt_keeps_what_the_server_takes():
    body = {"prompt": "a", "system": "b", "suffix": "c", "images": [PIXEL], "format": "json"}
    wanted = of(read.generate, model="ops", think=False, **body)
    kept = {name: value for name, value in wanted.body.items() if value is not None}
    assert kept == {**body, "think": False}
    assert wanted.bound


def test_raw_prompts_have_no_system():
    assert "raw mode" in refused(read.generate, model="ops", prompt="a", raw=True, system="b")


@pytest.mark.parametrize(
    "more",
    [
        {"logprobs": True},
        {"shift": False},
        {"format": "yaml"},
        {"think": "much"},
        {"stream": "yes"},
        {"options": []},
        {"messages": [{"role": "boss", "content": ""}]},
        {"messages": [{"content": ""}]},
        {"messages": [{"role": "user", "content": "", "images": ["?"]}]},
        {"messages": "hello"},
        {"tools": {}},
    ],
)
def test_what_cannot_be_served_is_refused(more):
    assert refused(read.chat, **{"model": "ops", "messages": WHY, **more})


def test_a_context_of_numbers_is_refused():
    assert "/api/chat" in refused(read.generate, model="ops", prompt="a", context=[1, 2])


@pytest.mark.parametrize("texts", ["a", ["a"]])
def test_one_text_or_many(texts):
    wanted = of(read.embed, model="e", input=texts, dimensions=2, truncate=True)
    assert wanted.body == {"input": ["a"], "truncate": True, "dimensions": 2}


@pytest.mark.parametrize("texts", [None, "", [], [""]])
def test_no_text_needs_no_card(texts):
    assert of(read.embed, model="e", input=texts).at_once == {"model": "e", "embeddings": []}


@pytest.mark.parametrize("texts", [[1], 1, {"a": 1}, ["a"] * (MOST_INPUTS + 1), [["a"]]])
def test_what_is_no_list_of_texts_is_refused(texts):
    assert refused(read.embed, model="e", input=texts)


@pytest.mark.parametrize(("truncate", "longest"), [(False, 100), (True, 0), (None, 0)])
def test_only_texts_that_are_not_cut_must_fit(truncate, longest):
    wanted = of(read.embed, model="e", input=["a" * 300, "b"], truncate=truncate)
    assert (wanted.tokens, wanted.longest) == (101, longest)


def test_the_older_form_has_one_text():
    assert of(read.embeddings, model="e", prompt="a").body["input"] == ["a"]
    assert of(read.embeddings, model="e", prompt="").at_once == {"embedding": []}
