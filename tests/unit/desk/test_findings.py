"""What osquery found, as services that run and what a CI says otherwise."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.port import Result
from ethops.desk import findings

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PORT = {"port": "5432", "protocol": "6", "address": "10.0.0.5", "name": "postgres"}
UNIT = {
    "id": "shop.service", "active_state": "active", "sub_state": "running",
    "fragment_path": "/etc/systemd/system/shop.service",
}  # fmt: skip
SYSTEM = {
    "name": "Debian GNU/Linux",
    "version": "12 (bookworm)",
    "platform": "debian",
    "major": "12",
}
KERNEL = {"version": "6.1.0-18-amd64", "arguments": "quiet", "device": "/dev/sda1", "path": "/boot"}


def result(*rows, action="added", minute=0, query="q"):
    return Result("web-01", query, action, NOON + timedelta(minutes=minute), rows)


def seen(*results):
    return {one.thing.key: one for one in findings.of_results(results)}


@pytest.mark.parametrize(
    ("row", "key", "attributes"),
    [
        (PORT, "service:web-01:postgres:5432/tcp",
         {"runs_on": ["web-01"], "listens": "5432/tcp", "process": "postgres"}),
        ({**PORT, "name": ""}, "service:web-01:5432/tcp",
         {"runs_on": ["web-01"], "listens": "5432/tcp"}),
        (UNIT, "service:web-01:shop.service", {"runs_on": ["web-01"], "unit": "shop.service"}),
        (SYSTEM, "attribute:web-01:os", {"os": "Debian GNU/Linux 12"}),
        (KERNEL, "attribute:web-01:kernel", {"kernel": "6.1.0-18-amd64"}),
    ],
    ids=["a port with its process", "a port alone", "a unit", "the system", "the kernel"],
)  # fmt: skip
def test_a_row_is_known_by_its_columns(row, key, attributes):
    (one,) = seen(result(row)).values()
    assert (one.thing.key, one.source, one.at) == (key, "osquery:web-01", NOON)
    assert one.thing.attributes == attributes
    assert one.thing.is_fit


@pytest.mark.parametrize(
    "row",
    [
        {**PORT, "address": "127.0.0.1"}, {**PORT, "address": "::1"}, {**PORT, "port": "40001"},
        {**PORT, "port": "0"}, {**PORT, "protocol": "1"}, {**PORT, "port": "x"},
        {**UNIT, "fragment_path": "/lib/systemd/system/ssh.service"},
        {**UNIT, "active_state": "inactive", "sub_state": "dead"}, {**UNIT, "id": "x.timer"}, {},
    ],
    ids=[
        "on its loop", "on its loop of six", "given out by itself", "no port", "another protocol",
        "words", "of the distribution", "that does not run", "no service", "nothing",
    ],
)  # fmt: skip
def test_what_is_no_service_of_the_site_is_no_sighting(row):
    assert seen(result(row)) == {}


def test_what_went_since_is_not_there_and_what_came_again_is():
    came, went = result(PORT), result(PORT, action="removed", minute=1)
    assert seen(came, went) == {}
    assert seen(went, came) == {}, "in whatever order they are told"
    again = seen(came, went, result(PORT, minute=2))
    assert [one.at for one in again.values()] == [NOON + timedelta(minutes=2)]


def test_a_process_that_began_anew_within_a_second_is_there():
    went, came = result({**PORT, "pid": "1"}, action="removed"), result({**PORT, "pid": "2"})
    assert list(seen(went, came)) == list(seen(came, went)) == ["service:web-01:postgres:5432/tcp"]


def test_of_snapshots_the_newest_is_what_there_is():
    old = result(PORT, {**PORT, "port": "80"}, action="snapshot")
    new = result({**PORT, "port": "81"}, action="snapshot", minute=1)
    assert list(seen(new, old)) == ["service:web-01:postgres:81/tcp"]
    assert seen(old, result(action="snapshot", minute=2)) == {}
    assert len(seen(old, result(PORT, action="snapshot", minute=1, query="other"))) == 2


def ports(*numbers):
    return [{**PORT, "port": str(number), "name": ""} for number in numbers]


def test_beyond_the_bounds_the_oldest_rows_are_not_read(monkeypatch):
    monkeypatch.setattr(findings, "MOST_OF_CI", 2)
    told = [result(row, minute=n) for n, row in enumerate(ports(1, 2, 3))]
    assert list(seen(*told)) == ["service:web-01:3/tcp", "service:web-01:2/tcp"]
    other = Result("db-01", "q", "added", NOON - timedelta(hours=1), tuple(ports(7, 8)))
    of_other = ["service:db-01:7/tcp", "service:db-01:8/tcp"]
    assert list(seen(*told, other))[2:] == of_other, "who says much hides nobody"


@given(st.lists(st.dictionaries(st.sampled_from([*PORT, *UNIT, *SYSTEM, *KERNEL]), st.text())))
def test_no_row_of_a_host_breaks_the_look(rows):
    for one in findings.of_results([result(*rows)]):
        assert len(one.thing.name) <= 110
