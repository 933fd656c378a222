"""Which models leave the card for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.policy.residency import TooBigError, fits, to_unload
from gpu.policy.view import CardFacts, SlotFacts


def card(*, single: bool = False, room: int = 10, **sizes: int) -> CardFacts:
    slots = {n: SlotFacts(n, 1.0, size, 1.0, 1.0, embeds=False) for n, size in sizes.items()}
    return CardFacts(room, slots, single)


def test_nothing_leaves_for_what_fits_beside():
    assert to_unload(("a", "b"), "c", card(a=3, b=3, c=4)) == ()


def test_nothing_leaves_for_what_is_there():
    assert to_unload(("a", "b"), "a", card(a=9, b=9, single=True)) == ()


def test_the_least_recently_used_leaves_first():
    assert to_unload(("a", "b"), "c", card(a=4, b=4, c=5)) == ("a",)


def test_what_left_in_vain_stays():
    assert to_unload(("a", "b"), "c", card(a=1, b=8, c=8)) == ("b",)


def test_as_many_leave_as_have_to():
    assert to_unload(("a", "b", "c"), "d", card(a=3, b=3, c=3, d=7)) == ("a", "b")


def test_one_at_a_time_means_all_others_leave():
    assert to_unload(("a", "b"), "c", card(a=1, b=1, c=1, single=True)) == ("a", "b")


def test_a_model_that_nobody_declared_has_the_card_for_itself():
    assert to_unload(("stranger",), "a", card(a=1)) == ("stranger",)
    assert to_unload(("a",), "stranger", card(a=1)) == ("a",)


def test_what_is_too_big_for_an_empty_card_is_refused():
    with pytest.raises(TooBigError, match="takes 11 MB, the card has 10 MB"):
        to_unload((), "a", card(a=11))


def test_a_slot_does_not_stand_in_its_own_way():
    assert fits(("a",), "a", card(a=9))


@given(
    sizes=st.lists(st.integers(1, 10), min_size=1, max_size=6),
    room=st.integers(10, 30),
    single=st.booleans(),
)
def test_what_stays_fits_and_nobody_leaves_in_vain(sizes, room, single):
    names = [f"s{number}" for number in range(len(sizes))]
    facts = card(single=single, room=room, **dict(zip(names, sizes, strict=True)))
    resident, slot = names[1:], names[0]
    while sum(facts.slots[one].vram_mb for one in resident) > room:
        resident = resident[1:]
    leaving = to_unload(resident, slot, facts)
    staying = [one for one in resident if one not in leaving]
    assert fits(staying, slot, facts)
    assert not any(fits([*staying, one], slot, facts) for one in leaving)
