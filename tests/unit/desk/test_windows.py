"""What a maintenance window covers, and what is wrong with one that is to be declared."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.desk.windows import Window, faults

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = Window(NOW, NOW + HOUR, everything=True)
CIS = Window(NOW, NOW + HOUR, cis=frozenset({"node-1"}))
GROUP = Window(NOW, NOW + HOUR, group={"rack": "r1", "row": "2"})

labels = st.dictionaries(st.sampled_from(["rack", "row", "site"]), st.sampled_from(["r1", "2", ""]))
places = st.frozensets(st.sampled_from(["node-1", "node-2", "web"]))


@given(labels, places, st.sampled_from([ALL, CIS, GROUP]), st.integers(-100, 4_000))
def test_it_covers_only_while_it_lasts(said, where, window, seconds):
    at = NOW + timedelta(seconds=seconds)
    lasts = window.begins_at <= at < window.ends_at
    assert lasts or not window.covers(said, where, at)


@given(labels, places)
def test_cis_cover_by_place_alone(said, where):
    assert CIS.covers(said, where, NOW) == ("node-1" in where)


@given(labels, places)
def test_a_group_covers_by_all_of_its_labels_alone(said, where):
    assert GROUP.covers(said, where, NOW) == (said.get("rack") == "r1" and said.get("row") == "2")


@given(labels, places)
def test_everything_is_everything(said, where):
    assert ALL.covers(said, where, NOW)


@given(labels, places)
def test_a_window_of_nothing_covers_nothing(said, where):
    assert not Window(NOW, NOW + HOUR).covers(said, where, NOW)


@pytest.mark.parametrize("window", [ALL, CIS, GROUP])
def test_what_is_right_has_no_fault(window):
    assert faults(window, "New disks.", NOW) == {}


@pytest.mark.parametrize(
    ("window", "why", "field"),
    [
        (Window(NOW, NOW + HOUR), "x", "scope"),
        (replace(ALL, cis=frozenset({"a"})), "x", "scope"),
        (replace(ALL, ends_at=NOW), "x", "ends_at"),
        (replace(ALL, ends_at=NOW - HOUR), "x", "ends_at"),
        (replace(ALL, begins_at=NOW - HOUR, ends_at=NOW), "x", "ends_at"),
        (replace(ALL, ends_at=NOW + 25 * HOUR), "x", "ends_at"),
        (replace(CIS, ends_at=NOW + 24 * 31 * HOUR), "x", "ends_at"),
        (replace(CIS, begins_at=NOW - 2 * HOUR), "x", "begins_at"),
        (replace(CIS, cis=frozenset(map(str, range(201)))), "x", "cis"),
        (replace(GROUP, group={str(n): "x" for n in range(9)}), "x", "group"),
        (ALL, " \n", "why"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(window, why, field):
    assert set(faults(window, why, NOW)) == {field}
