"""What ansible-runner's own record of a play proves: a pure table, no I/O."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.text import one_line, plain
from audit.canonical import JSON
from ethops.executor.effects import Finding

LONGEST_TEXT = 500
LONGEST_LIST = 12
LONGEST_RESULT = 4000
LARGEST_NUMBER = 2**63
CHECK_FLAGS = frozenset({"--check", "-C", "--syntax-check", "--list-tasks", "--list-hosts"})
FAULTS = frozenset({"runner_on_failed", "runner_on_unreachable", "runner_on_async_failed"})


@dataclass(frozen=True, slots=True)
class Play:
    """What was left behind by a play; `rc` is None where it never came to its own end."""

    rc: int | None
    command: Sequence[str]
    events: Sequence[Mapping[str, JSON]]


def judge(play: Play, host: str) -> Finding:
    """Tell whether the play did on this host what it was meant to do."""
    reports = list(_reports(play.events))
    facts: dict[str, JSON] = {"rc": play.rc, "report": bounded(_merged(reports))}
    if play.rc is None:
        return Finding("unknown", {**facts, "said": "the play began and was cut off"})
    fault = (
        _wrong_mode(play.command, reports)
        or _first_fault(play.events)
        or _wrong_hosts(_stats(play.events), host)
    )
    if play.rc != 0 or fault:
        said = fault or f"ansible-playbook ended with code {play.rc}"
        return Finding("failed", {**facts, "said": one_line(said, LONGEST_TEXT)})
    return Finding("done", {**facts, "said": one_line(in_words(reports), LONGEST_TEXT)})


def in_words(reports: Iterable[Mapping[str, JSON]]) -> str:
    """Return the reports' plain values as one short text, like `files 3, bytes 40`."""
    simple = {
        name: value
        for name, value in _merged(reports).items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in simple.items())


def bounded(value: JSON) -> JSON:
    """Return a value from a host made safe to keep: clean text, short lists, few bytes.

    JSON knows no NaN and jsonb no NUL: what the database would refuse becomes text.
    """
    kept = _clean(value, depth=0)
    text = json.dumps(kept, allow_nan=False)
    return kept if len(text) <= LONGEST_RESULT else {"cut": text[: LONGEST_RESULT - 200]}


def _clean(value: JSON, depth: int) -> JSON:
    if isinstance(value, str):
        return plain(value, LONGEST_TEXT)
    if value is None or isinstance(value, bool | int | float):
        return _number(value)
    if depth == 4:
        return "..."
    if isinstance(value, Mapping):
        items = list(value.items())[:LONGEST_LIST]
        return {one_line(str(key), 60): _clean(item, depth + 1) for key, item in items}
    return [_clean(item, depth + 1) for item in value[:LONGEST_LIST]]


def _number(value: float | None) -> JSON:
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _reports(events: Iterable[Mapping[str, JSON]]) -> Iterable[Mapping[str, JSON]]:
    for event in events:
        report = _result(event).get("report")
        if isinstance(report, Mapping):
            yield report


def _merged(reports: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    merged: dict[str, JSON] = {}
    for report in reports:
        merged |= {name: value for name, value in report.items() if name != "check"}
    return merged


def _wrong_mode(command: Sequence[str], reports: Iterable[Mapping[str, JSON]]) -> str:
    if CHECK_FLAGS & set(command) or any(report.get("check") is True for report in reports):
        return "the play ran in check mode: nothing was done"
    return ""


def _first_fault(events: Iterable[Mapping[str, JSON]]) -> str:
    for event in events:
        data = _mapping(event.get("event_data"))
        if event.get("event") in FAULTS and not data.get("ignore_errors"):
            return f"{data.get('task', 'a task')}: {_result(event).get('msg', 'no reason given')}"
    return ""


def _stats(events: Iterable[Mapping[str, JSON]]) -> Mapping[str, JSON]:
    for event in events:
        if event.get("event") == "playbook_on_stats":
            return _mapping(event.get("event_data"))
    return {}


def _wrong_hosts(stats: Mapping[str, JSON], host: str) -> str:
    """A play that matched no host ends with code 0 and has done nothing."""
    if any(_mapping(stats.get(name)) for name in ("dark", "failures")):
        return "a host was not reached or failed"
    if set(_mapping(stats.get("ok"))) != {host}:
        return f"the play did not run on {host} alone"
    return ""


def _result(event: Mapping[str, JSON]) -> Mapping[str, JSON]:
    return _mapping(_mapping(event.get("event_data")).get("res"))


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}
