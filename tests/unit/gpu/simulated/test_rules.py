"""The simulated server's small rules: durations, labels, hosts, options, victims, profiles."""

import asyncio
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.json_value import JSON
from gpu.profile import read_profile
from gpu.simulated.app import local
from gpu.simulated.card import SimulatedCard, SimulatedModel, card_of
from gpu.simulated.events import EventLog, Label, labels_of
from gpu.simulated.faults import Fault, Faults
from gpu.simulated.replies import Words
from gpu.simulated.requests import (
    Asked,
    EmbedAsked,
    RefusedError,
    options_of,
    read,
    seconds_of,
)
from gpu.simulated.running import STOOD_STILL_S, Machine, Spent, Work
from gpu.simulated.scheduler import Runner, resolved, victim

MODEL = SimulatedModel("m", "chat", 1000, 1, 10, 100, context=8192)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        (0, 0),
        (1.5, 1.5),
        (-1, math.inf),
        ("0", 0),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("-1s", math.inf),
        ("250ms", 0.25),
    ],
)
def test_a_keep_alive_is_seconds_or_a_go_duration(
    said: float | str | None, seconds: float | None
) -> None:
    assert seconds_of(said) == seconds


@pytest.mark.parametrize("said", ["-1", "5", "", "m", "5 m", "1h5"])
def test_what_go_refuses_is_refused(said: str) -> None:
    with pytest.raises(RefusedError, match="time: "):
        seconds_of(said)


@pytest.mark.parametrize(
    ("header", "labels"),
    [("", ()), ("7", (7,)), ("7,8, 9", (7, 8, 9)), ("a-b", ("a-b",)), ("٣", ("٣",)), (",,", ())],
)
def test_labels_are_numbers_where_they_look_so(header: str, labels: tuple[Label, ...]) -> None:
    assert labels_of(header) == labels


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost:11434",
        "127.0.0.1:11434",
        "[::1]:11434",
        "::1",
        "192.168.1.5",
        "gpu.internal",
        "ollama.local:80",
    ],
)
def test_a_local_name_is_known(host: str) -> None:
    assert local(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "evil.example:11434", "localhost.evil.example"])
def test_a_foreign_name_is_none_of_ours(host: str) -> None:
    assert not local(host)


@pytest.mark.parametrize(
    ("asked", "inputs"), [(None, []), ("", []), ("a", ["a"]), (["a", "b"], ["a", "b"])]
)
def test_inputs_are_one_text_or_several(asked: object, inputs: list[str]) -> None:
    assert read(EmbedAsked, json.dumps({"input": asked}).encode()).inputs() == inputs


@pytest.mark.parametrize(
    ("options", "context"),
    [({}, 4096), ({"num_ctx": 1}, 4), ({"num_ctx": 99_999}, 8192), ({"num_ctx": 2048}, 2048)],
)
def test_a_context_is_raised_and_cut(options: dict[str, JSON], context: int) -> None:
    assert resolved(options, MODEL, 4096)["num_ctx"] == context


def test_sampling_is_no_part_of_a_runner() -> None:
    assert resolved({"temperature": 1, "seed": 2}, MODEL, 4096) == resolved({}, MODEL, 4096)


@pytest.mark.parametrize(
    ("name", "said", "kind"),
    [
        ("temperature", "hot", "float32"),
        ("temperature", True, "float32"),
        ("num_predict", [1], "integer"),
        ("use_mmap", 0, "boolean"),
        ("stop", "x", "array"),
    ],
)
def test_an_option_of_a_wrong_type_is_refused(name: str, said: JSON, kind: str) -> None:
    with pytest.raises(RefusedError, match=f'option "{name}" must be of type {kind}') as refused:
        options_of(Asked(options={name: said}))
    assert refused.value.status == 500


