"""What ethops holds, as facts: what is counted, and what says nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.cmdb.port import CI, Host
from adapters.compliance.collectors import COLLECTORS, observe
from adapters.telemetry.port import Observer, Result
from ethops.desk import evidence_facts as facts

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEB = {"name": "bash", "version": "5.2", "arch": "amd64"}
USER = {"username": "root", "uid": "0", "shell": "/bin/bash", "description": "do as I say"}
DISK = {"name": "/dev/dm-0", "encrypted": "1", "type": "LUKS"}
SYSTEM = {"name": "Debian", "version": "12", "platform": "debian", "major": "12", "arch": "x86_64"}


def ci(ref: str, host: str = "", ci_class: str = "vm") -> CI:
    return CI(ref, ref, ci_class, {}, 2, 2, user_facing=False, lifeline=False, host=host,
              source="site", managed_by="declaration")  # fmt: skip


def rule(chain: str = "INPUT", policy: str = "ACCEPT", target: str = "ACCEPT") -> dict[str, str]:
    return {"chain": chain, "policy": policy, "target": target}


def picture(
    *rows, ago_h: float = 1, action: Any = "snapshot", query: str = "q", of: str = "web-01"
):
    return Result(of, query, action, NOON - ago_h * HOUR, rows)


def told(*results):
    classes = {"web-01": "vm", "pad": "laptop"}
    return {(one.scope, one.name): one.values for one in facts.of_results(results, classes)}


def observer(**said) -> Observer:
    usual = {
        "host": "web-01", "source": "pushed", "silent_after_s": 3_600, "skew_s": 30,
        "began_at": NOON - 9 * HOUR, "read_at": NOON - timedelta(minutes=5), "heard_until": None,
        "gap_from": None, "gap_until": None, "clock_off_at": None, "fault": "",
    }  # fmt: skip
    return Observer(**{**usual, **said})


def heard(**said) -> dict[str, object] | None:
    fact = facts.of_observer("web-01", observer(**said), NOON)
    return dict(fact.values) if fact else None


def test_the_inventory_is_counted() -> None:
    one = facts.of_inventory([ci("a", "h"), ci("b", "h"), ci("c")], NOON)
    assert (one.name, one.scope, one.values) == ("inventory", "", {"cis": 3, "hosts": 1})
    assert one.raw_sha256 != facts.of_inventory([ci("a", "h")], NOON).raw_sha256


def test_what_is_no_ci_waits_since_the_first_was_seen() -> None:
    waiting = {"host:a": NOON - timedelta(days=9), "host:b": NOON}
    one = facts.of_unlisted(waiting, left_out=3, watchers=["bus"], at=NOON)
    assert one.values == {"waiting": 5, "oldest_days": 9, "watchers": 1}
    none = facts.of_unlisted({}, left_out=0, watchers=[], at=NOON)
    assert none.values == {"waiting": 0, "oldest_days": 0, "watchers": 0}


def test_a_host_is_reached_as_it_is_declared() -> None:
    host = Host("web-01", "ssh", "10.0.0.5", "deploy", 22, "")
    assert facts.of_host("web-01", host, NOON).values == {"connection": "ssh"}


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ({}, {"heard": True, "lost": False}),
        ({"read_at": NOON - 2 * HOUR}, {"heard": False, "lost": False}),
        ({"fault": "no such file"}, {"heard": False, "lost": False}),
        ({"gap_until": NOON - HOUR}, {"heard": True, "lost": True}),
        ({"gap_until": NOON - 30 * HOUR}, {"heard": True, "lost": False}),
        ({"read_at": None}, None),
    ],
)
def test_a_host_is_heard_or_not(said, values) -> None:
    assert heard(**said) == values


@pytest.mark.parametrize(
    ("rows", "name", "values"),
    [
        ([DEB, DEB], "packages", {"rows": 2}),
        ([USER], "accounts", {"rows": 1}),
        ([DISK, {**DISK, "encrypted": "0"}], "disks", {"rows": 2, "encrypted": 1}),
        ([rule(policy="DROP")], "filter", {"closed": True}),
        ([rule(), rule(target="REJECT")], "filter", {"closed": True}),
        ([rule(target="DROP"), rule()], "filter", {"closed": False}),
        ([rule(chain="FORWARD", policy="DROP"), rule()], "filter", {"closed": False}),
        ([rule(chain="FORWARD", policy="DROP")], "filter", {"closed": False}),
    ],
)
def test_a_picture_is_known_by_its_columns(rows, name, values) -> None:
    assert told(picture(*rows)) == {("web-01", name): {"ci_class": "vm", **values}}


@pytest.mark.parametrize(
    "result",
    [
        picture(), picture(SYSTEM), picture({"pid": "1"}), picture(DEB, action="added"),
        picture(DEB, of="nobody"), picture({"name": "x", "version": "1"}),
    ],
    ids=["empty", "the system", "others", "a difference", "no CI", "too little"],
)  # fmt: skip
def test_what_tells_nothing_is_no_fact(result) -> None:
    assert told(result) == {}


def test_the_newest_picture_counts_and_its_time_is_the_fact_s() -> None:
    seen = [picture(USER, USER, ago_h=5), picture(USER, ago_h=2), picture(USER, of="pad")]
    found = list(facts.of_results(seen, {"web-01": "vm", "pad": "laptop"}))
    assert [(one.scope, one.values["rows"], one.at) for one in found] == [
        ("pad", 1, NOON - HOUR), ("web-01", 1, NOON - 2 * HOUR),
    ]  # fmt: skip


def test_every_fact_has_a_collector_and_repeats_nothing_of_a_host() -> None:
    seen = [picture(one, of=of) for one in (DEB, USER, DISK, rule()) for of in ("web-01", "pad")]
    found = list(facts.of_results(seen, {"web-01": "vm", "pad": "laptop"}))
    assert {one.name for one in found} == set(facts.VALUES) <= set(COLLECTORS)
    said = " ".join(one.said for one in observe(found))
    assert "do as I say" not in said
    assert {one.safeguard for one in observe(found)} == {"2.1", "5.1", "3.6", "4.4", "4.5"}
