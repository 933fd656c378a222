"""Each rule of the policy we run, with the case that fails where the rule is taken away."""

import math
from dataclasses import replace

import pytest

from gpu.policy.best import VISITS_S, Best, Rules, change_s
from gpu.policy.view import CardFacts, Linger, State, Visit, Waiting
from gpu.states import FOREIGN
from gpu.tiers import Tier
from tests.unit.gpu.cards import (
    BIG,
    CODE,
    EMBED,
    EMBEDDING,
    OPS,
    RESEARCH,
    ROOMY,
    SHARED,
    SINGLE,
    SMALL,
    embeddings,
    ops,
    research,
    running,
)

BEST = Best()
RULES = Rules()
HOLD_S = RULES.hold_changes * change_s(EMBED, SINGLE)
LATE_S = RULES.late_changes * change_s(EMBED, SINGLE)
LINGER_S = RULES.linger_changes * change_s(SMALL, SINGLE)


def served(
    now: float, *waiting: Waiting, state: State | None = None, facts: CardFacts = SINGLE
) -> tuple[Tier, str] | None:
    return BEST.choose(now, waiting, state or State(), facts).serve


def silent(slot: str = SMALL, since: float = 0.0, run: str = "r") -> State:
    """A card whose ops slot is resident, with a run that will ask again."""
    return State(resident=(slot,), lingers=(Linger(run, slot, since),))


# Tiers.


def test_nothing_waits_for_nothing():
    assert BEST.choose(0.0, (), State(), SINGLE).wake_at == math.inf


def test_an_empty_queue_is_no_queue():
    assert served(0.0, ops(count=0)) is None


def test_ops_go_before_older_lower_work():
    assert served(90.0, research(oldest=0.0), embeddings(oldest=1.0), ops(oldest=89.0)) == (
        OPS,
        SMALL,
    )


def test_ops_go_before_lower_work_that_is_resident():
    assert served(1.0, research(CODE), ops(), state=State(resident=(CODE,))) == (OPS, SMALL)


def test_embeddings_go_before_research_when_both_need_a_load():
    assert served(5.0, research(CODE, 0.0), embeddings(4.0)) == (EMBEDDING, EMBED)


# Visits.


@pytest.mark.parametrize(("tier", "here", "there"), [(RESEARCH, CODE, BIG), (OPS, SMALL, BIG)])
def test_a_resident_slot_goes_on_within_its_visit(tier, here, there):
    state = State(resident=(here,), visits=(Visit(tier, here, VISITS_S[tier] - 1.0),))
    queues = Waiting(tier, here, 1, 2.0), Waiting(tier, there, 1, 1.0)
    assert served(10.0, *queues, state=state) == (tier, here)


@pytest.mark.parametrize(("tier", "here", "there"), [(RESEARCH, CODE, BIG), (OPS, SMALL, BIG)])
def test_a_visit_ends(tier, here, there):
    state = State(resident=(here,), visits=(Visit(tier, here, VISITS_S[tier]),))
    queues = Waiting(tier, here, 1, 2.0), Waiting(tier, there, 1, 1.0)
    assert served(10.0, *queues, state=state) == (tier, there)


def test_a_visit_that_is_over_ends_nothing_while_the_oldest_job_is_here():
    state = State(resident=(CODE,), visits=(Visit(RESEARCH, CODE, 9999.0),))
    assert served(10.0, research(CODE, 1.0), research(BIG, 2.0), state=state) == (RESEARCH, CODE)


def test_a_visit_counts_only_in_its_own_tier():
    state = State(resident=(BIG,), visits=(Visit(OPS, BIG, 9999.0),))
    assert served(10.0, research(BIG, 2.0), research(CODE, 1.0), state=state) == (RESEARCH, BIG)


def test_of_two_resident_slots_the_oldest_job_goes():
    state = State(resident=(CODE, BIG))
    queues = research(BIG, 2.0), research(CODE, 3.0), research(SMALL, 1.0)
    assert served(10.0, *queues, state=state, facts=ROOMY) == (RESEARCH, BIG)


def test_where_a_load_is_due_the_oldest_job_chooses():
    state = State(resident=(EMBED,), visits=(Visit(RESEARCH, CODE, 1.0),))
    assert served(10.0, research(CODE, 2.0), research(BIG, 1.0), state=state) == (RESEARCH, BIG)


def test_overtaking_is_counted():
    waiting = [research(BIG, 1.0)]
    state = BEST.began(10.0, waiting, State(), RESEARCH, CODE, arrived=2.0)
    state = BEST.worked(BEST.worked(state, RESEARCH, CODE, 30.0), RESEARCH, CODE, 5.0)
    assert state.overtaken(RESEARCH, CODE) == 35.0


