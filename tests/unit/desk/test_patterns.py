"""Which repairs are the same, and when that is once too often: against a plainer count."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.desk import patterns
from ethops.desk.patterns import Repaired

START = datetime(2026, 3, 1, tzinfo=UTC)


def repair(number, entry="restart", ci="web-01", alert="Hangs", ci_class="service"):
    return Repaired(
        action=UUID(int=number), ticket=f"INC-{number}", entry=entry, ci=ci, ci_class=ci_class,
        alert=alert, card="responder", at=START + timedelta(hours=number),
    )  # fmt: skip


def too_often(repairs):
    return sorted(one.key for one in patterns.patterns(repairs) if patterns.is_too_often(one))


CASES = {
    "twice on one CI": ([repair(1), repair(2)], []),
    "three times on one CI": ([repair(n) for n in (1, 2, 3)], ["repair:restart:ci:web-01"]),
    "three entries on one CI": ([repair(n, entry=f"e{n}") for n in (1, 2, 3)], []),
    "three CIs of a class, one alert": (
        [repair(n, ci=f"web-0{n}") for n in (1, 2, 3)],
        ["repair:restart:class:service:Hangs"],
    ),
    "three CIs of a class, three alerts": (
        [repair(n, ci=f"web-0{n}", alert=f"A{n}") for n in (1, 2, 3)],
        [],
    ),
    "three CIs of three classes": (
        [repair(n, ci=f"web-0{n}", ci_class=f"c{n}") for n in (1, 2, 3)],
        [],
    ),
    "two CIs of a class, three times": (
        [repair(1, ci="a"), repair(2, ci="b"), repair(3, ci="a")],
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_when_it_is_once_too_often(name):
    repairs, wanted = CASES[name]
    assert too_often(repairs) == wanted


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("uvwx"), st.sampled_from(["", "A", "B"])),
        max_size=12,
    )
)
def test_against_a_plainer_count(made):
    repairs = [repair(n, entry, ci, alert) for n, (entry, ci, alert) in enumerate(made)]
    by_ci = Counter((entry, ci) for entry, ci, _ in made)
    wanted = [f"repair:{entry}:ci:{ci}" for (entry, ci), n in by_ci.items() if n >= 3]
    for entry, alert in {(entry, alert) for entry, _, alert in made if alert}:
        if len({ci for e, ci, a in made if (e, a) == (entry, alert)}) >= 3:
            wanted.append(f"repair:{entry}:class:service:{alert}")
    assert too_often(repairs) == sorted(wanted)


def test_what_came_before_a_problem_was_closed_counts_no_more():
    (found, _) = patterns.patterns([repair(n) for n in (1, 2, 3)])
    assert patterns.since(found, START + timedelta(hours=2)).incidents == ("INC-3",)


def test_the_entry_is_read_from_the_key():
    assert patterns.entry_of(patterns.ci_key(repair(1))) == "restart"


@pytest.mark.parametrize("key", ["", "ci:web-01:Hangs", "alert:x"])
def test_other_keys_name_no_entry(key):
    assert patterns.entry_of(key) == ""
