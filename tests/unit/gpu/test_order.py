"""Which queues Redis is asked for, and in which order: what the policy chose, as kombu wants it."""

from datetime import UTC, datetime, timedelta

from gpu.policy.view import Choice
from gpu.tiers import Tier
from gpu.worker import knowing, order
from gpu.worker.order import in_order, listed
from tests.unit.gpu.scene import card, held, slots, waits

NAMES = ["research.code", "embedding.embed", "ops.ops", "ops.code", "research.ops"]


def test_ops_stand_before_the_lower_queue_that_was_chosen() -> None:
    choice = Choice((Tier.RESEARCH, "code"), 0.0)
    assert in_order(choice, NAMES) == ["ops.ops", "ops.code", "research.code"]


def test_the_ops_queue_that_was_chosen_stands_first() -> None:
    assert in_order(Choice((Tier.OPS, "code"), 0.0), NAMES) == ["ops.code", "ops.ops"]


def test_where_nothing_may_begin_ops_may() -> None:
    assert in_order(Choice(None, 5.0), NAMES) == ["ops.ops", "ops.code"]


def test_ops_that_have_to_wait_a_moment_are_left_out() -> None:
    choice = Choice(None, 5.0, frozenset({(Tier.OPS, "code")}))
    assert in_order(choice, NAMES) == ["ops.ops"]


def test_where_nothing_waits_every_queue_is_asked_for_by_rank() -> None:
    assert listed(held(), [], NAMES) == [
        "ops.code",
        "ops.ops",
        "embedding.embed",
        "research.code",
        "research.ops",
    ]


def test_a_slot_that_does_not_fit_the_card_is_not_asked_for() -> None:
    assert listed(held(), [], ["research.gone", "research.ops"]) == ["research.ops"]


def test_one_lower_queue_is_asked_for_at_a_time() -> None:
    waiting = [waits("research.code", 5), waits("research.ops", 9)]
    assert listed(held(), waiting, NAMES) == ["ops.ops", "ops.code", "research.ops"]


def test_without_a_card_nothing_is_asked_for() -> None:
    assert order.CardOrder(NAMES).consume(5) == []


# ---------------------------------------------------------------- several cards


def test_of_two_idle_cards_the_one_that_holds_the_model_serves() -> None:
    names = ["research.code", "research.ops"]
    mine, other = held(card("card1", resident=["ops"]), resident=["code"]), card("card0")
    other.resident = ["code"]
    assert listed(mine, [], names) == ["research.code"]
    assert listed(held(other, name="card1", resident=["ops"]), [], names) == ["research.ops"]


def test_of_two_equal_cards_the_first_serves() -> None:
    assert listed(held(card("card1")), [], NAMES)
    assert listed(held(card("card0"), name="card1"), [], NAMES) == []


def busy(seconds: float, **more: object) -> dict[str, object]:
    """A card that is busy for so many seconds more."""
    free = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"doing": "running", "doing_tier": "research", "free_at": free, **more}


def test_a_busy_card_that_is_free_before_the_model_is_loaded_is_waited_for() -> None:
    names = ["research.code"]
    assert listed(held(card("card0", **busy(2, resident=["code"])), name="card1"), [], names) == []
    later = card("card0", **busy(20, resident=["code"]))
    assert listed(held(later, name="card1"), [], names) == names


def test_for_ops_a_card_with_lower_work_counts_as_free() -> None:
    other = card("card0", **busy(300, resident=["ops"]))
    assert listed(held(other, name="card1"), [], ["ops.ops"]) == []
    assert listed(held(other, name="card1"), [], ["research.ops"]) == ["research.ops"]


def test_a_card_that_is_held_is_not_free() -> None:
    other = card("card0", doing="held", doing_tier="research", free_at=None)
    assert listed(held(other, name="card1"), [], NAMES)


def test_work_that_should_be_over_is_not_over() -> None:
    other = card("card0", **busy(-30))
    assert listed(held(other, name="card1"), [], ["research.code"]) == ["research.code"]


def test_a_card_whose_worker_died_serves_nothing() -> None:
    dead = card("card0", lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert listed(held(dead, name="card1"), [], NAMES)


def test_a_sick_card_serves_nothing() -> None:
    assert listed(held(card("card0", doing="sick"), name="card1"), [], NAMES)


# ---------------------------------------------------------------- servers with their own models


def test_what_a_server_does_not_list_another_card_does() -> None:
    served = card("card0", serves={"ops": "m", "code": "n"}, resident=["code"])
    ollama, twin = card("card1"), card("card2", serves={"ops": "m"}, resident=["ops"])
    known, small = slots(), card("card1", vram_mb=1)
    assert set(knowing.facts(served, known, [served, ollama]).slots) == {"code"}
    assert set(knowing.facts(served, known, [served, twin]).slots) == {"code"}
    for others in ([], [small], [card("card2", serves={"ops": "m"})]):
        found = knowing.facts(served, known, [served, *others])
        assert set(found.slots) == {"ops", "code"}, "nobody else has it: it waits here"


def test_an_ollama_takes_what_the_server_beside_it_does_not_list() -> None:
    served = card("card1", serves={"ops": "m"}, resident=["ops"])
    assert listed(held(served), [waits("ops.ops", age=0)], ["ops.ops"]) == []
    gone = card("card1", serves={"ops": "m"})
    assert listed(held(gone), [waits("ops.ops", age=0)], ["ops.ops"]) == ["ops.ops"]