def test_overtaking_goes_on_counting_at_the_next_job():
    state = State(resident=(CODE,), visits=(Visit(RESEARCH, CODE, 30.0),))
    state = BEST.began(10.0, [research(BIG, 1.0)], state, RESEARCH, CODE, arrived=2.0)
    assert BEST.worked(state, RESEARCH, CODE, 5.0).overtaken(RESEARCH, CODE) == 35.0


def test_work_in_turn_is_not_counted():
    state = BEST.began(10.0, [research(BIG, 3.0)], State(), RESEARCH, CODE, arrived=2.0)
    assert BEST.worked(state, RESEARCH, CODE, 30.0).overtaken(RESEARCH, CODE) == 0.0


def test_a_turn_renews_the_visit():
    state = State(resident=(CODE,), visits=(Visit(RESEARCH, CODE, 250.0),))
    began = BEST.began(10.0, [research(BIG, 3.0)], state, RESEARCH, CODE, arrived=2.0)
    assert began.overtaken(RESEARCH, CODE) == 0.0


def test_younger_jobs_of_other_tiers_are_not_overtaken():
    began = BEST.began(10.0, [ops(BIG, 1.0)], State(), RESEARCH, CODE, arrived=2.0)
    assert began.visits == ()


def test_a_job_that_begins_makes_its_slot_the_last_used():
    began = BEST.began(1.0, (), State(resident=(CODE, EMBED)), RESEARCH, CODE, arrived=0.0)
    assert began.resident == (EMBED, CODE)


# Ops: how far one slot may be ahead of another.


def pair_s(one: str, other: str) -> float:
    return SINGLE.slots[one].load_s + SINGLE.slots[other].load_s + 3.0


def test_an_ops_slot_goes_on_while_it_is_not_far_ahead():
    ahead = RULES.ahead_changes * pair_s(SMALL, BIG)
    state = State(resident=(SMALL,))
    assert served(99.0, ops(BIG, 1.0), ops(SMALL, 1.0 + ahead), state=state) == (OPS, SMALL)


def test_an_ops_slot_that_is_far_ahead_leaves():
    ahead = RULES.ahead_changes * pair_s(SMALL, BIG)
    state = State(resident=(SMALL,))
    assert served(99.0, ops(BIG, 1.0), ops(SMALL, 1.1 + ahead), state=state) == (OPS, BIG)


def test_research_may_be_as_far_ahead_as_its_visit_lasts():
    state = State(resident=(CODE,))
    assert served(999.0, research(BIG, 1.0), research(CODE, 900.0), state=state) == (RESEARCH, CODE)


# Ops: a moment for an open run on the resident slot.


def test_another_ops_slot_waits_a_moment_for_an_open_run():
    choice = BEST.choose(1.0, [ops(BIG, 1.0)], silent(), SINGLE)
    assert (choice.serve, choice.shut) == (None, frozenset({(OPS, BIG)}))


def test_the_moment_ends_by_the_silence():
    moment = RULES.moment_changes * pair_s(SMALL, BIG)
    choice = BEST.choose(3.0, [ops(BIG, 3.0)], silent(since=1.0), SINGLE)
    assert choice.wake_at == pytest.approx(1.0 + moment)
    assert served(choice.wake_at, ops(BIG, 3.0), state=silent(since=1.0)) == (OPS, BIG)


def test_the_moment_ends_by_the_age_of_the_one_that_waits():
    moment = RULES.moment_changes * pair_s(SMALL, BIG)
    choice = BEST.choose(9.0, [ops(BIG, 3.0)], silent(since=8.0), SINGLE)
    assert choice.wake_at == pytest.approx(3.0 + moment)
    assert served(choice.wake_at, ops(BIG, 3.0), state=silent(since=8.0)) == (OPS, BIG)


def test_no_moment_for_a_run_whose_slot_is_gone():
    state = State(resident=(CODE,), lingers=(Linger("r", SMALL, 1.0),))
    assert served(1.0, ops(BIG, 1.0), state=state) == (OPS, BIG)


def test_no_moment_where_the_resident_slot_has_work():
    assert served(1.0, ops(BIG, 1.0), ops(SMALL, 1.0), state=silent()) == (OPS, SMALL)


# The hold.


def held_card() -> State:
    return State(resident=(CODE,))


def test_embeddings_wait_for_company_while_research_needs_no_load():
    assert served(1.0, embeddings(1.0), research(CODE), state=held_card()) == (RESEARCH, CODE)


def test_the_hold_is_over_in_time():
    queues = embeddings(1.0), research(CODE)
    assert served(0.99 + HOLD_S, *queues, state=held_card()) == (RESEARCH, CODE)
    assert served(1.01 + HOLD_S, *queues, state=held_card()) == (EMBEDDING, EMBED)


