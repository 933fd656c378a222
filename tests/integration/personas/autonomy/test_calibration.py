"""Confidence counts in the gate as far as it came true."""

import json
import random

import pytest

from personas.evaluation.calibration import BY_RISK, Outcome, calibration, threshold
from tests.doubles.calibrated import calibrate


def forget(world):
    world.as_role("owner").execute("DELETE FROM autonomy_evaluated")


def outcomes(world, *seen, engine="rules"):
    forget(world)
    for number, (confidence, sound) in enumerate(seen):
        world.as_role("owner").execute(
            'INSERT INTO autonomy_evaluated (card, engine, "case", confidence, sound)'
            " VALUES ('responder', %s, %s, %s, %s)",
            [engine, str(number), confidence, sound],
        )


def thinks(world, step, choice="restart", confidence=0.9, engine="ops (a model)"):
    """A model's answer to the question of the step that is being taken."""
    owner = world.as_role("owner")
    work = owner.execute(
        "INSERT INTO audit_work (kind, queue, state, subject, priority, max_attempts, settled_at)"
        " VALUES ('inference', 'ops.ops', 'done', 'x', 5, 5, now()) RETURNING id"
    ).fetchone()["id"]
    answer = {"choice": choice, "confidence": confidence, "engine": engine}
    owner.execute(
        "INSERT INTO gpu_job (id, tier, slot, kind, principal, run, step, request, deadline_at,"
        " answer) VALUES (%s, 'ops', 'ops', 'question', 'run', %s, %s, '{}', now(), %s)",
        [work, step["run_id"], step["number"], json.dumps(answer)],
    )


def asked(world, **said):
    """What becomes of a play that a model thought of."""
    world.run("web-01")
    step = world.step()
    thinks(world, step, **said)
    found = world.propose(step, "playbook.run", "restart", "web-01")
    return found["verdict"], found["level"]


def test_the_rules_act_where_they_came_true(world):
    assert world.authorised()["verdict"] == "authorised"


def test_without_outcomes_an_act_is_only_observed(world):
    forget(world)
    found = world.authorised()
    assert (found["verdict"], found["level"]) == ("observed", "observe")


def test_who_was_surer_than_right_only_observes(world):
    outcomes(world, *[(1.0, n % 5 != 0) for n in range(100)])
    assert world.authorised()["verdict"] == "observed"


def test_what_came_true_must_prove_enough_for_the_risk_else_a_person_is_asked(world):
    outcomes(world, *[(0.99, True)] * 60)
    world.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = 'high'")
    assert world.authorised()["level"] == "propose"


def test_a_model_does_not_act_on_the_figures_of_the_rules(world):
    assert asked(world) == ("observed", "observe")


def test_a_calibrated_model_acts(world):
    calibrate(world.as_role("owner"), "responder", "ops (a model)")
    assert asked(world)[0] == "authorised"


def test_below_the_threshold_of_the_risk_a_person_is_asked(world):
    calibrate(world.as_role("owner"), "responder", "ops (a model)")
    assert asked(world, confidence=0.7)[1] == "propose"


def test_what_people_let_it_only_observe_stays_so(world):
    world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'restart', 'service', 'observe', 'ada', 'x')",
    )
    assert world.authorised()["level"] == "observe"


@pytest.mark.parametrize("confidence", [None, "0.99", True])
def test_a_confidence_that_is_no_number_is_none(world, confidence):
    calibrate(world.as_role("owner"), "responder", "ops (a model)")
    assert asked(world, confidence=confidence)[1] == "propose"


def test_what_the_model_did_not_choose_is_not_done_on_its_confidence(world):
    calibrate(world.as_role("owner"), "responder", "ops (a model)")
    assert asked(world, choice="escalate")[1] == "observe"


def test_the_gate_counts_as_the_evaluation_does(world):
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    seen = [(round(chance.random(), 2), chance.random() < 0.7) for _ in range(200)]
    outcomes(world, *seen)
    ours = calibration(Outcome(confidence, sound) for confidence, sound in seen)
    row = world.one("app", "SELECT * FROM gate.calibration('responder', 'rules')")
    assert row["outcomes"] == ours.outcomes
    for name in ("brier", "ece", "over", "lower"):
        assert row[name] == pytest.approx(getattr(ours, name))


@pytest.mark.parametrize("risk", [*BY_RISK, "odd"])
def test_the_gate_asks_for_the_same_threshold(world, risk):
    costs = BY_RISK.get(risk)
    found = world.value("owner", "SELECT gate.least_confidence(%s)", risk)
    assert found == pytest.approx(threshold(costs) if costs else 1.0)
