"""Our adapter against a real server that really infers."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from adapters.inference.direct import Inference
from adapters.inference.errors import (
    CutStreamError,
    MalformedAnswerError,
    OverDeadlineError,
    StoppedError,
    UnknownModelError,
)
from adapters.inference.ollama import Chunk, Server
from adapters.inference.port import ESCALATE, Answer, Candidate, Question
from tests.live.parts import ENGINE
from tests.live.real import EMBED, OPTIONS, QUICK, SLOW, RealOllama

pytestmark = pytest.mark.live

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
EMBED_OPTIONS = {"num_ctx": 128, "num_thread": 1}
LONG = 4000
"""Tokens that `slow` needs about twenty seconds for."""
AT_ONCE = 8.0
"""Seconds: far less than that, and more than a machine stands still."""


def within(seconds: float) -> float:
    return time.monotonic() + seconds


@pytest.fixture(scope="module")
def server(engine: RealOllama) -> Server:
    return Server(engine.url)


@pytest.fixture(autouse=True)
def nothing_loaded(server: Server) -> Iterator[None]:
    yield
    for resident in server.resident():
        server.unload(resident.model, resident.model.startswith(EMBED), deadline=within(10))


def chat(server: Server, model: str = QUICK, **sampling: Any) -> list[Chunk]:
    body: dict[str, Any] = {**HELLO, "sampling": {"temperature": 0, "num_predict": 20, **sampling}}
    return list(server.stream_chat(model, OPTIONS, body, deadline=within(20)))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


# ---------------------------------------------------------------- what is there, and what is loaded


def test_the_version_is_the_one_that_we_built(server: Server) -> None:
    assert server.version() == ENGINE.version


def test_tags_are_pinned_by_digest(server: Server) -> None:
    tags = {tag.model: tag for tag in server.tags()}

    assert {f"{name}:latest" for name in (QUICK, SLOW, EMBED)} <= tags.keys()
    assert len({tag.digest for tag in tags.values()}) == len(tags)
    assert tags[f"{SLOW}:latest"].size > 16_000_000


def test_a_loaded_model_is_resident_under_the_digest_of_its_tag(server: Server) -> None:
    server.load(QUICK, OPTIONS, embeds=False, deadline=within(20))

    [resident] = server.resident()
    digests = {tag.model: tag.digest for tag in server.tags()}
    assert resident.model == f"{QUICK}:latest"
    assert resident.digest == digests[resident.model]
    assert resident.context == OPTIONS["num_ctx"]


def test_loading_one_model_evicts_the_other(server: Server) -> None:
    server.load(QUICK, OPTIONS, embeds=False, deadline=within(20))
    server.load(SLOW, OPTIONS, embeds=False, deadline=within(20))

    assert [resident.model for resident in server.resident()] == [f"{SLOW}:latest"]


def test_other_runner_options_load_the_model_anew(server: Server) -> None:
    server.load(QUICK, OPTIONS, embeds=False, deadline=within(20))
    server.load(QUICK, {**OPTIONS, "num_ctx": 1024}, embeds=False, deadline=within(20))

    assert [resident.context for resident in server.resident()] == [1024]


@pytest.mark.parametrize("model", [QUICK, EMBED])
def test_unload_returns_when_the_model_is_gone(server: Server, model: str) -> None:
    embeds = model == EMBED
    options = EMBED_OPTIONS if embeds else OPTIONS
    server.load(model, options, embeds=embeds, deadline=within(20))

    server.unload(model, embeds=embeds, deadline=within(10))

    assert server.resident() == []


def test_unloading_what_is_not_loaded_is_no_fault(server: Server) -> None:
    server.unload(QUICK, embeds=False, deadline=within(10))


# ---------------------------------------------------------------- answers


def test_a_chat_is_streamed_piece_by_piece(server: Server) -> None:
    chunks = chat(server)

    assert len(chunks) > 10
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert len(text_of(chunks)) == 20


def test_the_last_piece_says_what_it_cost(server: Server) -> None:
    last = chat(server)[-1]

    assert last.done_reason == "length"
    assert last.tokens_out == 20
    assert last.tokens_in > 5
    assert min(last.load_s, last.prompt_s, last.eval_s) > 0


def test_a_greedy_answer_is_the_same_twice(server: Server) -> None:
    assert text_of(chat(server)) == text_of(chat(server))


def test_two_models_answer_differently(server: Server) -> None:
    assert text_of(chat(server, QUICK)) != text_of(chat(server, SLOW))


def test_a_prompt_is_streamed_too(server: Server) -> None:
    body: dict[str, Any] = {"prompt": "hello", "raw": True, "sampling": {"num_predict": 20}}

    chunks = list(server.stream_generate(QUICK, OPTIONS, body, deadline=within(20)))

    assert chunks[-1].tokens_out == 20


SCHEMA = {
    "type": "object",
    "properties": {
        "choice": {"type": "string", "enum": ["restart", "escalate"]},
        "say": {"type": "string", "maxLength": 40},
        "why": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 3},
        "sure": {"type": "boolean"},
    },
    "required": ["choice", "say", "why", "sure"],
}


@pytest.mark.parametrize("seed", range(12))
def test_even_noise_keeps_to_a_schema(server: Server, seed: int) -> None:
    body: dict[str, Any] = {
        **HELLO,
        "format": SCHEMA,
        "sampling": {"seed": seed, "num_predict": 600},
    }

    chunks = list(server.stream_chat(QUICK, OPTIONS, body, deadline=within(20)))

    assert chunks[-1].done_reason == "stop"
    answer = json.loads(text_of(chunks))
    assert answer.keys() == {"choice", "say", "why", "sure"}
    assert answer["choice"] in {"restart", "escalate"}
    assert len(answer["why"]) <= 3


def test_a_batch_has_one_unit_vector_per_input(server: Server) -> None:
    inputs = [f"text number {number}" for number in range(24)]

    found = server.embed(EMBED, EMBED_OPTIONS, inputs, None, None, deadline=within(20))

    assert len(found.vectors) == len(set(found.vectors)) == 24
    assert {len(vector) for vector in found.vectors} == {32}
    assert all(math.isclose(math.hypot(*vector), 1, rel_tol=1e-4) for vector in found.vectors)
    assert found.tokens_in > 24


ROOMY = {**OPTIONS, "num_ctx": 4096}
OFFERED = ("restart-service", "wait", ESCALATE)


def answered(server: Server, number: int) -> Answer | None:
    """What noise says to a typed question; None where that is refused.

    Greedy noise runs in circles and goes on for too long: 0.11.4 ends a stream without its last
    line after 30 equal tokens.
    """
    engine = Inference(server, QUICK, ROOMY, context_tokens=4096, timeout_s=20)
    question = Question(
        kind="diagnose",
        card="operations",
        facts={"alert": {"name": f"disk {number} is full"}, "host": "db1"},
        candidates=tuple(Candidate(offered, offered) for offered in OFFERED),
    )
    try:
        return engine.ask(question)
    except (MalformedAnswerError, CutStreamError):
        return None


def test_noise_answers_a_question_within_its_candidates_or_not_at_all(server: Server) -> None:
    answers = [answer for number in range(4) if (answer := answered(server, number))]

    for answer in answers:
        assert answer.choice in OFFERED
        assert 0 <= answer.confidence <= 1
        assert answer.say
        assert answer.why
        assert answer.tokens_in > 500
        assert answer.tokens_out > 10


# ---------------------------------------------------------------- ends before the end


def first_words(server: Server, model: str) -> float:
    """How long the server takes from a new request to its first words."""
    began = time.monotonic()
    body: dict[str, Any] = {**HELLO, "sampling": {"num_predict": 2}}
    with closing(server.stream_chat(model, OPTIONS, body, deadline=within(30))) as chunks:
        next(chunks)
    return time.monotonic() - began


def test_closing_the_stream_ends_the_generation_at_once(server: Server) -> None:
    body: dict[str, Any] = {**HELLO, "sampling": {"num_predict": LONG}}
    with closing(server.stream_chat(SLOW, OPTIONS, body, deadline=within(60))) as chunks:
        for _ in range(3):
            next(chunks)

    assert first_words(server, SLOW) < AT_ONCE


def ended_by_deadline(server: Server) -> None:
    body: dict[str, Any] = {**HELLO, "sampling": {"num_predict": LONG}}
    with pytest.raises(OverDeadlineError):
        list(server.stream_chat(SLOW, OPTIONS, body, deadline=within(1.0)))


def ended_by_stop(server: Server) -> None:
    body: dict[str, Any] = {**HELLO, "sampling": {"num_predict": LONG}}
    enough = within(1.0)

    def stop() -> bool:
        return time.monotonic() > enough

    with pytest.raises(StoppedError):
        list(server.stream_chat(SLOW, OPTIONS, body, deadline=within(60), stop=stop))


@pytest.mark.parametrize("end", [ended_by_deadline, ended_by_stop])
def test_a_call_ends_in_time_and_frees_the_server(
    server: Server, end: Callable[[Server], None]
) -> None:
    server.load(SLOW, OPTIONS, embeds=False, deadline=within(20))
    began = time.monotonic()

    end(server)

    assert 0.9 < time.monotonic() - began < AT_ONCE
    assert first_words(server, SLOW) < AT_ONCE


def by_chat(server: Server) -> object:
    return list(server.stream_chat("nobody", OPTIONS, HELLO, deadline=within(10)))


def by_generate(server: Server) -> object:
    return list(server.stream_generate("nobody", OPTIONS, {"prompt": "a"}, deadline=within(10)))


def by_embed(server: Server) -> object:
    return server.embed("nobody", EMBED_OPTIONS, ["a"], None, None, deadline=within(10))


def by_load(server: Server) -> object:
    return server.load("nobody", OPTIONS, embeds=False, deadline=within(10))


@pytest.mark.parametrize("ask", [by_chat, by_generate, by_embed, by_load])
def test_an_unknown_model_is_told_from_other_errors(
    server: Server, ask: Callable[[Server], object]
) -> None:
    with pytest.raises(UnknownModelError) as caught:
        ask(server)
    assert caught.value.status == 404
