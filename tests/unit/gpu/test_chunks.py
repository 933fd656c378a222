"""How embeddings are cut: so many inputs and tokens in a call, in their order, none left out."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.errors import (
    BusyError,
    CutStreamError,
    OverDeadlineError,
    ServerSaidError,
)
from adapters.inference.ollama import Embedded
from gpu.policy.view import Call
from gpu.states import Ending
from gpu.worker import batches, channel, doors, working
from gpu.worker.batches import CHUNK, Part
from gpu.worker.current import Held
from tests.unit.gpu.scene import claim, held


class Calls:
    """A policy that lets so many tokens go in one call."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def call(self, *_: object) -> Call:
        """Say so."""
        return Call(64, self.tokens)


def with_calls(tokens: int) -> Held:
    """Return a card whose policy says so."""
    made = held()
    made.policy = Calls(tokens)  # type: ignore[assignment]
    return made


def part(count: int, tokens: int = 0, done: int = 0) -> Part:
    """Return a job of so many inputs, tokens in all, and so many vectors already."""
    made = claim({"input": [f"text {n}" for n in range(count)]}, tokens_asked=tokens)
    return Part(made, [[1.0]] * done)


def sizes(tokens: int, *parts: Part) -> list[int]:
    """Return how many inputs of each part go in the next call."""
    return [len(inputs) for _, inputs in batches._chosen(with_calls(tokens), list(parts))]


def test_small_jobs_go_together() -> None:
    assert sizes(0, part(3), part(2), part(1)) == [3, 2, 1]


def test_a_big_job_is_cut() -> None:
    assert sizes(0, part(CHUNK + 1)) == [CHUNK]


def test_the_next_chunk_begins_where_the_last_ended() -> None:
    ((_, inputs),) = batches._chosen(with_calls(0), [part(CHUNK + 2, done=CHUNK)])
    assert inputs == [f"text {CHUNK}", f"text {CHUNK + 1}"]


def test_no_job_is_cut_into_the_room_behind_another_one_and_passed_by() -> None:
    assert sizes(0, part(CHUNK - 1), part(5), part(1)) == [CHUNK - 1, 1]


def test_a_call_is_no_longer_than_the_policy_lets_it_be() -> None:
    assert sizes(1000, part(50, tokens=5000)) == [10]


def test_one_input_goes_however_long() -> None:
    assert sizes(10, part(2, tokens=5000)) == [1]


def test_a_job_without_inputs_is_done_at_once() -> None:
    assert sizes(0, part(0), part(2)) == [0, 2]


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 20_000)), min_size=1, max_size=8),
       st.integers(0, 5000))  # fmt: skip
def test_every_input_gets_its_turn_once_and_in_order(
    jobs: list[tuple[int, int]], tokens: int
) -> None:
    parts = [part(count, size) for count, size in jobs]
    card = with_calls(tokens)
    taken: dict[int, list[str]] = {id(each): [] for each in parts}
    for _ in range(10_000):
        left = [each for each in parts if each.left]
        if not left:
            break
        chosen = batches._chosen(card, left)
        assert 0 < sum(len(inputs) for _, inputs in chosen) <= CHUNK
        for each, inputs in chosen:
            taken[id(each)] += inputs
            each.vectors += [[0.0]] * len(inputs)
    assert [taken[id(each)] for each in parts] == [each.claim.request["input"] for each in parts]


class Slow:
    """A server that does not answer in time where a call holds the text of who has none left."""

    def __init__(self, of: str) -> None:
        self.of = of
        self.asked: list[list[str]] = []

    def embed(self, _model: str, _options: object, inputs: list[str], *_: Any, **__: Any) -> Any:
        """Answer, or hang until the time is over."""
        self.asked.append(inputs)
        if self.of in inputs:
            raise OverDeadlineError("not whole when its time was over")
        return Embedded(tuple((1.0,) for _ in inputs), 1, 0.0)


class Ends:
    """What is settled, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: dict[object, tuple[Ending, str]] = {}
        monkeypatch.setattr(doors, "finish_job", self.finish)
        monkeypatch.setattr(doors, "ops_wait", lambda: False)
        monkeypatch.setattr(doors, "cancel_asked", lambda _: False)
        monkeypatch.setattr(channel, "connect", lambda: None)
        monkeypatch.setattr(channel.Channel, "end", lambda _: None)

    def finish(self, one: Any, ending: Ending, *, code: str = "", **_: Any) -> str:
        """Note it."""
        self.found[one.id] = (ending, code)
        return "settled"


def asks(text: str, left_s: float) -> Part:
    """Return a job of one text that has so long."""
    return Part(replace(claim({"input": [text]}), deadline=time.monotonic() + left_s))


def test_the_end_of_one_job_s_time_is_not_that_of_who_is_in_the_same_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends, card, server = Ends(monkeypatch), with_calls(0), Slow("question")
    card.server = server  # type: ignore[assignment]
    question, passage = asks("question", 0.0), asks("passage", 3600.0)
    assert batches.run(card, card.slots["embed"], [question, passage]) == []
    assert ends.found == {
        question.claim.id: (Ending.FAILED, "gpu.over_deadline"),
        passage.claim.id: (Ending.FINISHED, ""),
    }
    assert server.asked == [["question", "passage"], ["passage"]]


@pytest.mark.parametrize("left_s", [0.0, 3600.0], ids=["nobody has time", "all have time"])
def test_a_call_that_is_over_for_all_alike_is_the_worker_s_to_judge(
    left_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, card = Ends(monkeypatch), with_calls(0)
    card.server = Slow("question")  # type: ignore[assignment]
    parts = [asks("question", left_s), asks("passage", left_s)]
    with pytest.raises(OverDeadlineError):
        batches.run(card, card.slots["embed"], parts)
    assert (len(parts), ends.found) == (2, {})


class Refusing:
    """A server that refuses a call, and is busy from a given one on."""

    def __init__(self, busy_from: int) -> None:
        self.calls = 0
        self._busy_from = busy_from

    def embed(self, *_: object, **__: object) -> None:
        """Refuse."""
        self.calls += 1
        if self.calls >= self._busy_from:
            raise BusyError("slow down", 429)
        raise ServerSaidError("too long", 400)


@pytest.mark.parametrize("busy_from", [1, 2])
def test_a_server_that_is_busy_is_not_asked_about_each_job_and_ends_none(busy_from: int) -> None:
    card, parts = with_calls(0), [part(1), part(1), part(1)]
    server: Any = Refusing(busy_from)
    card.server = server
    with pytest.raises(BusyError):
        batches._chunk(card, card.slots["embed"], [(one, one.left) for one in parts])
    assert server.calls == busy_from
    assert [one.fault for one in parts] == [None, None, None]


def test_who_is_busy_is_asked_later_each_time_and_in_time() -> None:
    busy = BusyError("slow down", 429)
    tries = [claim({}, attempts=attempts) for attempts in (1, 2)]
    assert [working._again_in(busy, one) for one in tries] == [10.0, 50.0]
    soon = claim({}, attempts=2, deadline=time.monotonic() + 60)
    assert 20 < working._again_in(busy, soon) <= 30
    assert working._again_in(CutStreamError("cut"), tries[1]) == 2.0
