"""State machines: leases, budgets and approvals in whatever order, against a model of each.

Hypothesis looks for an order that the model and the database see differently. Each example has
runs and effects of its own in the one database; what an example leaves is void before the next.
"""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.hostile import oracle
from tests.hostile.campaign import Campaign
from tests.hostile.desk import Desk
from tests.hostile.duties import PEOPLE
from tests.hostile.house import House, Run, house, void
from tests.hostile.oracle import Asked

EXAMPLES, STEPS = 60, 40
"""At most so many, and so many steps in each."""
CARD = "incident_responder"
CIS = ("service-01", "directory-01", "lifeline-service", "odd-00", "bare-01", "vault-01")
QUEUES = ("executor.light", "executor.plays")
BOUNDS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
DECIDING = (PEOPLE[0], *[person for person in PEOPLE if not person.permitted][:2])
HOUSE: list[House] = []


@pytest.fixture(scope="module", autouse=True)
def _made(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_machines", 5) as found:
        HOUSE[:] = [found]
        yield
        HOUSE.clear()


@dataclass
class Effect:
    """What the model knows of an effect that was permitted and recorded."""

    action: str
    queue: str
    ticket: str
    state: str = "ready"
    fence: int = 0
    attempts: int = 0
    begun: int = 0
    """How often somebody may have begun it."""
    permitted: bool = True


class Leases(RuleBasedStateMachine):
    """Effects are handed out once, settled once by their holder, and never begun again in doubt."""

    effects = Bundle("effects")

    def __init__(self) -> None:
        super().__init__()
        self.house = HOUSE[0]
        self.known: dict[str, Effect] = {}
        self.stopped = False
        void(self.house)

    @precondition(lambda self: not self.stopped and len(self.known) < 6)
    @rule(target=effects, number=st.integers(1, 2), play=st.booleans())
    def permit(self, number, play):
        run = self.house.run(CARD, "service-01")
        made: list[Effect] = []
        for _ in range(number):
            what = Asked("ticket.comment", "", run.life.ticket, '{"text":"x"}')
            if play and not made:
                what = Asked("playbook.run", "restart_service", "service-01", "{}")
            answer = self.house.ask(run, what)
            if answer["verdict"] == "authorised":
                queue = QUEUES[what.verb == "playbook.run"]
                made.append(Effect(str(answer["action_id"]), queue, run.life.ticket))
        self.house.record()
        self.known |= {effect.action: effect for effect in made}
        return multiple(*made)

    @rule(queue=st.sampled_from(QUEUES))
    def claim(self, queue):
        found = self.house.one("executor", "SELECT * FROM gate.claim_effect(%s, 'x', 60)", queue)
        if found is None:
            assert self.stopped or not self._claimable(queue)
            return
        assert not self.stopped
        effect = self.known[str(found["action_id"])]
        assert effect in self._claimable(queue)
        effect.state, effect.fence = "leased", found["fence"]
        effect.attempts += 1
        effect.begun += 1

    def _claimable(self, queue):
        busy = any(
            e.state in {"leased", "in_doubt"} and e.queue == "executor.plays"
            for e in self.known.values()
        )
        return [
            e for e in self.known.values()
            if e.queue == queue and e.state == "ready"
            and not (queue == "executor.plays" and busy)
        ]  # fmt: skip

    @rule(effect=effects, stale=st.booleans(), outcome=st.sampled_from(("done", "failed")))
    def settle(self, effect, stale, outcome):
        fence = effect.fence - 1 if stale else effect.fence
        said = self.house.value(
            "executor", "SELECT gate.settle(%s, %s, %s, '{}')", effect.action, fence, outcome
        )
        holds = not stale and effect.state in {"leased", "in_doubt"}
        assert said == ("settled" if holds else "late")
        if holds:
            effect.state = outcome

    @rule(effect=effects)
    def lose_the_holder(self, effect):
        self.house.do(
            "owner", "UPDATE audit_work SET lease_until = now() - interval '1 s'"
            " WHERE id = %s AND state = 'leased'", effect.action,
        )  # fmt: skip
        self.house.do("app", "SELECT count(*) FROM gate.reconcile()")
        if effect.state == "leased":
            effect.state = "in_doubt"

    @rule(queue=st.sampled_from(QUEUES), finding=st.sampled_from(
        ("done", "failed", "absent", "unknown")))  # fmt: skip
    def look_into(self, queue, finding):
        self.house.do("owner", "UPDATE audit_work SET not_before = now() WHERE state = 'in_doubt'")
        found = self.house.one(
            "executor", "SELECT * FROM gate.claim_doubt(%s, 60, '{}'::uuid[])", queue
        )
        doubted = [e for e in self.known.values() if (e.queue, e.state) == (queue, "in_doubt")]
        assert (found is not None) == bool(doubted)
        if found is None:
            return
        effect = self.known[str(found["action_id"])]
        effect.fence = found["fence"]
        assert effect in doubted
        said = self.house.value(
            "executor", "SELECT gate.resolve_doubt(%s, %s, %s, '{}')",
            effect.action, effect.fence, finding,
        )  # fmt: skip
        assert said == finding
        if finding in {"done", "failed"}:
            effect.state = finding
        elif finding == "absent":
            # The world was asked and has it not: that attempt never began.
            effect.begun -= 1
            again = effect.permitted and effect.attempts < 3
            effect.state = "ready" if again else "failed"

    @rule()
    def press(self):
        self.house.do("app", "SELECT gate.press_stop('ada', 'x')")
        self.stopped = True

    @precondition(lambda self: self.stopped)
    @rule()
    def lift(self):
        self.house.do("app", "SELECT gate.lift_stop('ada', 'x')")
        self.stopped = False

    @rule(effect=consumes(effects))
    def take_over(self, effect):
        self.house.do("app", "SELECT gate.take_over(%s, 'ada', 'mine')", effect.ticket)
        for each in self.known.values():
            if each.ticket == effect.ticket:
                each.permitted = False
                each.state = "cancelled" if each.state == "ready" else each.state

    @invariant()
    def nothing_is_begun_twice(self):
        assert all(effect.begun <= 1 for effect in self.known.values())

    @invariant()
    def the_database_says_the_same(self):
        if not self.known:
            return
        rows = self.house.all(
            "app", "SELECT id::text, state FROM audit_work WHERE id = ANY (%s::uuid[])",
            list(self.known),
        )  # fmt: skip
        assert {row["id"]: row["state"] for row in rows} == {
            action: effect.state for action, effect in self.known.items()
        }

    def teardown(self):
        self.house.do("app", "SELECT gate.lift_stop('ada', 'over')")
        void(self.house)


class Budgets(RuleBasedStateMachine):
    """Whatever is asked, in whatever order: decisions and counts are the oracle's."""

    def __init__(self) -> None:
        super().__init__()
        self.house = HOUSE[0]
        self.house.site.per_ticket.clear()
        void(self.house)
        self.campaign = Campaign(self.house)
        self.runs: list = []
        self.refused = 0

    @precondition(lambda self: len(self.runs) < 4)
    @rule(card=st.sampled_from((CARD, "triage")), ci=st.sampled_from(CIS))
    def bear(self, card, ci):
        self.runs.append(self.house.run(card, ci))

    @precondition(lambda self: self.runs)
    @rule(
        which=st.integers(0, 3),
        verb=st.sampled_from(("ticket.comment", "playbook.run", "ticket.escalate", "shell")),
        entry=st.sampled_from(("restart_service", "clean_directory", "collect_diagnostics", "x")),
        own=st.booleans(),
        times=st.integers(1, 4),
    )
    def ask(self, which, verb, entry, own, times):
        run = self.runs[which % len(self.runs)]
        target = run.life.scope[0] if verb == "playbook.run" else run.life.ticket
        args = {"ticket.comment": '{"text":"x"}', "ticket.escalate": '{"team":"people","tried":"t",'
                '"asked":"a"}'}.get(verb, "{}")  # fmt: skip
        asked = Asked(
            verb, entry if verb == "playbook.run" else "", target if own else "other-01", args
        )
        for _ in range(times):
            wanted = oracle.verdict(self.house.site, run.life, asked)
            answer = self.house.ask(run, asked)
            assert answer["verdict"] == wanted, (answer, asked)
            oracle.counted(self.house.site, run.life, asked, answer["verdict"])

    @rule()
    def an_hour_passes(self):
        self.house.an_hour_passes()

    @precondition(lambda self: self.runs)
    @rule(which=st.integers(0, 3))
    def end(self, which):
        run = self.runs.pop(which % len(self.runs))
        assert self.house.finish(run) == "ok"

    @invariant()
    def counts_are_those_of_the_oracle(self):
        for run in self.runs:
            found = self.house.value(
                "app", "SELECT actions FROM personas_run WHERE id = %s", run.step["run_id"]
            )
            assert found == run.life.actions

    def teardown(self):
        for run in self.runs:
            self.campaign.end(run)


@dataclass
class Waiting:
    """What the model knows of a proposal."""

    run: Run
    row: dict
    change: str
    state: str = "waiting"
    claimed: bool = False


class Approvals(RuleBasedStateMachine):
    """What was decided stays decided, and nothing happens that nobody has approved."""

    def __init__(self) -> None:
        super().__init__()
        self.house = HOUSE[0]
        void(self.house)
        self.desk = Desk(self.house)
        self.all: list[Waiting] = []
        self.stopped = False
        self.risk = ""
        """The class that the entry's risk of today makes of a change."""

    # While a change of the CI is not over, nobody may propose another.
    @precondition(
        lambda self: (
            not self.stopped
            and len(self.all) < 5
            and not any(one.state == "approved" and not one.claimed for one in self.all)
        )
    )
    @rule(change=st.sampled_from(("standard", "normal")))
    def propose(self, change):
        self.all.append(Waiting(*self.desk.proposal(change), change))
        self.risk = change

    @precondition(lambda self: self.all)
    @rule(which=st.integers(0, 4), person=st.sampled_from(DECIDING))
    def approve(self, which, person):
        one = self.all[which % len(self.all)]
        name = self.desk.comes(person)
        # Of one CI's changes an hour lets only three be approved, which is not looked at here.
        self.house.an_hour_passes()
        said = self.desk.approve(one.row, name, self.desk.code(name))
        right = person.permitted and person.factor
        if said == "ok":
            assert right and one.state == "waiting" and not self.stopped
            one.state = "approved"
        elif one.state == "waiting" and right and not self.stopped:
            assert one.change != self.risk, said  # what has changed is not approved

    @precondition(lambda self: self.all)
    @rule(which=st.integers(0, 4))
    def reject(self, which):
        one = self.all[which % len(self.all)]
        said = self.desk.reject(one.row, self.desk.comes(DECIDING[0]))
        assert (said == "ok") == (one.state == "waiting"), (said, one.state)
        if said == "ok":
            one.state = "rejected"

    @precondition(lambda self: self.all)
    @rule(which=st.integers(0, 4))
    def take_over(self, which):
        one = self.all[which % len(self.all)]
        self.house.do("app", "SELECT gate.take_over(%s, 'ada', 'mine')", one.run.life.ticket)
        self.house.do("app", "SELECT gate.sweep_approvals()")
        if one.state == "waiting" or (one.state == "approved" and not one.claimed):
            one.state = "gone"
        # The sweep has taken back what the stop met waiting, and what is no longer as proposed.
        for each in self.all:
            if each.state == "waiting" and (self.stopped or each.change != self.risk):
                each.state = "gone"

    @rule()
    def press(self):
        self.house.do("app", "SELECT gate.press_stop('ada', 'x')")
        self.stopped = True

    @precondition(lambda self: self.stopped)
    @rule()
    def lift(self):
        self.house.do("app", "SELECT gate.lift_stop('ada', 'x')")
        self.stopped = False

    @rule()
    def claim(self):
        self.house.record()
        found = self.house.one(
            "executor", "SELECT * FROM gate.claim_effect('executor.plays', 'executor:x', 30)"
        )
        if found is None:
            return
        assert not self.stopped
        one = next(o for o in self.all if o.row["action_id"] == found["action_id"])
        assert (one.state, one.claimed) == ("approved", False)
        one.claimed = True
        self.house.do(
            "executor", "SELECT gate.settle(%s, %s, 'done', '{}')", found["action_id"],
            found["fence"],
        )  # fmt: skip

    @invariant()
    def what_was_decided_stays(self):
        for one in self.all:
            found = self.house.value(
                "app", "SELECT state FROM approvals_approval WHERE action_id = %s",
                one.row["action_id"],
            )  # fmt: skip
            if one.state == "gone":
                assert found in {"void", "withdrawn", "expired", "approved"}, found
            else:
                assert found == one.state

    def teardown(self):
        self.house.do("app", "SELECT gate.lift_stop('ada', 'over')")
        for one in self.all:
            Campaign(self.house).end(one.run)
        # A sweep takes two hundred: what many examples left would keep one from its own.
        self.house.do("app", "SELECT gate.sweep_approvals()")
        self.house.do(
            "owner",
            "UPDATE audit_work SET state = 'cancelled', lease_until = NULL"
            " WHERE kind = 'effect' AND state IN ('waiting', 'ready', 'leased')",
        )
        self.desk.leave()


def test_leases():
    run_state_machine_as_test(Leases, settings=BOUNDS)


def test_budgets():
    run_state_machine_as_test(Budgets, settings=BOUNDS)


def test_approvals():
    run_state_machine_as_test(Approvals, settings=BOUNDS)
