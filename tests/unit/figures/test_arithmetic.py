"""The figures against an oracle that counts them in another way, over random histories."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethops.figures import arithmetic, episodes
from ethops.figures.arithmetic import Share
from ethops.figures.facts import Change, Episode, Incident, Passage, Promise, Repair
from tests.unit.figures import oracle

START = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = 30 * 86_400
SECOND = st.integers(0, MONTH)
BY = st.sampled_from(["agent", "person", "itself"])
EXAMPLES = settings(max_examples=400)


def at(second):
    return None if second is None else START + timedelta(seconds=second)


def incident(cause="c", starts=((0, None, "itself"),), *, ref="INC-1", cis=("a",), **more):
    times = tuple(Episode(at(began), at(end), None, by) for began, end, by in starts)
    values = {
        "opened_at": times[0].began, "first_bad_at": None, "taken_at": None, "taken_by": None,
        **more,
    }  # fmt: skip
    return Incident(ref=ref, cause=cause, cis=frozenset(cis), episodes=times, **values)


def parts(shares):
    return {by: [one.good, one.of, one.too_soon] for by, one in shares.items()}


@st.composite
def lives(draw):
    """The times that one incident was open: ends and beginnings take turns."""
    marks = sorted(draw(st.lists(SECOND, min_size=1, max_size=6, unique=True)))
    pairs = [marks[i : i + 2] for i in range(0, len(marks), 2)]
    return [(pair[0], pair[1] if len(pair) > 1 else None, draw(BY)) for pair in pairs]


HISTORIES = st.lists(st.tuples(st.sampled_from("abc"), lives()), max_size=12)


@EXAMPLES
@given(st.lists(st.floats(-1e6, 1e6)))
def test_spread(values):
    found, wanted = arithmetic.spread(values), oracle.spread(values)
    if wanted is None:
        assert found is None
    else:
        assert (found.count, found.median_s, found.p90_s) == (wanted[0], *wanted[2:])
        assert found.mean_s == pytest.approx(wanted[1])


@EXAMPLES
@given(HISTORIES, SECOND)
def test_what_was_opened_again(history, now):
    made = [incident(cause, life, ref=f"INC-{n}") for n, (cause, life) in enumerate(history)]
    assert parts(arithmetic.reopened(made, at(now))) == oracle.reopened(history, now)


@EXAMPLES
@given(HISTORIES, SECOND)
def test_what_came_back(history, now):
    made = [incident(cause, life, ref=f"INC-{n}") for n, (cause, life) in enumerate(history)]
    assert parts(arithmetic.came_back(made, at(now))) == oracle.came_back(history, now)


@EXAMPLES
@given(
    SECOND,
    st.none() | SECOND,
    st.lists(st.tuples(SECOND, st.sampled_from(["agent", "person", "rule"])), max_size=5),
    st.lists(
        st.tuples(SECOND, st.sampled_from(["agent", "person"]), st.booleans(), st.booleans()),
        max_size=5,
    ),
)
def test_who_mended_it(began, until, moves, repairs):
    passages = [Passage(at(second), "ev_assign", author) for second, author in moves]
    made = [
        Repair("INC-1", "e", by, at(second), at(second), done, healed_alone=alone)
        for second, by, done, alone in repairs
    ]
    found = episodes.mended_by(at(began), at(until), passages, made)
    wanted = oracle.mended(began, until, moves, repairs)
    latest = {second for second, *_ in [*moves, *repairs]}
    # Two hands within one second are both the last.
    assert found == wanted or len(latest) < len(moves) + len(repairs)


REFS = [f"INC-{n}" for n in range(5)]
CIS = st.frozensets(st.sampled_from("abc"), max_size=2)


@st.composite
def changes(draw):
    began, ended, until = sorted(draw(st.lists(SECOND, min_size=3, max_size=3)))
    some = st.frozensets(st.sampled_from(REFS), max_size=2)
    solves = draw(some)
    follows = draw(st.just(frozenset()) | some) - solves
    by = draw(st.sampled_from(["agent", "person"]))
    return by, draw(CIS), began, ended, until, draw(st.booleans()), solves, follows


@EXAMPLES
@given(
    st.lists(changes(), max_size=5),
    st.lists(st.tuples(CIS, lives()), max_size=5),
    SECOND,
)
def test_what_changes_came_to(made, found, now):
    told = {
        ref: (cis, [b for b, *_ in life]) for ref, (cis, life) in zip(REFS, found, strict=False)
    }
    incidents = [
        incident("c", life, ref=ref, cis=cis) for ref, (cis, life) in zip(REFS, found, strict=False)
    ]
    rows = [
        Change("CHG-1", by, cis, at(began), at(ended), at(until), ok, solves, follows)
        for by, cis, began, ended, until, ok, solves, follows in made
    ]
    assert parts(arithmetic.succeeded(rows, incidents, at(now))) == oracle.success(made, told, now)


def test_a_repair_counts_from_the_first_bad_sample_to_the_last_end():
    ended = (Episode(at(60), at(100), at(90), "agent"), Episode(at(200), at(400), at(360), "agent"))
    one = Incident("INC-1", "c", at(60), at(30), at(61), "agent", frozenset(), ended)
    assert arithmetic.repair([one], frozenset({"agent"})).mean_s == 330


@pytest.mark.parametrize(("by", "counted"), [("agent", True), ("person", True), ("itself", False)])
def test_what_healed_alone_is_in_no_figure_of_repair(by, counted):
    ended = (Episode(at(60), at(100), at(90), by),)
    one = Incident("INC-1", "c", at(60), at(30), None, None, frozenset(), ended)
    found = arithmetic.repair([one], frozenset({"agent", "person"}))
    assert (found is not None) is counted


def test_what_was_never_seen_well_is_in_no_figure_of_repair():
    ended = (Episode(at(60), at(100), None, "agent"),)
    one = Incident("INC-1", "c", at(60), at(30), None, None, frozenset(), ended)
    assert arithmetic.repair([one], frozenset({"agent"})) is None


def test_a_rule_takes_nothing():
    moves = [Passage(at(5), "ev_escalate", "rule"), Passage(at(9), "ev_assign", "person")]
    assert episodes.taken(moves) == (at(9), "person")


def tried(ticket, entry, second, verdict="right", *, done=True, alone=False):
    moment = at(second)
    return Repair(ticket, entry, "agent", moment, moment, done, verdict, alone)


FIRST = {
    "right and enough": ([tried("1", "e", 1)], (1, 1, 0)),
    "right, and more was needed": ([tried("1", "e", 1), tried("1", "f", 2)], (0, 1, 0)),
    "wrong": ([tried("1", "e", 1, "wrong")], (0, 1, 0)),
    "failed": ([tried("1", "e", 1, "", done=False)], (0, 1, 0)),
    "not judged yet": ([tried("1", "e", 1, "")], (0, 0, 1)),
    "on what was well": ([tried("1", "e", 1, "unknown", alone=True)], None),
    "two tickets": ([tried("1", "e", 1), tried("2", "e", 2, "wrong")], (1, 2, 0)),
    "not in the order of rows": ([tried("1", "f", 2), tried("1", "e", 1)], (0, 1, 0)),
}


@pytest.mark.parametrize("name", FIRST)
def test_first_time_right(name):
    repairs, wanted = FIRST[name]
    found = {one.entry: one for one in arithmetic.first_time_right(repairs)}
    one = found.get("e")
    assert (one and (one.right, one.of, one.unknown)) == wanted


def test_promises_by_class_and_clock():
    made = [Promise("incident", "ttr", kept=True), Promise("incident", "ttr", kept=False)]
    assert arithmetic.kept(made) == {("incident", "ttr"): Share(1, 2)}


@pytest.mark.parametrize(("share", "wanted"), [(Share(), None), (Share(1, 4), 0.25)])
def test_a_share_of_nothing_is_none(share, wanted):
    assert share.share == wanted
