"""What ansible-runner's record of a play proves."""

import json
from typing import Any

import pytest

from ethops.executor.findings import LONGEST_RESULT, Play, bounded, judge

COMMAND = ["ansible-playbook", "-i", "inventory", "playbook.yaml"]


def ok(report=None, task="Do it"):
    res = {"changed": True} | ({"report": report} if report is not None else {})
    return {"event": "runner_on_ok", "event_data": {"task": task, "host": "web1", "res": res}}


def failed(message, **data):
    res = {"msg": message}
    return {"event": "runner_on_failed", "event_data": {"task": "Do it", "res": res} | data}


def stats(**sums):
    data = {"ok": {"web1": 2}, "failures": {}, "dark": {}} | sums
    return {"event": "playbook_on_stats", "event_data": data}


CASES = [
    ("done", 0, COMMAND, [ok({"new_pid": 7, "check": False}), stats()], "done", "new pid 7"),
    ("cut off", None, COMMAND, [ok()], "unknown", "cut off"),
    ("task failed", 2, COMMAND, [failed("no such unit"), stats()], "failed", "no such unit"),
    ("ignored", 0, COMMAND, [failed("x", ignore_errors=True), ok({"a": 1}), stats()], "done", "a"),
    ("check flag", 0, [*COMMAND, "--check"], [ok(), stats()], "failed", "check mode"),
    ("check told", 0, COMMAND, [ok({"check": True}), stats()], "failed", "check mode"),
    ("no host", 0, COMMAND, [stats(ok={})], "failed", "did not run on web1 alone"),
    ("two hosts", 0, COMMAND, [stats(ok={"web1": 1, "web2": 1})], "failed", "alone"),
    ("no stats", 0, COMMAND, [ok()], "failed", "alone"),
    ("not reached", 0, COMMAND, [stats(dark={"web1": 1})], "failed", "not reached"),
    ("no reason", 4, COMMAND, [stats()], "failed", "code 4"),
]


@pytest.mark.parametrize(
    ("rc", "command", "events", "kind", "said"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_record_proves_one_thing(rc, command, events, kind, said):
    found = judge(Play(rc, command, events), "web1")
    assert (found.kind, said in str(found.result["said"])) == (kind, True)


def test_text_from_a_host_is_kept_without_control_characters():
    found = judge(Play(2, COMMAND, [failed("\x1b[31mred\x1b[0m\r\x07\u202egnp"), stats()]), "web1")
    assert found.result["said"] == "Do it: red gnp"


@pytest.mark.parametrize(
    "hostile",
    [
        {"a": "x" * 100_000},
        {str(n): "y" * 10_000 for n in range(1000)},
        [["z" * 1000] * 1000] * 1000,
        {"a": {"b": {"c": {"d": {"e": {"f": "deep"}}}}}},
    ],
    ids=["long", "wide", "nested lists", "deep"],
)
def test_a_report_stays_small_whatever_a_host_says(hostile):
    assert len(json.dumps(bounded(hostile))) <= LONGEST_RESULT + 100


def test_what_the_database_would_refuse_becomes_text():
    read = json.loads('{"a": [NaN, -Infinity, 1e999], "b": "nul \\u0000 \\ud800", "c": 2}')
    said = bounded({**read, "huge": 2**70, "most": 2**63 - 1})
    assert said == {
        "a": ["nan", "-inf", "inf"],
        "b": "nul",
        "c": 2,
        "huge": "a number of 71 bits",
        "most": 2**63 - 1,
    }


def test_a_record_that_is_no_record_proves_nothing_good():
    events: list[Any] = [{"event": "runner_on_ok", "event_data": "text"}, {"event": 5}, {}]
    assert judge(Play(0, COMMAND, events), "web1").kind == "failed"
