"""Whose word counts: the table, and what follows from it for whatever is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.cmdb.precedence import (
    EXISTS,
    FOREIGN,
    LIFELINE,
    OWNERS,
    TABLE,
    Claim,
    order_of,
    stands,
)  # fmt: skip

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SOURCES = ("site", "desk", "import:a", "import:b", "itop", "discovery")
FIELDS = (EXISTS, "name", "impact", LIFELINE, "host", "attributes.unit", "attributes.os")
CLAIMS = st.lists(
    st.builds(
        Claim,
        field=st.sampled_from(FIELDS),
        source=st.sampled_from(SOURCES),
        value=st.sampled_from([True, False, "a", 1]),
        since=st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours)),
    ),
    unique_by=lambda one: (one.field, one.source),
)


def by_field(claims):
    return {one.field: one for one in stands(claims)}


@given(CLAIMS, st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_said_changes_nothing(claims, dice) -> None:
    shuffled = dice.sample(claims, len(claims))
    assert stands(claims) == stands(shuffled)


@given(CLAIMS)
def test_no_word_is_lost_but_of_who_may_not_speak_of_it(claims) -> None:
    found = [one for stand in stands(claims) for one in (stand.counts, *stand.besides)]
    may = [one for one in claims if one.kind in order_of(one.field)]
    assert sorted(found, key=repr) == sorted(may, key=repr)


@given(CLAIMS)
def test_a_foreign_word_counts_only_where_the_owner_says_nothing(claims) -> None:
    for stand in stands(claims):
        spoken = {one.kind for one in claims if one.field == stand.field}
        assert stand.held == bool(spoken & set(OWNERS))


@given(CLAIMS)
def test_no_foreign_word_changes_what_the_gate_reads(claims) -> None:
    held = {one.field: one.counts for one in stands(claims) if one.held}
    without = [one for one in claims if one.kind not in FOREIGN]
    assert held == {one.field: one.counts for one in stands(without)}


@given(st.dictionaries(st.sampled_from(SOURCES[:4]), st.booleans(), min_size=1))
def test_whoever_calls_a_ci_a_lifeline_is_believed(said) -> None:
    claims = [Claim(LIFELINE, source, value, NOON) for source, value in said.items()]
    assert by_field(claims)[LIFELINE].counts.value is any(said.values())


@given(CLAIMS, st.sampled_from(SOURCES))
def test_taking_a_word_back_that_does_not_count_changes_nothing_that_does(claims, source) -> None:
    before = by_field(claims)
    behind = {one for stand in before.values() for one in stand.besides if one.source == source}
    after = by_field([one for one in claims if one not in behind])
    assert {name: one.counts for name, one in after.items()} == {
        name: one.counts for name, one in before.items()
    }


def test_among_words_of_one_rank_the_newer_counts() -> None:
    old = Claim("name", "import:a", "old", NOON)
    new = replace(old, source="import:b", value="new", since=NOON + timedelta(hours=1))
    assert by_field([old, new])["name"].counts == new


def test_the_table_lets_foreign_sources_speak_of_nothing_that_the_gate_decides_by() -> None:
    for field in (EXISTS, LIFELINE, "host", "impact", "urgency", "user_facing", "managed_by"):
        assert set(order_of(field)) == set(OWNERS)
    for order in TABLE.values():
        assert tuple(order[: len(OWNERS)]) == OWNERS
    assert order_of("attributes.os")[-2:] == ("discovery", "itop")
    assert order_of("attributes.unit")[-2:] == ("itop", "discovery")
