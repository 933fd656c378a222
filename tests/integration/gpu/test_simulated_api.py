"""The simulated server's shapes and statuses, met by the clients that people use."""

import itertools
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import openai
import pytest

from adapters.inference.ollama import Server
from gpu.simulated.serve import Simulated
from tests.waiting import eventually

CHAT = {"model": "ops-8b", "messages": [{"role": "user", "content": "say it in words"}]}
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["x", "y"]},
        "count": {"type": "integer", "minimum": 3},
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}, "minItems": 2},
    },
    "required": ["kind", "count", "names"],
    "$defs": {"name": {"type": "string", "minLength": 2}},
}


@pytest.fixture
def http(simulated: Simulated) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulated.url, timeout=10) as client:
        yield client


@pytest.fixture
def official(simulated: Simulated) -> Iterator[ollama.Client]:
    with ollama.Client(simulated.url, trust_env=False) as client:
        yield client


@pytest.fixture
def other(simulated: Simulated) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{simulated.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


# ---------------------------------------------------------------- Ollama's own


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_says_that_it_runs(http: httpx.Client, method: str) -> None:
    answer = http.request(method, "/")
    assert (answer.status_code, answer.text) == (
        200,
        "" if method == "HEAD" else "Ollama is running",
    )


def test_a_stream_is_lines_with_counts_in_the_last(http: httpx.Client) -> None:
    answer = http.post("/api/chat", json={**CHAT, "options": {"num_predict": 9}})
    assert answer.headers["content-type"] == "application/x-ndjson"
    *pieces, last = lines(answer)
    assert "".join(piece["message"]["content"] for piece in pieces) == "".join(
        f"w{n} " for n in range(1, 10)
    )
    assert not any(piece["done"] for piece in pieces)
    assert (last["done"], last["done_reason"]) == (True, "length")
    assert (last["prompt_eval_count"], last["eval_count"]) == (4, 9)
    durations = ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"]
    assert all(isinstance(last[name], int) and last[name] > 0 for name in durations)


def test_unbounded_answers_are_of_seeded_length(http: httpx.Client) -> None:
    asked = {"model": "ops-8b", "prompt": "how long", "stream": False}
    first, second = (http.post("/api/generate", json=asked).json() for _ in range(2))
    assert first["response"] == second["response"]
    assert (first["done_reason"], first["eval_count"]) == ("stop", len(first["response"].split()))


def test_an_answer_that_is_continued_reads_as_if_never_interrupted(http: httpx.Client) -> None:
    asked = {**CHAT, "stream": False, "options": {"num_predict": 12}}
    whole = http.post("/api/chat", json=asked).json()["message"]["content"]
    begun = {"role": "assistant", "content": "w1 w2 w3 w4 w5 "}
    asked["messages"] = [*CHAT["messages"], begun]
    rest = http.post("/api/chat", json=asked).json()
    assert begun["content"] + rest["message"]["content"] == whole
    assert rest["prompt_eval_count"] == 4 + 5


def test_a_raw_prompt_is_continued_as_well(http: httpx.Client) -> None:
    asked: dict[str, Any] = {"model": "ops-8b", "raw": True, "stream": False}
    asked |= {"prompt": "say it: w1 w2 w3 ", "options": {"num_predict": 5}}
    assert http.post("/api/generate", json=asked).json()["response"] == "w4 w5 "


@pytest.mark.parametrize("asks_for", ["the whole again", "the rest"])
def test_a_preempted_job_gets_all_its_tokens(simulated: Simulated, asks_for: str) -> None:
    server = Server(simulated.url)
    wanted, text = 4000, ""
    for pieces in (3, 3, 3, wanted):
        messages = [{"role": "user", "content": "x"}]
        messages += [{"role": "assistant", "content": text}] if text else []
        told = wanted if asks_for == "the whole again" else wanted - len(text.split())
        body: dict[str, Any] = {"messages": messages, "sampling": {"num_predict": told}}
        deadline = time.monotonic() + 30
        stream = server.stream_chat("ops-8b", {}, body, deadline=deadline, label="41")
        text += "".join(piece.text for piece in itertools.islice(stream, pieces))
        stream.close()
    assert text.split() == [f"w{n}" for n in range(1, wanted + 1)]
    events = [event for event in simulated.machine.log.newest if event.get("id") == 41]
    assert {event["ev"] for event in events} == {"started", "preempted", "finished"}
    assert events[-1]["tokens"] == wanted


@pytest.mark.parametrize("words_read", [0, 3, 25, 40])
def test_a_job_that_was_stopped_at_its_very_end_has_ended_once(
    simulated: Simulated, words_read: int
) -> None:
    server = Server(simulated.url)
    body: dict[str, Any] = {"messages": CHAT["messages"], "sampling": {"num_predict": 40}}
    whole = "".join(
        chunk.text
        for chunk in server.stream_chat(
            "ops-8b", {}, body, deadline=time.monotonic() + 30, label="3"
        )
    )
    # As if it had gone with so many words: another model has come, and then it asks again.
    server.load("code-14b", {}, embeds=False, deadline=time.monotonic() + 30)
    text = "".join(f"w{n} " for n in range(1, words_read + 1))
    messages = [*CHAT["messages"], *([{"role": "assistant", "content": text}] if text else [])]
    before = list(simulated.machine.log.newest)
    rest = list(
        server.stream_chat(
            *("ops-8b", {}, {**body, "messages": messages}),
            deadline=time.monotonic() + 30,
            label="3",
        )
    )
    assert text + "".join(chunk.text for chunk in rest) == whole
    assert (rest[-1].done, rest[-1].tokens_out) == (True, 40 - words_read)
    assert list(simulated.machine.log.newest) == before


def test_who_leaves_on_the_last_word_leaves_a_finished_job(simulated: Simulated) -> None:
    server = Server(simulated.url)
    body: dict[str, Any] = {"messages": CHAT["messages"], "sampling": {"num_predict": 40}}
    stream = server.stream_chat("ops-8b", {}, body, deadline=time.monotonic() + 30, label="4")
    next(chunk for chunk in stream if "w40 " in chunk.text)
    stream.close()
    eventually(lambda: not simulated.machine.running)
    events = [event["ev"] for event in simulated.machine.log.newest if event.get("id") == 4]
    assert events == ["started", "finished"]


def test_a_format_is_kept(http: httpx.Client) -> None:
    asked = {**CHAT, "stream": False, "format": SCHEMA}
    said = json.loads(http.post("/api/chat", json=asked).json()["message"]["content"])
    assert said == {"kind": "x", "count": 3, "names": ["ww", "ww"]}


def test_a_tool_that_is_named_is_called(official: ollama.Client) -> None:
    function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    said = [{"role": "user", "content": "please look_up this"}]
    answer = official.chat("ops-8b", said, tools=tools)
    assert answer.message.tool_calls
    assert answer.message.tool_calls[0].function.name == "look_up"


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("chat", "", 400, "missing request body"),
        ("chat", "{", 400, "invalid character"),
        ("chat", {"model": 5}, 400, "cannot unmarshal"),
        ("chat", {"messages": []}, 400, "model is required"),
        ("chat", {"model": "nobody", "messages": []}, 404, "model 'nobody' not found"),
        ("chat", {"model": "embed-8b", "messages": [{}]}, 400, "does not support chat"),
        ("chat", {**CHAT, "think": True}, 400, "does not support thinking"),
        ("chat", {**CHAT, "keep_alive": "-1"}, 400, "missing unit in duration"),
        ("generate", {"prompt": "x"}, 404, "model '' not found"),
        ("generate", {"model": "embed-8b", "prompt": "x"}, 400, "does not support generate"),
        (
            *("generate", {"model": "ops-8b", "prompt": "x", "suffix": "y"}, 400),
            "registry.ollama.ai/library/ops-8b:latest does not support insert",
        ),
        (
            *("generate", {"model": "ops-8b", "prompt": "x", "raw": True, "system": "y"}, 400),
            "raw mode does not support template, system, or context",
        ),
        (
            *("chat", {**CHAT, "options": {"num_ctx": "many"}}, 500),
            'option "num_ctx" must be of type integer',
        ),
        (
            *("embed", {"model": "embed-8b", "options": {"use_mmap": 1}}, 500),
            'option "use_mmap" must be of type boolean',
        ),
        ("embed", {"model": "nobody"}, 404, 'model "nobody" not found, try pulling it first'),
        ("embed", {"model": "embed-8b", "input": 7}, 400, "invalid input type"),
        ("embeddings", {}, 400, "model is required"),
        ("show", {}, 400, "model is required"),
        ("show", {"model": "nobody"}, 404, "model 'nobody:latest' not found"),
    ],
)
def test_errors_have_their_status_and_words(
    http: httpx.Client, path: str, body: object, status: int, error: str
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    answer = http.post(f"/api/{path}", content=content)
    assert answer.status_code == status
    assert error in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("chat", 405, "405 method not allowed"), ("nothing", 404, "404 page not found")],
)
def test_what_is_no_door_is_told_in_plain_text(
    http: httpx.Client, path: str, status: int, text: str
) -> None:
    answer = http.get(f"/api/{path}")
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("gpu.internal", 200)])
def test_a_foreign_host_is_refused(http: httpx.Client, host: str, status: int) -> None:
    assert http.get("/api/version", headers={"Host": host}).status_code == status


