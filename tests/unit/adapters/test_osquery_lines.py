"""What a line of osquery's result log means, after the shapes that osquery documents."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.osquery import LONGEST_VALUE, MOST_COLUMNS, MOST_ROWS, Result, read

AT = datetime(2026, 11, 27, 9, 30, 12, tzinfo=UTC)
HEAD: dict[str, Any] = {
    "name": "pack_it_listening_ports",
    "hostIdentifier": "web-01.example",
    "calendarTime": "Fri Nov 27 09:30:12 2026 UTC",
    "unixTime": int(AT.timestamp()),
    "epoch": 0,
    "counter": 4,
    "numerics": False,
}
PORT = {"address": "10.9.0.1", "pid": "811", "port": "8443", "protocol": "6"}
GONE = {"address": "127.0.0.1", "pid": "77", "port": "25", "protocol": "6"}


def line(**said: Any) -> str:
    return json.dumps(HEAD | said)


def only(text: str) -> Result:
    found = read(text)
    assert found is not None
    (one,) = found
    return one


@pytest.mark.parametrize("action", ["added", "removed", "snapshot"])
def test_an_event_is_one_row(action: str) -> None:
    one = only(line(action=action, columns=PORT, decorations={"user": "root"}))
    assert (one.identifier, one.query) == ("web-01.example", "pack_it_listening_ports")
    assert (one.action, one.at, one.epoch, one.counter) == (action, AT, 0, 4)
    assert (one.rows, one.whole) == ((PORT,), True)


def test_a_snapshot_is_all_that_there_was() -> None:
    one = only(line(action="snapshot", snapshot=[PORT, GONE]))
    assert (one.action, one.rows) == ("snapshot", (PORT, GONE))
    assert only(line(action="snapshot", snapshot=[])).rows == ()


def test_a_batch_says_what_went_and_what_came() -> None:
    found = read(line(diffResults={"added": [PORT], "removed": [GONE]}))
    assert found is not None
    assert [(one.action, one.rows) for one in found] == [("removed", (GONE,)), ("added", (PORT,))]
    assert [
        one.action for one in read(line(diffResults={"added": [PORT], "removed": ""})) or ()
    ] == ["added"]


def test_an_older_osquery_writes_text_and_another_name() -> None:
    older = {name: str(value) for name, value in HEAD.items() if name != "hostIdentifier"}
    one = only(json.dumps(older | {"hostname": "db.example", "action": "added", "columns": PORT}))
    assert (one.identifier, one.at, one.counter) == ("db.example", AT, 4)


def test_numbers_of_a_numeric_log_are_text_here() -> None:
    one = only(line(numerics=True, action="added", columns={"port": 8443, "load": 0.5}))
    assert one.rows == ({"port": "8443", "load": "0.5"},)


@pytest.mark.parametrize(
    "text",
    [
        "", "I1127 09:30:12 811 scheduler.cpp:105] Executing", "[]", "7", "{", '{"a":' * 9000,
        json.dumps(HEAD), line(action="added"), line(action="eaten", columns=PORT),
        line(action="added", columns=[PORT]), line(action="snapshot", snapshot="all"),
        line(diffResults="none"), line(diffResults={"added": ""}),
        line(action="added", columns=PORT, hostIdentifier=""),
        line(action="added", columns=PORT, hostIdentifier=7),
        line(action="added", columns=PORT, hostIdentifier="web-01.example "),
        line(action="added", columns=PORT, hostIdentifier="web\u202e-01"),
        line(action="added", columns=PORT, name="x" * 101),
        line(action="added", columns=PORT, unixTime="yesterday"),
        line(action="added", columns=PORT, unixTime=-1),
        line(action="added", columns=PORT, unixTime=10**17),
        line(action="added", columns=PORT, unixTime=True),
    ],
)  # fmt: skip
def test_what_is_no_result_is_none(text: str) -> None:
    assert read(text) is None


def test_hostile_rows_are_cut_and_say_so() -> None:
    loud = {"cmdline": "\x1b[31mrm\x00 -rf\u202e " + "A" * 9000}
    one = only(line(action="added", columns=loud))
    assert not one.whole
    assert len(one.rows[0]["cmdline"]) == LONGEST_VALUE
    assert one.rows[0]["cmdline"].startswith("rm -rf A")
    wide = only(line(action="added", columns={f"c{n}": "" for n in range(MOST_COLUMNS + 1)}))
    assert (len(wide.rows[0]), wide.whole) == (MOST_COLUMNS, False)
    long = only(line(action="snapshot", snapshot=[PORT] * (MOST_ROWS + 1)))
    assert (len(long.rows), long.whole) == (MOST_ROWS, False)
    nested = only(line(action="added", columns={"port": ["1"], "pid": "2"}))
    assert (nested.rows, nested.whole) == (({"pid": "2"},), False)


def test_the_same_result_has_the_same_id_and_another_has_not() -> None:
    said = only(line(action="added", columns=PORT))
    again = only(line(action="added", columns=dict(reversed(PORT.items())), calendarTime="now"))
    assert said.id == again.id
    others = [
        line(action="removed", columns=PORT),
        line(action="added", columns=GONE),
        line(action="added", columns=PORT, counter=5),
        line(action="added", columns=PORT, epoch=1),
        line(action="added", columns=PORT, unixTime=HEAD["unixTime"] + 1),
        line(action="added", columns=PORT, hostIdentifier="db"),
    ]
    assert len({said.id, *(only(other).id for other in others)}) == 1 + len(others)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*HEAD, "action", "columns", "snapshot", "diffResults"]), JSON, max_size=8
    )
)
def test_no_line_breaks_the_reader(said: dict[str, Any]) -> None:
    for text in (json.dumps(said), line(**said)):
        for one in read(text) or ():
            assert one.identifier
            assert len(one.rows) <= MOST_ROWS
            assert all("\0" not in v for row in one.rows for v in row.values())
            assert len(one.id) == 64
