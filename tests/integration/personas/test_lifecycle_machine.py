"""Runs, places and leases as a state machine: random acts through the doors, against a model."""

from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from personas.states import CONTROLS, HAS_PLACE, LIVE, MOST_RETRIES, may_control
from tests.integration.personas.conftest import World

PLACES = 2
MOST_STEPS = 5
HELD = ("paused", "isolated")


@dataclass
class Model:
    """What must be so about one run."""

    id: Any
    ticket: str
    state: str = "pending"
    steps: int = 0
    retries: int = 0
    dead: bool = False


class Lives(RuleBasedStateMachine):
    """Every act is done to the database and to the model; then both are compared."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Model] = []
        self.taken: list[tuple[Any, Model, bool]] = []
        self.number = 0

    def teardown(self) -> None:
        """Leave nothing for the next example."""
        for one in self.runs:
            self.world.value("app", "SELECT gate.take_over(%s, 'ada', 'over')", one.ticket)
        self.world.as_role("owner").execute(
            "UPDATE audit_work SET state = 'cancelled' WHERE kind = 'step' AND state = 'ready'"
        )

    # ------------------------------------------------------------ the model

    def admit(self) -> None:
        for one in self.runs:
            if one.state == "pending" and self.at_work() < PLACES:
                one.state = "starting"

    def at_work(self) -> int:
        return sum(one.state in HAS_PLACE for one in self.runs)

    def lost(self, run: Model) -> None:
        """Nobody's claim on a step of this run is good any more."""
        self.taken = [(s, r, good and r is not run) for s, r, good in self.taken]

    def fault(self, run: Model) -> None:
        self.lost(run)
        if run.retries >= MOST_RETRIES:
            run.state, run.dead = "failed", True
            self.admit()
        else:
            run.state, run.retries = "retrying", run.retries + 1

    def rival(self, run: Model) -> bool:
        return any(o is not run and o.ticket == run.ticket and o.state in LIVE for o in self.runs)

    # ------------------------------------------------------------ acts

    @rule()
    def bear(self) -> None:
        self.number += 1
        ticket = f"M-{id(self)}-{self.number}"
        self.runs.append(Model(self.world.run("web-01", ticket=ticket), ticket))
        self.admit()

    @rule()
    def claim(self) -> None:
        self.world.as_role("owner").execute(
            "UPDATE audit_work SET not_before = now() WHERE kind = 'step' AND state = 'ready'"
        )
        step = self.world.step()
        ready = {one.id: one for one in self.runs if one.state in HAS_PLACE[:1] + HAS_PLACE[2:]}
        if step is None:
            assert not ready
            return
        run = ready[step["run_id"]]
        assert step["number"] == run.steps + 1
        run.state = "running"
        self.taken.append((step, run, True))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), next_=st.sampled_from(["continue", "continue", "done", "failed"]))
    def finish(self, data: st.DataObject, next_: str) -> None:
        step, run, good = self.pick(data)
        said = self.world.finish(step, next_)
        assert said == ("ok" if good else "late")
        if not good:
            return
        run.steps += 1
        if next_ == "continue":
            run.state = "failed" if run.steps >= MOST_STEPS else "waiting"
        else:
            run.state = "succeeded" if next_ == "done" else "failed"
        self.admit()

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def raise_(self, data: st.DataObject) -> None:
        step, run, good = self.pick(data)
        said = self.world.value(
            "agent", "SELECT gate.release_step(%s, %s, 'boom')", step["work_id"], step["fence"]
        )
        assert (said == "late") is not good
        if good:
            self.fault(run)

    @precondition(lambda self: any(good for _, _, good in self.taken))
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A worker is gone: its lease runs out. It may still come back and be late."""
        alive = [one for one in self.taken if one[2]]
        step, run, _ = data.draw(st.sampled_from(alive))
        self.world.as_role("owner").execute(
            "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s",
            [step["work_id"]],
        )
        self.world.value("app", "SELECT count(*) FROM gate.reconcile()")
        self.fault(run)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), act=st.sampled_from(CONTROLS))
    def steer(self, data: st.DataObject, act: str) -> None:
        run = data.draw(st.sampled_from(self.runs))
        allowed = may_control(run.state, act, dead_letter=run.dead)  # type: ignore[arg-type]
        rivalled = self.rival(run) and act in ("resume", "retry", "restart")
        try:
            said = self.world.one(
                "app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'a test')", run.id, act
            )
        except psycopg.errors.ObjectNotInPrerequisiteState:
            assert allowed and rivalled
            return
        assert (said["refused"] == "") is allowed and not (allowed and rivalled)
        if allowed:
            self.told(run, act)

    def told(self, run: Model, act: str) -> None:
        if act == "restart":
            if run.state in (*LIVE, "isolated"):
                run.state = "cancelled"
            self.lost(run)
            born = self.world.value(
                "app",
                "SELECT id FROM personas_run WHERE ticket_ref = %s ORDER BY created_at DESC"
                " LIMIT 1",
                run.ticket,
            )
            self.runs.append(Model(born, run.ticket))
        else:
            leads_to = {
                "pause": "paused", "resume": "pending", "isolate": "isolated",
                "cancel": "cancelled", "retry": "retrying",
            }  # fmt: skip
            run.state = leads_to[act]
            self.lost(run)
            if act == "retry":
                run.retries, run.dead = 0, False
        self.admit()

    def pick(self, data: st.DataObject) -> tuple[Any, Model, bool]:
        found: tuple[Any, Model, bool] = data.draw(st.sampled_from(self.taken))
        self.taken.remove(found)
        return found

    # ------------------------------------------------------------ what holds

    @invariant()
    def both_agree(self) -> None:
        rows = self.world.as_role("app").execute(
            "SELECT id, state, steps, retries, dead_letter FROM personas_run WHERE id = ANY (%s)",
            [[one.id for one in self.runs]],
        )
        found = {r["id"]: (r["state"], r["steps"], r["retries"], r["dead_letter"]) for r in rows}
        assert found == {o.id: (o.state, o.steps, o.retries, o.dead) for o in self.runs}

    @invariant()
    def one_worker_per_run_and_one_live_run_per_ticket(self) -> None:
        doubled = self.world.value(
            "app",
            "SELECT (SELECT count(*) FROM (SELECT subject FROM audit_work WHERE kind = 'step'"
            " AND state IN ('ready', 'leased') GROUP BY subject HAVING count(*) > 1) w)"
            " + (SELECT count(*) FROM (SELECT ticket_ref FROM personas_run"
            " WHERE gate_live GROUP BY ticket_ref HAVING count(*) > 1) t)".replace(
                "gate_live", "state = ANY (%s)"
            ),
            list(LIVE),
        )
        assert doubled == 0


@pytest.mark.timeout(300)
def test_runs_live_as_the_model_says(world):
    Lives.world = world
    world.value("app", "SELECT gate.set_environment('operations', %s, 1000, 'ada', 'test')", PLACES)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