def test_an_empty_request_loads_and_zero_unloads(http: httpx.Client) -> None:
    loaded = http.post("/api/chat", json={"model": "ops-8b", "keep_alive": -1}).json()
    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    (listed,) = http.get("/api/ps").json()["models"]
    assert (listed["name"], listed["size_vram"]) == ("ops-8b:latest", 7168 * 1024 * 1024)
    assert listed["expires_at"] > "2200"
    gone = http.post("/api/generate", json={"model": "ops-8b", "keep_alive": 0}).json()
    assert gone["done_reason"] == "unload"
    assert http.get("/api/ps").json()["models"] == []


def test_vectors_have_length_one_and_mean_something(official: ollama.Client) -> None:
    texts = ["the web shop is down", "the web shop does not answer", "print more paper please"]
    shop, also, paper = official.embed("embed-8b", texts).embeddings
    assert math.isclose(math.hypot(*shop), 1)
    assert math.dist(shop, also) < math.dist(shop, paper)
    (short,) = official.embed("embed-8b", texts[0], dimensions=64).embeddings
    assert (len(short), round(math.hypot(*short), 6)) == (64, 1)


def test_a_text_over_the_context_is_cut_or_refused(http: httpx.Client) -> None:
    asked: dict[str, Any] = {
        "model": "embed-8b",
        "input": ["w " * 50],
        "options": {"num_ctx": 20},
    }
    assert http.post("/api/embed", json=asked).json()["prompt_eval_count"] == 20
    refused = http.post("/api/embed", json={**asked, "truncate": False})
    assert refused.status_code == 400
    assert refused.json()["error"] == "the input length exceeds the context length"


