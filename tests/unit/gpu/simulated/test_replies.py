"""What simulated models say, and how their vectors lie."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.embedded import Inference
from adapters.inference.port import Candidate, Question
from adapters.inference.rendering import parse, render
from adapters.json_value import JSON
from gpu.simulated.replies import Reply, Text, Words, formatted, instance, length_of, said_before
from gpu.simulated.vectors import vector

REPLIES = st.one_of(
    st.builds(Words, st.integers(0, 60), st.integers(0, 9), st.just(0)),
    st.builds(Text, st.text(max_size=80), st.integers(0, 5)),
)


@given(REPLIES, st.lists(st.integers(0, 90)))
def test_pieces_make_the_whole_however_they_are_cut(reply: Reply, cuts: list[int]) -> None:
    places = sorted({0, reply.tokens, *(min(cut, reply.tokens) for cut in cuts)})
    pieces = "".join(reply.text(begin, end) for begin, end in pairwise(places))
    assert pieces == reply.text(0, reply.tokens)


@given(st.integers(1, 80), st.integers(0, 80))
def test_a_continued_answer_is_the_same_answer(tokens: int, cut: int) -> None:
    done = min(cut, tokens)
    whole = Words(tokens)
    assert whole.text(0, done) + Words(tokens - done, done).text(0, tokens - done) == whole.text(
        0, tokens
    )


@pytest.mark.parametrize(
    ("prompt", "begun"),
    [
        ("say it", ""),
        ("say it w1", ""),
        ("say it:\nw1 w2 w3 ", "w1 w2 w3 "),
        ("w1 ", "w1 "),
        ("now1 w2 ", "w2 "),
        ("", ""),
    ],
)
def test_a_raw_prompt_shows_what_was_said_before(prompt: str, begun: str) -> None:
    assert said_before(prompt) == begun


def test_thinking_comes_first() -> None:
    assert Words(4, first=2).text(0, 4) == "t1 t2 w1 w2 "
    assert Text("abcdefgh", first=1).text(0, 3) == "t1 abcdefgh"


def test_a_length_is_seeded() -> None:
    assert length_of(1, "m", "x") == length_of(1, "m", "x")
    assert len({length_of(seed, "m", "x") for seed in range(50)}) > 10


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, None),
        ({"type": "string"}, "w"),
        ({"type": "string", "minLength": 3}, "www"),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "number"}, 0),
        ({"type": ["null", "string"]}, None),
        ({"const": 5}, 5),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, False),
        ({"type": "array"}, []),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
        ({"properties": {"a": {"type": "null"}}}, {"a": None}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 1}}}, 1),
        ({"$ref": "#/$defs/gone"}, None),
        ({"$ref": "#"}, None),
    ],
)
def test_an_instance_keeps_to_its_schema(schema: dict[str, JSON], value: JSON) -> None:
    assert instance(schema) == value


def test_our_own_question_is_answered_by_the_rules() -> None:
    facts: dict[str, JSON] = {"alert.name": "ShopDown", "alert.symptom": "no_answer"}
    offered = (Candidate("restart_service", "Restart it"), Candidate("escalate", "Ask"))
    question = Question("diagnose", "responder", {**facts, "tried": [], "denied": []}, offered)
    prompt = render(question, 4096)
    text = "\n".join(message["content"] for message in prompt.messages)
    said = formatted(prompt.schema, text, Inference())
    answer = parse(said, question, engine="model")
    by_rule = Inference().ask(question)
    assert (answer.choice, answer.say) == (by_rule.choice, by_rule.say)
    assert answer.confidence == by_rule.confidence


def test_an_unknown_question_gets_an_instance() -> None:
    schema: dict[str, JSON] = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert json.loads(formatted(schema, "who are you", Inference())) == {"a": "w"}
    assert json.loads(formatted("json", "who are you", Inference())) == {"answer": "w1"}


@given(st.text(max_size=60), st.integers(1, 32))
def test_a_vector_has_length_one(text: str, cut_to: int) -> None:
    found = vector(text, 32, cut_to)
    assert len(found) == cut_to
    assert math.isclose(math.hypot(*found), 1)


def test_texts_that_share_words_lie_near() -> None:
    near = math.dist(vector("disk is full", 384), vector("the disk is full", 384))
    assert near < math.dist(vector("disk is full", 384), vector("who let cats in", 384))