def test_other_options_are_taken_as_they_are() -> None:
    options: dict[str, JSON] = {"seed": 1.5, "top_p": 1, "stop": [], "min_p": None, "new": {}}
    assert options_of(Asked(options=options)) == options


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("m", "registry.ollama.ai/library/m:latest"),
        ("me/m:1b", "registry.ollama.ai/me/m:1b"),
        ("hf.co/me/m", "hf.co/me/m:latest"),
    ],
)
def test_a_name_has_a_longer_form(name: str, whole: str) -> None:
    assert replace(MODEL, name=name).long_name == whole


def runner(name: str, keep_alive: float, refs: int) -> Runner:
    return Runner(replace(MODEL, name=name), {}, keep_alive, asyncio.Semaphore(1), refs)


@pytest.mark.parametrize(
    ("runners", "goes"),
    [
        ([runner("a", 300, 0), runner("b", 60, 0)], "b"),
        ([runner("a", 300, 0), runner("b", 60, 1)], "a"),
        ([runner("a", 300, 1), runner("b", 60, 1)], "b"),
        ([runner("b", 60, 0), runner("a", 60, 0)], "a"),
        ([runner("a", math.inf, 0), runner("b", 0, 1)], "a"),
    ],
)
def test_the_victim_is_idle_and_of_the_shortest_keep_alive(
    runners: list[Runner], goes: str
) -> None:
    assert victim(runners).model.name == goes


def test_a_fault_is_used_up() -> None:
    async def story() -> list[bool]:
        faults = Faults()
        await faults.set(Fault(kind="busy", model="m", times=2))
        asked = [faults.take("other", "busy"), faults.take("m", "cut")]
        asked += [faults.take("m", "busy") for _ in range(3)]
        return [found is not None for found in asked]

    assert asyncio.run(story()) == [False, False, True, True, False]


def test_a_fault_of_no_times_stands() -> None:
    async def story() -> list[bool]:
        faults = Faults()
        await faults.set(Fault(kind="busy", times=0))
        found = [faults.take("m", "busy") is not None for _ in range(3)]
        await faults.clear()
        return [*found, faults.take("m", "busy") is not None]

    assert asyncio.run(story()) == [True, True, True, False]


def test_the_profile_of_the_repository_is_a_card() -> None:
    profile = read_profile("simulated").value
    assert profile is not None
    card = card_of(profile, scale=0.5)
    assert card.max_loaded == 1
    assert card.find("ops-8b") is card.find("ops-8b:latest")
    assert card.find("ops-8b:other") is None
    assert (card.real(4), card.real(math.inf)) == (2, math.inf)


def test_events_are_appended_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        log = EventLog(path)
        log.model("load_start", "m")
        log.started((7, "x"), "m")
        log.ended("finished", (7,), 3)
        log.close()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["ev"] for event in events[:4]] == ["load_start", "started", "started", "finished"]
    assert events[3] == {"ev": "finished", "t": events[3]["t"], "id": 7, "tokens": 3}
    assert len(events) == 8


class StandingStill:
    """Takes tokens, and nothing in this process runs for a while after the first."""

    def __init__(self) -> None:
        self.went_on: float | None = None

    async def piece(self, _text: str, *, thinking: bool) -> None:
        """Take a piece; `thinking` makes no difference."""
        del thinking
        if self.went_on is None:
            time.sleep(STOOD_STILL_S + 0.1)  # noqa: ASYNC251 - it is what is meant
            self.went_on = time.monotonic()

    async def raw(self, _data: bytes) -> None:
        """Take bytes."""


def test_a_card_stands_still_with_its_machine() -> None:
    card, sink = SimulatedCard(2000, (MODEL,), scale=0.01), StandingStill()
    nobody: Any = None

    async def story() -> float:
        machine = Machine(card, EventLog(), nobody)
        serving = asyncio.create_task(machine.scheduler.serve())
        await machine.generate(Work(MODEL, {}, None), Words(200), sink, Spent())
        serving.cancel()
        return time.monotonic()

    ended = asyncio.run(story())
    assert sink.went_on is not None
    assert ended - sink.went_on > 190 * card.real(1 / MODEL.tokens_per_s)