def test_the_official_client_is_served(official: ollama.Client) -> None:
    assert {model.model for model in official.list().models} >= {"ops-8b:latest"}
    assert "completion" in (official.show("ops-8b").capabilities or [])
    pieces = official.generate("ops-8b", "tell me", stream=True, options={"num_predict": 3})
    assert "".join(piece.response or "" for piece in pieces) == "w1 w2 w3 "
    assert official.embeddings("embed-8b", "one").embedding
    assert official.ps().models[0].expires_at


# ---------------------------------------------------------------- OpenAI's


def test_openais_client_is_served(other: openai.OpenAI) -> None:
    said: Any = [{"role": "user", "content": "hello"}]
    whole = other.chat.completions.create(model="ops-8b", messages=said, max_tokens=4)
    assert whole.choices[0].message.content == "w1 w2 w3 w4 "
    assert whole.choices[0].finish_reason == "length"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (1, 4)
    stream = other.chat.completions.create(
        model="ops-8b",
        messages=said,
        max_tokens=40,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len(text.split()) == 40
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage.completion_tokens == 40
    assert other.completions.create(model="ops-8b", prompt="x", max_tokens=2).choices[0].text
    assert len(other.embeddings.create(model="embed-8b", input=["a", "b"]).data) == 2
    assert other.models.retrieve("ops-8b").id == "ops-8b"


def test_openais_errors_have_their_shape(other: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        other.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
    assert raised.value.body == {
        "message": "model 'nobody' not found",
        "type": "not_found_error",
        "param": None,
        "code": None,
    }


# ---------------------------------------------------------------- the card's own times


def test_times_are_those_of_the_card(simulated: Simulated) -> None:
    server = Server(simulated.url)
    server.load("ops-8b", {}, embeds=False, deadline=time.monotonic() + 30)
    body: dict[str, Any] = {"messages": CHAT["messages"], "sampling": {"num_predict": 900}}
    took = []
    for label in "567":
        list(server.stream_chat("ops-8b", {}, body, deadline=time.monotonic() + 30, label=label))
        events = {event["ev"]: event["t"] for event in simulated.machine.log.newest}
        took.append(events["finished"] - events["started"])
    assert events["loaded"] - events["load_start"] >= 0.045
    assert min(took) >= 0.01 * (0.1 + 4 / 1500 + 900 / 45)
    assert min(took) < 0.3, "in a fifth of a second, once of three where a machine stands still"


def test_a_call_for_several_jobs_starts_and_ends_each(simulated: Simulated) -> None:
    server = Server(simulated.url)
    deadline = time.monotonic() + 30
    server.embed("embed-8b", {}, ["a", "b"], None, None, deadline=deadline, label="8,9")
    events = [(event["ev"], event.get("id")) for event in simulated.machine.log.newest]
    assert events == [
        ("load_start", None),
        ("loaded", None),
        ("started", 8),
        ("started", 9),
        ("finished", 8),
        ("finished", 9),
    ]


def test_leaving_during_the_prompt_is_a_preemption_without_tokens(simulated: Simulated) -> None:
    server = Server(simulated.url)
    server.load("ops-8b", {}, embeds=False, deadline=time.monotonic() + 30)
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "w " * 600_000}]}
    stream = server.stream_chat(
        "ops-8b",
        {},
        body,
        deadline=time.monotonic() + 30,
        label="6",
        stop=lambda: bool(simulated.machine.running),
    )
    with pytest.raises(Exception, match="stopped"):
        next(stream)
    eventually(lambda: not simulated.machine.running)
    last = simulated.machine.log.newest[-1]
    assert (last["ev"], last["id"], last["tokens"]) == ("preempted", 6, 0)