def test_the_hold_is_over_when_enough_have_come():
    queues = embeddings(1.0, count=RULES.hold_jobs), research(CODE)
    assert served(1.0, *queues, state=held_card()) == (EMBEDDING, EMBED)
    queues = embeddings(1.0, count=RULES.hold_jobs - 1), research(CODE)
    assert served(1.0, *queues, state=held_card()) == (RESEARCH, CODE)


def test_no_hold_when_research_needs_a_load_anyway():
    assert served(1.0, embeddings(1.0), research(BIG), state=held_card()) == (EMBEDDING, EMBED)


def test_no_hold_when_the_visit_of_research_is_over():
    state = replace(held_card(), visits=(Visit(RESEARCH, CODE, VISITS_S[RESEARCH]),))
    queues = embeddings(1.0), research(CODE, 0.5), research(BIG, 0.1)
    assert served(1.0, *queues, state=state) == (EMBEDDING, EMBED)


def test_no_hold_on_an_idle_card():
    assert served(1.0, embeddings(1.0), state=held_card()) == (EMBEDDING, EMBED)


def test_no_hold_for_what_is_resident():
    state = State(resident=(CODE, EMBED))
    assert served(1.0, embeddings(1.0), research(CODE), state=state, facts=ROOMY) == (
        EMBEDDING,
        EMBED,
    )


def test_no_hold_for_what_fits_beside():
    state = State(resident=(SMALL,))
    queues = embeddings(1.0), research(SMALL)
    assert served(1.0, *queues, state=state, facts=SHARED) == (EMBEDDING, EMBED)
    assert served(1.0, *queues, state=state, facts=SINGLE) == (RESEARCH, SMALL)


def test_hold_and_linger_follow_the_measured_loads():
    slow = {name: replace(slot, load_s=2 * slot.load_s) for name, slot in SINGLE.slots.items()}
    slower = CardFacts(SINGLE.vram_mb, slow, single=True)
    assert change_s(EMBED, slower) - 3.0 == pytest.approx(2 * (change_s(EMBED, SINGLE) - 3.0))


def test_foreign_work_is_no_model_that_loads():
    slots = {**SINGLE.slots, FOREIGN: replace(SINGLE.slots[CODE], name=FOREIGN, load_s=1.0)}
    assert change_s(EMBED, CardFacts(15_500, slots, single=True)) == change_s(EMBED, SINGLE)


# The linger.


@pytest.mark.parametrize("queue", [research(CODE), embeddings()], ids=["research", "embedding"])
def test_nothing_lower_is_loaded_while_a_run_is_open(queue):
    choice = BEST.choose(1.0, [queue], silent(), SINGLE)
    assert choice.serve is None
    assert choice.wake_at == pytest.approx(LINGER_S)


@pytest.mark.parametrize("queue", [research(CODE), embeddings()], ids=["research", "embedding"])
def test_the_linger_ends(queue):
    assert served(LINGER_S, queue, state=silent()) == (queue.tier, queue.slot)


def test_research_on_the_resident_slot_goes_on_meanwhile():
    assert served(1.0, research(BIG), research(CODE), state=silent(BIG)) == (RESEARCH, BIG)


def test_the_resident_slot_has_no_more_than_its_visit_meanwhile():
    state = replace(silent(BIG), visits=(Visit(RESEARCH, BIG, RULES.visits_s[RESEARCH]),))
    choice = BEST.choose(1.0, [research(BIG, 1.0), research(CODE)], state, SINGLE)
    assert choice.serve is None
    assert choice.wake_at == pytest.approx(RULES.linger_changes * change_s(BIG, SINGLE))


def test_a_run_that_ends_keeps_nothing():
    state = BEST.finished(5.0, silent(), OPS, SMALL, more=False, run="r")
    assert served(5.0, research(CODE), state=state) == (RESEARCH, CODE)


def test_a_run_that_will_ask_again_keeps_its_slot():
    state = BEST.finished(5.0, State(resident=(SMALL,)), OPS, SMALL, more=True, run="r")
    assert served(5.0 + 0.9 * LINGER_S, research(CODE), state=state) is None


def test_each_run_lingers_by_itself():
    state = BEST.finished(5.0, silent(run="other"), OPS, SMALL, more=False, run="r")
    assert served(5.0, research(CODE), state=state) is None


def test_a_run_that_speaks_again_lingers_no_more():
    state = BEST.began(2.0, (), silent(), OPS, SMALL, arrived=1.0, run="r")
    assert state.lingers == ()


