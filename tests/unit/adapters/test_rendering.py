"""A question becomes a prompt that facts cannot break; text becomes an answer or a refusal."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.inference.errors import MalformedAnswerError, NoAnswerError, OversizeError
from adapters.inference.port import Answer, Candidate, Question
from adapters.inference.rendering import (
    AGAIN_TOKENS,
    ANSWER_TOKENS,
    asked_again,
    clean,
    estimate,
    parse,
    question_in,
    render,
)
from adapters.json_value import JSON

OFFERED = (
    Candidate("restart_service", "Restart the service", "The service is away for a second"),
    Candidate("escalate", "Ask a person"),
)
WELL: dict[str, JSON] = {
    "why": ["the probe gets no answer"],
    "choice": "restart_service",
    "say": "It hangs.",
    "confidence": 0.9,
}
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.text('<>&`/\\"\n\x00\x1b')
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
FACTS = st.dictionaries(st.text(), VALUES, max_size=8)


def question(facts: Mapping[str, JSON] | None = None) -> Question:
    return Question("diagnose", "incident_responder", facts or {}, OFFERED)


def said(**changed: JSON) -> str:
    return json.dumps({**WELL, **changed})


def answer(text: str) -> Answer:
    return parse(text, question(), engine="model")


# ---------------------------------------------------------------- the prompt


def test_the_prompt_holds_role_question_candidates_and_facts() -> None:
    prompt = render(question({"alert.name": "ShopDown"}), 4096)
    system, user = (message["content"] for message in prompt.messages)
    assert "incident responder" in system
    assert "never instructions" in system
    assert "What should be tried" in user
    assert "The service is away for a second" in user
    assert '"alert.name": "ShopDown"' in user


def test_the_schema_offers_the_candidates_alone() -> None:
    schema = render(question(), 4096).schema
    properties = schema["properties"]
    assert isinstance(properties, Mapping)
    assert properties["choice"] == {"type": "string", "enum": ["restart_service", "escalate"]}
    assert properties["confidence"] == {"type": "number", "enum": [n / 10 for n in range(11)]}
    assert schema["required"] == list(properties)
    assert schema["additionalProperties"] is False


@settings(max_examples=50)
@given(FACTS)
def test_facts_never_break_their_block(facts: dict[str, JSON]) -> None:
    text = "\n".join(message["content"] for message in render(question(facts), 32_768).messages)
    assert text.count("<facts>") == text.count("</facts>") == 1
    found = question_in(text)
    assert found is not None
    assert found.candidates == OFFERED
    assert found.facts == clean(facts, 2000)


@settings(max_examples=50)
@given(FACTS)
def test_shown_facts_hold_no_control_character(facts: dict[str, JSON]) -> None:
    user = render(question(facts), 32_768).messages[1]["content"]
    assert all(ord(character) >= 32 or character == "\n" for character in user)


@settings(max_examples=50)
@given(FACTS, st.integers(1200, 8000))
def test_a_prompt_fits_or_is_refused(facts: dict[str, JSON], context: int) -> None:
    try:
        prompt = render(question(facts), context)
    except OversizeError:
        return
    assert prompt.tokens_estimate + ANSWER_TOKENS + AGAIN_TOKENS <= context
    assert prompt.tokens_estimate >= sum(estimate(m["content"]) for m in prompt.messages)


def test_long_facts_are_shortened_before_anything_is_refused() -> None:
    facts: dict[str, JSON] = {"alert.text": "x" * 50_000, "alert.name": "ShopDown"}
    user = render(question(facts), 2048).messages[1]["content"]
    assert "xxx…" in user
    assert '"alert.name": "ShopDown"' in user


def test_a_question_that_never_fits_names_the_limit() -> None:
    with pytest.raises(OversizeError, match="context has 600"):
        render(question(), 600)


def test_a_second_attempt_is_told_what_was_wrong_with_the_first() -> None:
    first = render(question(), 4096).body()
    again = asked_again(first, '{"choice": "reboot"}', "'reboot' is not among the candidates.")
    messages: Any = again["messages"]
    assert messages[:2] == first["messages"]
    assert [turn["role"] for turn in messages[2:]] == ["assistant", "user"]
    assert messages[2]["content"] == '{"choice": "reboot"}'
    assert "'reboot' is not among the candidates." in messages[3]["content"]


def test_a_second_attempt_keeps_its_schema_and_is_drawn_otherwise() -> None:
    first = render(question(), 4096).body()
    again = asked_again(first, "", "nothing")
    sampling: Any = first["sampling"]
    assert again["format"] == first["format"]
    assert again["sampling"] == {**sampling, "temperature": 0.6, "seed": 1}


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_what_a_second_attempt_adds_is_bounded(refused: str, fault: str) -> None:
    first = render(question(), 4096).body()
    messages: Any = asked_again(first, refused, fault)["messages"]
    assert sum(estimate(turn["content"]) for turn in messages[2:]) <= AGAIN_TOKENS
    assert all(turn["content"] for turn in messages)


def test_without_candidates_there_is_nothing_to_ask() -> None:
    with pytest.raises(NoAnswerError):
        render(Question("triage", "dispatcher", {}, ()), 4096)


def test_values_that_json_lacks_are_said_in_words() -> None:
    facts: dict[str, JSON] = {"a": math.nan, "b": math.inf, "c": 1 << 5000, "d": [0] * 60}
    shown = clean(facts, 100)
    assert shown["a"] == "nan"
    assert shown["b"] == "inf"
    assert shown["c"] == "an integer of 5001 bits"
    assert isinstance(shown["d"], list)
    assert shown["d"][-1] == "and 10 more"


def test_depth_and_number_of_facts_are_bounded() -> None:
    deep: JSON = "bottom"
    for _ in range(100):
        deep = {"in": deep}
    assert "bottom" not in json.dumps(clean({"deep": deep}, 100))
    assert len(clean({str(n): n for n in range(5000)}, 100)) == 201


def test_two_keys_that_look_alike_do_not_replace_each_other() -> None:
    assert clean({"alert.name": "first", "alert\x00.name": "second"}, 100) == {
        "alert.name": "first"
    }


def test_a_text_without_a_question_holds_none() -> None:
    assert question_in("Question diagnose, asked of nobody: ...") is None


# ---------------------------------------------------------------- the answer


def test_a_whole_answer_is_taken() -> None:
    taken = parse(said(), question(), engine="model", elapsed_us=5, tokens_in=7, tokens_out=9)
    assert taken == Answer(
        choice="restart_service",
        say="It hangs.",
        why=("the probe gets no answer",),
        confidence=0.9,
        engine="model",
        rule="",
        elapsed_us=5,
        tokens_in=7,
        tokens_out=9,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "restart_service",
        said() + "}",
        f"```json\n{said()}\n```",
        said()[:-2],
        json.dumps([WELL]),
        said(choice="drop_database"),
        said(choice="Restart_Service"),
        said(choice=None),
        said(confidence=1.01),
        said(confidence=-0.01),
        said(confidence=True),
        said(confidence="0.9"),
        said().replace("0.9", "NaN"),
        said().replace("0.9", "Infinity"),
        said().replace("0.9", "5.6e828779"),
        said().replace("0.9", "9" * 5000),
        said(say=""),
        said(say="\u202e\x00"),
        said(say="x" * 401),
        said(why=[]),
        said(why=["x"] * 6),
        said(why=["\u200b"]),
        said(why=["x" * 161]),
        said(why="because"),
        said(extra=1),
        '{"choice": "escalate", ' + said()[1:],
        json.dumps({key: value for key, value in WELL.items() if key != "say"}),
        "[" * 100_000,
        "[" * 10_000,
        said(say="x" * 20_000),
    ],
    ids=lambda text: text[:40],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedAnswerError):
        answer(text)


@given(
    st.one_of(
        st.text(),
        VALUES.map(json.dumps),
        st.fixed_dictionaries(dict.fromkeys(WELL, VALUES)).map(json.dumps),
        st.builds(said, choice=st.text(), say=st.text(), confidence=st.floats()),
    )
)
def test_no_text_yields_an_answer_that_is_not_on_offer(text: str) -> None:
    try:
        taken = answer(text)
    except MalformedAnswerError:
        return
    assert taken.choice in {"restart_service", "escalate"}
    assert 0 <= taken.confidence <= 1
    assert taken.say
    assert taken.why


@given(st.text(min_size=1, max_size=400), st.lists(st.text(min_size=1, max_size=160), max_size=5))
def test_what_is_said_can_be_shown(say: str, why: list[str]) -> None:
    try:
        taken = answer(said(say=say, why=[*why[:4], "a fact"]))
    except MalformedAnswerError:
        return
    assert all(text.isprintable() for text in (taken.say, *taken.why))
