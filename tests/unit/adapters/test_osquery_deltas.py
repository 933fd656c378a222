"""What differs on a CI: changes added up, snapshots held against each other."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.deltas import Kept, of
from adapters.telemetry.osquery import Action

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)


def kept(
    action: Action, *rows: str, ago_h: float = 1, counter: int = 3, whole: bool = True,
    query: str = "ports",
) -> Kept:  # fmt: skip
    found = tuple({"port": row} for row in rows)
    return Kept(query, action, NOW - timedelta(hours=ago_h), counter, found, whole)


def said(*results: Kept, shown: int = 10, lost: bool = False) -> list[tuple[list[str], list[str]]]:
    return [
        ([row["port"] for row in one.added], [row["port"] for row in one.removed])
        for one in of(results, SINCE, shown=shown, lost=lost)
    ]


def test_what_came_and_went_again_is_no_difference() -> None:
    assert said(kept("added", "1", ago_h=3), kept("removed", "1", ago_h=2)) == []
    assert said(kept("removed", "1", ago_h=3), kept("added", "1", "2")) == [(["2"], [])]


def test_what_is_older_does_not_count() -> None:
    assert said(kept("added", "1", ago_h=25), kept("removed", "2")) == [([], ["2"])]


def test_how_a_query_begins_is_no_news_and_not_the_whole() -> None:
    (delta,) = of([kept("added", "1", "2", counter=0), kept("added", "3")], SINCE, shown=10)
    assert ([row["port"] for row in delta.added], delta.whole) == (["3"], False)
    (alone,) = of([kept("added", "1", counter=0)], SINCE, shown=10)
    assert (alone.came, alone.went, alone.whole) == (0, 0, False)


def test_the_newest_snapshot_is_held_against_the_one_that_was_there_then() -> None:
    pictures = [
        kept("snapshot", "0", ago_h=40),
        kept("snapshot", "1", "2", ago_h=26),
        kept("snapshot", "1", "9", ago_h=12),
        kept("snapshot", "1", "3", ago_h=1),
    ]
    (delta,) = of(pictures, SINCE, shown=10)
    assert (delta.added, delta.removed) == (({"port": "3"},), ({"port": "2"},))
    assert (delta.begin, delta.end) == (NOW - timedelta(hours=26), NOW - timedelta(hours=1))


def test_without_one_of_then_the_oldest_is_taken() -> None:
    assert said(kept("snapshot", "1", ago_h=5), kept("snapshot", "2")) == [(["2"], ["1"])]
    assert said(kept("snapshot", "1")) == []


def test_rows_of_one_snapshot_may_come_one_by_one() -> None:
    before = [kept("snapshot", "1", ago_h=25), kept("snapshot", "2", ago_h=25)]
    assert said(*before, kept("snapshot", "2"), kept("snapshot", "1")) == []


def test_what_is_cut_or_lost_is_not_the_whole() -> None:
    (cut,) = of([kept("added", "1", whole=False)], SINCE, shown=10)
    (lost,) = of([kept("added", "1")], SINCE, shown=10, lost=True)
    assert not cut.whole
    assert not lost.whole


def test_few_are_shown_and_all_are_counted() -> None:
    (delta,) = of([kept("added", *map(str, range(30)))], SINCE, shown=2)
    assert (delta.came, len(delta.added)) == (30, 2)


def test_queries_are_told_apart() -> None:
    found = of([kept("added", "1", query="b"), kept("added", "2", query="a")], SINCE, shown=1)
    assert [delta.query for delta in found] == ["a", "b"]


ROWS = st.lists(st.sampled_from("abc"), max_size=6)


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_changes_and_snapshots_of_one_world_say_the_same(worlds: list[list[str]]) -> None:
    """A host that logs a query both ways has one difference."""
    pictures = [kept("snapshot", *rows, ago_h=20 - n) for n, rows in enumerate(worlds)]
    steps: list[Kept] = []
    for n in range(1, len(worlds)):
        came, went = Counter(worlds[n]), Counter(worlds[n - 1])
        for action, rows in (("added", came - went), ("removed", went - came)):
            if rows:
                steps.append(kept(action, *rows.elements(), ago_h=20 - n))  # type: ignore[arg-type]
    assert said(*pictures) == said(*steps)
