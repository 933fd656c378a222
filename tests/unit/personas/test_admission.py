"""The policy of admission: bounds, order, and that nobody starves."""

from hypothesis import given
from hypothesis import strategies as st

from personas.runtime.admission import (
    LONGEST_LEAD,
    LONGEST_RETRY_SECONDS,
    Places,
    Waiting,
    admitted,
    estimated_start,
    position,
    retry_after,
    turn,
)

CARDS = ("triage", "responder", "notebook")
waiting_ones = st.lists(
    st.builds(
        Waiting,
        id=st.uuids().map(str),
        card=st.sampled_from(CARDS),
        priority=st.integers(0, 4),
        at=st.floats(0, 2000),
        due=st.none() | st.floats(0, 5000),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)
places = st.builds(
    Places,
    environment=st.integers(0, 8),
    cards=st.dictionaries(st.sampled_from(CARDS), st.integers(0, 4)),
)


@given(waiting_ones, places)
def test_no_more_begin_than_there_are_places(waiting, free):
    chosen = admitted(waiting, free)
    assert len(chosen) <= free.environment
    for card, most in free.cards.items():
        assert sum(one.card == card for one in chosen) <= most


@given(waiting_ones, places)
def test_no_place_stays_free_that_somebody_could_have(waiting, free):
    chosen = admitted(waiting, free)
    left = [one for one in waiting if one not in chosen]
    used = {card: sum(one.card == card for one in chosen) for card in CARDS}
    could = [
        one for one in left if one.card not in free.cards or used[one.card] < free.cards[one.card]
    ]
    assert not could or len(chosen) == free.environment


@given(waiting_ones, places)
def test_the_more_urgent_goes_first_among_those_who_came_together(waiting, free):
    together = [Waiting(one.id, one.card, one.priority, 0.0, one.due) for one in waiting]
    chosen = admitted(together, Places(free.environment, {}))
    left = [one for one in together if one not in chosen]
    assert all(a.priority <= b.priority for a in chosen for b in left)


@given(waiting_ones, places)
def test_within_a_priority_who_is_due_first_goes_first_and_who_is_promised_nothing_last(
    waiting, free
):
    together = [Waiting(one.id, one.card, one.priority, 0.0, one.due) for one in waiting]
    chosen = admitted(together, Places(free.environment, {}))
    left = [one for one in together if one not in chosen]
    for goes in chosen:
        for stays in left:
            if goes.priority == stays.priority and stays.due is not None:
                assert goes.due is not None
                assert goes.due <= stays.due


@given(waiting_ones, places)
def test_nobody_is_overtaken_by_who_came_much_later(waiting, free):
    chosen = admitted(waiting, free)
    for late in chosen:
        for early in waiting:
            if early not in chosen and early.card == late.card:
                assert late.at <= early.at + LONGEST_LEAD


@given(st.integers(1, 4), st.integers(1, 3))
def test_the_backlog_gets_its_turn_under_a_flood_of_urgent_work(places_, per_second):
    """Places are free again each second; urgent intents come at least as fast, and never end."""
    backlog = Waiting("backlog", "triage", 4, 0.0)
    waiting, came, now = [backlog], 0, 0
    while backlog in waiting:
        for _ in range(places_ * per_second):
            came += 1
            waiting.append(Waiting(f"urgent-{came:06}", "triage", 0, float(now)))
        for one in admitted(waiting, Places(places_, {})):
            waiting.remove(one)
        now += 1
    # Those who came within the lead may go first, nobody else.
    assert now <= (LONGEST_LEAD + 2) * per_second


@given(waiting_ones)
def test_positions_are_a_queue(waiting):
    assert sorted(position(waiting, one) for one in waiting) == [*range(1, len(waiting) + 1)]


@given(waiting_ones, st.floats(0, 10_000))
def test_the_order_of_two_never_changes(waiting, later):
    newcomer = Waiting("newcomer", "triage", 0, later)
    before = [one.id for one in sorted(waiting, key=turn)]
    after = [one.id for one in sorted([*waiting, newcomer], key=turn) if one != newcomer]
    assert before == after


def test_an_estimate_counts_the_places():
    assert (estimated_start(0, 30, 4), estimated_start(3, 30, 4)) == (0, 23)


@given(st.floats(0, 1e6), st.integers(0, 100))
def test_who_finds_it_full_comes_again_within_bounds(usual, places_):
    assert 1 <= retry_after(usual, places_) <= LONGEST_RETRY_SECONDS
