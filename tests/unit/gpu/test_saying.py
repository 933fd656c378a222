"""What is asked anew or continued, and what the whole answer is, whenever it was interrupted."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.ollama import Chunk
from gpu.states import JobKind
from gpu.tiers import Tier
from gpu.worker import saying
from gpu.worker.saying import Said

PIECES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30)
MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]
CHAT = {"messages": MESSAGES, "sampling": {"temperature": 0.1}}


def streamed(pieces: Sequence[str], before: Said | None = None) -> Said:
    """Say the pieces, one token each, without an end."""
    said = before or Said()
    for piece in pieces:
        said = said.plus(Chunk(text=piece))
    return said


def ended(said: Said, tokens: int, reason: str = "stop") -> Said:
    return said.plus(Chunk(done=True, done_reason=reason, tokens_out=tokens, tokens_in=9))


def kept_and_read(said: Said) -> Said:
    """What the next worker knows, from the job's row."""
    return Said(text=str(said.kept(told=False)["text"]), before=said.tokens)


# ---------------------------------------------------------------- counting


def test_own_words_that_are_read_again_are_no_part_of_the_question():
    said = Said(text="So far", before=4).plus(Chunk(done=True, tokens_in=13, tokens_out=2))
    assert said.asked == 9


def test_nobody_counted_the_question_of_an_answer_without_an_end():
    assert streamed(["So", " far"]).asked is None


# ---------------------------------------------------------------- continuing


@given(PIECES, st.data())
def test_interrupted_anywhere_the_text_is_neither_lost_nor_doubled(
    pieces: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pieces)), max_size=4)))
    said, begun = Said(), 0
    for cut in [*cuts, len(pieces)]:
        said = streamed(pieces[begun:cut], kept_and_read(said))
        begun = cut
    whole = ended(said, tokens=0)
    assert saying.answer(JobKind.CHAT, whole)["message"] == {
        "role": "assistant",
        "content": "".join(pieces),
    }


@given(PIECES, st.data())
def test_tokens_are_counted_across_interruptions(pieces: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(pieces)))
    first = streamed(pieces[:cut])
    second = ended(streamed(pieces[cut:], kept_and_read(first)), tokens=len(pieces) - cut)
    assert second.tokens == len(pieces)


@given(st.integers(1, 500), PIECES)
def test_the_rest_asked_for_never_exceeds_the_limit(limit: int, pieces: list[str]) -> None:
    body = {**CHAT, "sampling": {"num_predict": limit}}
    said = kept_and_read(streamed(pieces))
    if saying.whole_at_its_limit(body, said) is None:
        _, rest = saying.continuation(JobKind.CHAT, body, said)
        assert said.tokens + rest["sampling"]["num_predict"] == limit
    else:
        assert said.tokens >= limit


def test_an_answer_at_its_limit_is_whole() -> None:
    body = {**CHAT, "sampling": {"num_predict": 3}}
    whole = saying.whole_at_its_limit(body, kept_and_read(streamed("abc")))
    assert whole is not None
    assert saying.answer(JobKind.CHAT, whole)["done_reason"] == "length"


@pytest.mark.parametrize("limit", [None, -1, 0])
def test_without_a_limit_none_is_asked_for(limit: int | None) -> None:
    body = {**CHAT, "sampling": {} if limit is None else {"num_predict": limit}}
    _, rest = saying.continuation(JobKind.CHAT, body, kept_and_read(streamed("abc")))
    assert rest["sampling"] == body["sampling"]


def test_a_chat_goes_on_with_its_own_words_last() -> None:
    how, rest = saying.continuation(JobKind.CHAT, CHAT, kept_and_read(streamed("ab")))
    assert how == "chat"
    assert rest["messages"] == [*MESSAGES, {"role": "assistant", "content": "ab"}]
    assert CHAT["messages"] is MESSAGES
    assert len(MESSAGES) == 2


def test_a_raw_prompt_goes_on_as_it_is() -> None:
    body = {"prompt": "[INST]x[/INST]", "raw": True}
    how, rest = saying.continuation(JobKind.GENERATE, body, kept_and_read(streamed("ab")))
    assert (how, rest["prompt"], rest["raw"]) == ("generate", "[INST]x[/INST]ab", True)


def test_a_prompt_goes_on_as_a_chat() -> None:
    body = {"prompt": "x", "system": "Be kind.", "sampling": {"seed": 4}}
    how, rest = saying.continuation(JobKind.GENERATE, body, kept_and_read(streamed("ab")))
    assert how == "chat"
    assert rest == {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "ab"},
        ],
        "sampling": {"seed": 4},
    }


@pytest.mark.parametrize(
    ("kind", "continues", "body", "bound", "may"),
    [
        ("chat", "assistant", {}, False, True),
        ("chat", "raw", {}, False, True),
        ("chat", "", {}, False, False),
        ("chat", "assistant", {}, True, False),
        ("chat", "assistant", {"tools": [{}]}, False, False),
        ("chat", "assistant", {"think": True}, False, False),
        ("chat", "assistant", {"think": "high"}, False, False),
        ("generate", "assistant", {"prompt": "x"}, False, True),
        ("generate", "raw", {"prompt": "x"}, False, False),
        ("generate", "raw", {"prompt": "x", "raw": True}, False, True),
        ("generate", "assistant", {"prompt": "x", "suffix": "y"}, False, False),
        ("generate", "assistant", {"prompt": "x", "template": "y"}, False, False),
        ("generate", "assistant", {"prompt": "x", "images": ["y"]}, False, False),
        ("question", "assistant", {}, False, False),
    ],
)
def test_what_may_be_continued(
    kind: str, continues: str, body: dict[str, Any], *, bound: bool, may: bool
) -> None:
    assert saying.may_continue(continues, kind, body, bound=bound) is may


# ---------------------------------------------------------------- telling, counting, answering


@pytest.mark.parametrize(
    ("tier", "streams", "continued", "live"),
    [
        (Tier.OPS, True, False, True),
        (Tier.OPS, False, True, False),
        (Tier.RESEARCH, True, True, True),
        (Tier.RESEARCH, True, False, False),
    ],
)
def test_what_can_be_taken_back_is_not_told_live(
    tier: Tier, *, streams: bool, continued: bool, live: bool
) -> None:
    assert saying.tells_live(tier, streams=streams, continued=continued) is live


def test_the_servers_count_takes_the_place_of_ours() -> None:
    assert ended(streamed("ab"), tokens=7).tokens == 7


def test_a_server_that_does_not_count_is_counted_for() -> None:
    assert ended(streamed("abc"), tokens=0).tokens == 3


def test_thinking_counts_and_stands_apart() -> None:
    said = ended(Said().plus(Chunk(thinking="hm ")).plus(Chunk(text="yes")), tokens=0)
    assert said.tokens == 2
    assert saying.answer(JobKind.CHAT, said)["message"] == {
        "role": "assistant",
        "content": "yes",
        "thinking": "hm ",
    }


def test_a_generated_answer_has_its_own_shape() -> None:
    said = ended(streamed("ab"), tokens=2, reason="length")
    assert saying.answer(JobKind.GENERATE, said) == {"response": "ab", "done_reason": "length"}


def test_tool_calls_are_part_of_the_message() -> None:
    call: dict[str, Any] = {"function": {"name": "look", "arguments": {}}}
    said = ended(Said().plus(Chunk(tool_calls=(call,))), tokens=1)
    message: Any = saying.answer(JobKind.CHAT, said)["message"]
    assert message["tool_calls"] == [call]