def test_a_run_without_a_name_is_known_by_its_slot():
    state = BEST.finished(1.0, State(resident=(SMALL,)), OPS, SMALL, more=True)
    state = BEST.finished(2.0, state, OPS, BIG, more=True)
    state = BEST.began(3.0, (), state, OPS, SMALL, arrived=3.0)
    assert state.lingers == (Linger("", BIG, 2.0),)


@pytest.mark.parametrize("tier", [EMBEDDING, RESEARCH])
def test_lower_tiers_do_not_linger(tier):
    assert BEST.finished(1.0, State(), tier, CODE, more=True, run="r").lingers == ()


def test_not_every_run_ever_is_remembered():
    state = State()
    for number in range(200):
        state = BEST.finished(float(number), state, OPS, SMALL, more=True, run=str(number))
    assert len(state.lingers) == 32
    assert state.lingers[-1].run == "199"


# Giving way.


def way(
    now: float,
    *waiting: Waiting,
    tier: Tier = RESEARCH,
    slot: str = CODE,
    began: float = 0.0,
    tokens: int = 0,
    ends_by: float | None = None,
    state: State | None = None,
) -> float:
    job = running(tier, slot, began, tokens, ends_by)
    return BEST.gives_way_at(now, waiting, state or State(resident=(slot,)), job, SINGLE)


@pytest.mark.parametrize(("tier", "slot"), [(RESEARCH, CODE), (EMBEDDING, BIG)])
def test_ops_stop_what_is_lower(tier, slot):
    assert way(7.0, ops(), tier=tier, slot=slot) == 7.0


def test_ops_do_not_stop_ops():
    assert way(7.0, ops(BIG), tier=OPS, slot=SMALL) == math.inf


def test_nobody_stops_for_his_own_tier():
    assert way(700.0, research(BIG)) == math.inf


def test_late_embeddings_stop_research():
    assert way(20.0, embeddings(3.0)) == pytest.approx(3.0 + LATE_S)
    assert way(3.0 + LATE_S, embeddings(3.0)) == 3.0 + LATE_S


def test_embeddings_do_not_stop_their_own_tier():
    assert way(900.0, embeddings(3.0), tier=EMBEDDING, slot=BIG) == math.inf


def test_research_that_has_just_begun_is_let_settle():
    assert way(500.0, embeddings(3.0), began=498.0) == 498.0 + RULES.settle_s


def test_late_embeddings_wait_for_the_linger():
    state = State(resident=(BIG,), lingers=(Linger("r", SMALL, 495.0),))
    assert way(500.0, embeddings(3.0), slot=BIG, state=state) == pytest.approx(495.0 + LINGER_S)


def test_what_stopped_research_is_what_goes_next():
    late = way(20.0, embeddings(3.0))
    assert served(late, embeddings(3.0), research(CODE), state=held_card()) == (EMBEDDING, EMBED)


def test_nearly_done_is_let_finish():
    # Read again: 800 tokens take a second; loaded again for it alone: nine.
    assert way(7.0, ops(), tokens=800, ends_by=16.9) == 16.9


def test_nearly_done_is_less_where_others_wait_for_the_slot_anyway():
    assert way(7.0, ops(), research(CODE), tokens=800, ends_by=16.9) == 7.0
    assert way(7.0, ops(), research(CODE), tokens=800, ends_by=7.9) == 7.9


def test_what_is_not_nearly_done_is_stopped():
    assert way(7.0, ops(), tokens=800, ends_by=17.1) == 7.0


def test_what_should_have_ended_is_stopped():
    assert way(7.0, ops(), tokens=800, ends_by=6.9) == 7.0


def test_a_mean_is_no_certain_end():
    job = replace(running(), expected_end=7.5, tokens_done=800)
    assert BEST.gives_way_at(7.0, [ops()], State(resident=(CODE,)), job, SINGLE) == 7.0


def test_nearly_done_holds_for_late_embeddings_too():
    late = 3.0 + LATE_S
    assert way(late, embeddings(3.0), tokens=800, ends_by=late + 2.0) == late + 2.0


# Calls.


def test_a_call_is_no_longer_than_a_share_of_a_change():
    call = BEST.call(0.0, (), State(), EMBED, SINGLE)
    seconds = call.tokens / SINGLE.slots[EMBED].prefill_per_s
    assert seconds == pytest.approx(RULES.call_changes * change_s(EMBED, SINGLE), abs=0.01)


def test_a_slot_that_nobody_declared_gets_one_job_a_call():
    assert BEST.call(0.0, (), State(), "unheard-of", SINGLE).jobs == 1


def test_slots_that_nobody_declared_are_served():
    assert served(1.0, research("unheard-of"), state=State(resident=("other",))) == (
        RESEARCH,
        "unheard-of",
    )
