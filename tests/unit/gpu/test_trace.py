"""Traces and event logs as files."""

import json
from pathlib import Path

import pytest

from gpu.replay import events, trace
from gpu.replay.events import BadEventsError, Event
from gpu.replay.trace import BadTraceError
from gpu.tiers import Tier
from tests.unit.gpu.cards import BIG, OPS, SMALL, job

LINE = {
    "id": 0, "t": 1.5, "tier": "ops", "model": "ops-8b", "kind": "generate",
    "tokens_in": 900, "tokens_out": 180,
}  # fmt: skip


def lines(*said: object) -> list[str]:
    return [one if isinstance(one, str) else json.dumps(one) for one in said]


def fault(*said: object) -> str:
    """Return what is said about a bad trace."""
    with pytest.raises(BadTraceError) as caught:
        trace.parse(lines(*said), "t.jsonl")
    return str(caught.value)


def changed(**more: object) -> dict[str, object]:
    return {key: value for key, value in (LINE | more).items() if value != "gone"}


def test_a_line_is_a_job():
    (found,) = trace.parse(lines(LINE), "t.jsonl")
    assert (found.at, found.tier, found.slot, found.embeds) == (1.5, Tier.OPS, "ops-8b", False)
    assert (found.tokens_in, found.tokens_out, found.more) == (900, 180, False)


def test_empty_lines_are_nothing():
    assert len(trace.parse(["", *lines(LINE), "  "], "t.jsonl")) == 1


def test_a_chain_is_one_run():
    second = changed(id=1, t="gone", after=0, think=2.5)
    third = changed(id=2, t="gone", after=1, think=0.5)
    found = trace.parse(lines(third, second, LINE), "t.jsonl")
    assert [one.run for one in found] == ["0", "0", "0"]
    assert [(one.after, one.think) for one in found] == [(1, 0.5), (0, 2.5), (None, 0.0)]


def test_whole_seconds_are_seconds():
    assert trace.parse(lines(changed(t=3)), "t.jsonl")[0].at == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "t.jsonl:1: is no JSON"),
        ("[1]", "t.jsonl:1: the job"),
        (changed(tier="boss"), "t.jsonl:1: tier"),
        (changed(model="Ops 8B"), "t.jsonl:1: model"),
        (changed(kind="chat"), "t.jsonl:1: kind"),
        (changed(tokens_in=-1), "t.jsonl:1: tokens_in"),
        (changed(tokens_out="many"), "t.jsonl:1: tokens_out"),
        (changed(id="gone"), "t.jsonl:1: id"),
        (changed(colour="red"), "t.jsonl:1: colour"),
        (changed(t="gone"), "say either t, or after and think"),
        (changed(after=0), "say either t, or after and think"),
        (changed(t="gone", after=0), "after and think go together"),
        (changed(think=1.0), "after and think go together"),
    ],
)
def test_a_bad_line_is_named_with_its_place(line, said):
    assert said in fault(line)


def test_every_bad_line_is_named():
    found = fault("{", LINE, changed(id=1, tier="boss")).splitlines()
    assert [one.split(" ")[0] for one in found] == ["t.jsonl:1:", "t.jsonl:3:"]


def test_a_second_job_of_the_same_id_is_named():
    assert "t.jsonl:2: job 0 is also in line 1" in fault(LINE, LINE)


def test_a_job_after_nobody_is_named():
    assert "job 1 comes after job 7, which is not in the trace" in fault(
        changed(id=1, t="gone", after=7, think=1.0)
    )


def test_a_circle_is_named():
    one = changed(id=1, t="gone", after=2, think=1.0)
    two = changed(id=2, t="gone", after=1, think=1.0)
    assert "in a circle" in fault(one, two)


def test_a_trace_without_jobs_is_refused():
    assert "there is no job in it" in fault("")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadTraceError, match="cannot be read"):
        trace.read(tmp_path / "nothing.jsonl")


def test_what_is_written_is_read(tmp_path: Path):
    first = job(0, OPS, SMALL, 1.0, more=True)
    jobs = [first, job(1, OPS, BIG, after=first, think=2.0)]
    trace.write(tmp_path / "t.jsonl", jobs)
    assert trace.read(tmp_path / "t.jsonl") == jobs


def test_events_that_are_written_are_read(tmp_path: Path):
    log = [Event("load_start", 1.0, model=SMALL), Event("finished", 2.5, job=3, tokens=0)]
    events.write(tmp_path / "e.jsonl", log)
    assert events.read(tmp_path / "e.jsonl") == log


def test_an_event_says_only_what_it_knows():
    assert json.loads(Event("enqueued", 0.1234567891, job=3).line()) == {
        "ev": "enqueued", "t": 0.123457, "id": 3,
    }  # fmt: skip


@pytest.mark.parametrize("line", ["{", "{}", "[]", '{"ev": "loaded", "t": "soon"}'])
def test_what_is_no_event_is_named_with_its_place(tmp_path: Path, line):
    path = tmp_path / "e.jsonl"
    path.write_text(f'{{"ev": "loaded", "t": 1}}\n{line}\n')
    with pytest.raises(BadEventsError, match=r"e\.jsonl:2: is no event"):
        events.read(path)
