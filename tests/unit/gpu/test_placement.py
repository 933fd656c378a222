"""Which of several cards serves a job."""

import math
from dataclasses import replace

import pytest

from gpu.policy.placement import Card, starts_at, takes
from gpu.policy.view import CardFacts
from tests.unit.gpu.cards import BIG, CODE, EMBED, SINGLE, SMALL

NOW = 100.0
ONE = Card("one", (), NOW, True, NOW, SINGLE)  # noqa: FBT003
TWO = replace(ONE, name="two")


def taker(*cards: Card, slot: str = SMALL) -> list[str]:
    """Return the cards that take the slot, each asked for itself."""
    return [card.name for card in cards if takes(NOW, card.name, cards, slot)]


def test_a_free_card_starts_after_the_load():
    assert starts_at(NOW, ONE, SMALL) == NOW + 4.0


def test_a_resident_slot_starts_at_once():
    assert starts_at(NOW, replace(ONE, resident=(SMALL,)), SMALL) == NOW


def test_a_busy_card_starts_later():
    assert starts_at(NOW, replace(ONE, free_at=NOW + 7.0), SMALL) == NOW + 11.0


def test_a_guess_that_has_passed_is_now():
    assert starts_at(NOW, replace(ONE, free_at=NOW - 7.0), SMALL) == NOW + 4.0


@pytest.mark.parametrize(
    "card",
    [
        replace(ONE, reachable=False),
        replace(ONE, facts=CardFacts(15_500, {BIG: SINGLE.slots[BIG]}, single=True)),
        replace(ONE, facts=CardFacts(6000, SINGLE.slots, single=True)),
    ],
    ids=["unreachable", "not served there", "too small"],
)
def test_some_cards_never_start_it(card):
    assert starts_at(NOW, card, SMALL) == math.inf


def test_of_equal_cards_the_first_takes_it():
    assert taker(ONE, TWO) == ["one"]


def test_the_card_that_holds_the_model_takes_it():
    assert taker(ONE, replace(TWO, resident=(SMALL,))) == ["two"]


def test_a_load_is_better_than_a_longer_wait():
    assert taker(replace(ONE, resident=(CODE,), free_at=NOW + 30), TWO, slot=CODE) == ["two"]


def test_a_short_wait_is_better_than_a_load():
    assert taker(replace(ONE, resident=(CODE,), free_at=NOW + 5), TWO, slot=CODE) == ["one"]


def test_a_card_that_nobody_reaches_does_not_count():
    assert taker(replace(ONE, resident=(SMALL,), reachable=False), TWO) == ["two"]


def test_a_card_that_was_not_seen_lately_does_not_count():
    silent = replace(ONE, resident=(SMALL,), seen_at=NOW - 16.0)
    assert takes(NOW, "two", [silent, TWO], SMALL)
    assert not takes(NOW, "two", [replace(silent, seen_at=NOW - 14.0), TWO], SMALL)


def test_a_card_always_sees_itself():
    assert takes(NOW, "one", [replace(ONE, seen_at=0.0)], SMALL)


def test_a_slot_that_no_card_has_is_taken_by_none():
    assert taker(ONE, TWO, slot="unheard-of") == []


def test_a_card_that_may_not_serve_it_leaves_it():
    chat = CardFacts(15_500, {SMALL: SINGLE.slots[SMALL]}, single=True)
    assert taker(replace(ONE, facts=chat), replace(TWO, free_at=NOW + 99), slot=EMBED) == ["two"]
