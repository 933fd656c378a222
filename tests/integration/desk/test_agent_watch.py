"""The watch over agents: what it finds ends runs, is told, is on record, and closes admission."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine

from adapters import registry
from adapters.tickets.port import TicketDraft
from ethops.desk import agent_watch, dispatch
from ethops.desk.housekeeping import begin_occasion
from ethops.desk.policy import CARDS
from ethops.executor import tickets
from personas.agentops import acts
from personas.agentops.models import Finding, Throttle
from personas.models import Run
from tests.doubles.cards import approve_all
from tests.integration.personas.conftest import World
from tests.integration.personas.conftest import world as _world

world = _world


def ticket(world: World) -> str:
    """A ticket that a run can be told in."""
    deed = tickets.open_incident(
        key=uuid4(),
        draft=TicketDraft(
            ticket_class="incident", title="It hangs", description="", impact=2, urgency=2,
            author="test", author_kind="rule", detected_at=datetime.now(UTC),
        ),
        facts={},
    )  # fmt: skip
    return deed.ref


def acting(world: World, *cis: str, ticket_ref: str = ""):
    """A run that was permitted to act on each CI; returns run and actions."""
    run = world.run(*cis, ticket=ticket_ref)
    step = world.step()
    asked = [
        world.propose(step, "playbook.run", "restart", ci, key=f"k{n}")["action_id"]
        for n, ci in enumerate(cis)
    ]
    return run, asked


def hold(world: World, action: object) -> None:
    """Let an executor be at work on an effect for long: its CI stays taken."""
    owner = world.as_role("owner")
    owner.execute("UPDATE audit_work SET state = 'ready' WHERE id = %s", [action])
    owner.execute(
        "UPDATE audit_work SET state = 'leased', lease_until = now() + interval '1 hour',"
        " claimed_at = now() WHERE id = %s",
        [action],
    )


@pytest.fixture
def circle(world):
    """Two runs, each of which holds what the other waits for; returns them, the older first."""
    world.promote("cache")
    # While siblings are kept from one another's CIs, no circle comes about.
    owner = world.as_role("owner")
    verbs = world.value("owner", "SELECT verbs FROM gate.guard WHERE name = 'duplicate'")
    owner.execute("UPDATE gate.guard SET verbs = '{nothing}' WHERE name = 'duplicate'")
    older, first = acting(world, "web-01", "old-01", ticket_ref=ticket(world))
    younger, second = acting(world, "old-01", "web-01", ticket_ref=ticket(world))
    hold(world, first[0])
    hold(world, second[0])
    yield older, younger, second[1]
    owner.execute("UPDATE gate.guard SET verbs = %s WHERE name = 'duplicate'", [verbs])


def test_of_two_that_wait_for_each_other_the_younger_is_ended(world, circle):
    older, younger, _ = circle
    agent_watch.look()
    states = dict(Run.objects.values_list("id", "ended_at"))
    assert states[older] is None
    ended = Run.objects.get(id=younger)
    assert (ended.state, ended.limit_hit) == ("failed", "deadlock")


@pytest.mark.parametrize("act", ["pause", "isolate"])
def test_a_run_that_a_person_has_set_aside_is_left_to_him(world, circle, act):
    world.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'a test')", circle[1], act)
    agent_watch.look()
    assert Run.objects.get(id=circle[1]).state == f"{act}d"


def test_what_the_ended_one_waited_for_is_void(world, circle):
    agent_watch.look()
    assert world.work(circle[2])["state"] == "cancelled"


def test_the_circle_is_told_in_the_ticket_of_the_ended_run_once(world, circle):
    for _ in range(2):
        agent_watch.look()
    ref = Run.objects.get(id=circle[1]).ticket_ref
    lines = world.as_role("app").execute(
        "SELECT text FROM tickets_logline WHERE ticket_id = %s AND author = 'agent watch'", [ref]
    )
    assert len(found := lines.fetchall()) == 1
    assert "in a circle" in found[0]["text"]


def test_the_circle_is_on_record(world, circle):
    agent_watch.look()
    world.record()
    body = world.value(
        "app",
        "SELECT audit.content_of(body) FROM audit_entry WHERE kind = 'run.detected'",
    )
    assert body["body"]["detector"] == "deadlock"


def test_who_only_waits_is_left_alone(world):
    _, first = acting(world, "web-01")
    hold(world, first[0])
    acting(world, "web-01")
    agent_watch.look()
    assert Run.objects.filter(ended_at=None).count() == 2


def known(world: World, runs: int = 5) -> None:
    """Let the card be known as one that asks once."""
    for _ in range(runs):
        world.run("web-01")
        step = world.step()
        world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
        world.finish(step, "done")


def stray(world: World, calls: int, ticket_ref: str = ""):
    run = world.run("web-01", ticket=ticket_ref)
    step = world.step()
    for number in range(calls):
        world.propose(step, "ticket.comment", "", "INC-other", key=f"s{number}", text="x")
    return run


def test_a_run_that_asks_ten_times_as_often_is_ended(world):
    known(world)
    run = stray(world, 19, ticket(world))
    agent_watch.look()
    ended = Run.objects.get(id=run)
    assert (ended.state, ended.limit_hit) == ("failed", "anomaly")


def test_one_call_less_is_still_work(world):
    known(world)
    run = stray(world, 18)
    agent_watch.look()
    assert Run.objects.get(id=run).ended_at is None


def test_a_card_that_nobody_knows_is_not_judged(world):
    known(world, 4)
    run = stray(world, 19)
    agent_watch.look()
    assert Run.objects.get(id=run).ended_at is None


def test_the_breaker_of_the_fleet_can_count_it(world):
    known(world)
    stray(world, 19)
    agent_watch.look()
    assert world.value("app", "SELECT agentops.anomalies('5 minutes')") == 1


def test_a_stray_without_a_ticket_is_told_to_a_person(world):
    known(world)
    stray(world, 19)
    agent_watch.look()
    assert Finding.objects.get(kind="anomaly").told_at is not None
    titles = world.as_role("app").execute("SELECT title FROM tickets_ticket").fetchall()
    assert [one["title"] for one in titles] == ["A run of responder was ended: anomaly"]


BOUND = 40


def fill(world: World, runs: int) -> None:
    """Let runs wait for a place that there is not."""
    world.as_role("owner").execute(
        "UPDATE personas_environment SET max_concurrent = 0, max_queued = %s", [BOUND]
    )
    for _ in range(runs):
        world.run("web-01")


def test_a_queue_that_fills_closes_admission_for_what_can_wait(world):
    fill(world, BOUND // 2)
    agent_watch.set_throttle()
    assert acts.retry_after(4) > 0
    assert acts.retry_after(0) == 0


def test_it_opens_again_when_the_queue_is_empty(world):
    fill(world, BOUND // 2)
    agent_watch.set_throttle()
    world.as_role("owner").execute("UPDATE personas_run SET state = 'cancelled', ended_at = now();")
    world.as_role("owner").execute(
        "UPDATE personas_agentintent SET created_at = now() - interval '1 hour'"
    )
    agent_watch.set_throttle()
    assert (Throttle.objects.get().level, acts.retry_after(4)) == ("open", 0)


def test_closing_is_on_record_and_staying_closed_is_not(world):
    fill(world, BOUND // 2)
    for _ in range(3):
        agent_watch.set_throttle()
    pending = world.value(
        "owner", "SELECT count(*) FROM audit_pending WHERE kind = 'site.throttled'"
    )
    assert pending == 1


def test_what_nobody_looked_at_for_a_minute_closes_nothing(world):
    fill(world, BOUND // 2)
    agent_watch.set_throttle()
    world.as_role("owner").execute(
        "UPDATE agentops_throttle SET seen_at = now() - interval '2 minutes'"
    )
    assert acts.retry_after(4) == 0


def test_the_dispatcher_waits_as_others_do(world):
    owner = world.as_role("owner")
    for name, card in CARDS.items():
        owner.execute(
            "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
            " VALUES (%s, %s, '', 't', 'd', %s, %s) ON CONFLICT DO NOTHING",
            [
                *(card, name),
                json.dumps({"max_steps": 5, "max_actions": 6, "max_duration_s": 300}),
                json.dumps({"first_question": "triage", "escalates_to": "people"}),
            ],
        )
    approve_all(owner)
    ref = ticket(world)
    world.value("app", "SELECT agentops.set_throttle('shut', 0, 120, 70, 80, 'test')")
    dispatch.consider({"ticket": ref, "why": "opened"})
    assert not Run.objects.exists()
    later = world.one("app", "SELECT not_before > now() + interval '1 minute' AS later"
                      " FROM audit_work WHERE kind = 'dispatch' AND subject = %s", ref)  # fmt: skip
    assert later["later"]


def test_a_ticket_of_a_card_that_nobody_has_approved_goes_to_a_person(world):
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " VALUES ('triage', 'T', '', 't', 'd', '{}', '{\"first_question\": \"triage\"}')"
    )
    ref = ticket(world)
    dispatch.consider({"ticket": ref, "why": "opened"})
    assert not Run.objects.exists()
    found = registry.reader("tickets")
    assert found.get(ref).state == "escalated"
    assert "Nobody has approved the card triage as it is loaded" in found.worklog(ref)[-1].text


def test_two_ticks_of_one_interval_are_one_look(world):
    known(world)
    # The clock of whoever ticks stands: else one interval may end and the next begin meanwhile.
    with time_machine.travel(datetime.now(UTC), tick=False):
        begin_occasion("watch agents", agent_watch.INTERVAL_SECONDS)
        run = stray(world, 19)
        agent_watch.watch()
    assert Run.objects.get(id=run).ended_at is None


def test_facts_of_findings_are_whole_numbers(world):
    known(world)
    stray(world, 19)
    agent_watch.look()
    assert json.dumps(Finding.objects.get(kind="anomaly").facts) == json.dumps(
        {"calls": 20, "looks": 1, "times": 10, "usual": 2, "proposals": 19, "questions": 0}
    )
