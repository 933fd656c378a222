"""Admission in the database: places, the queue and its bound, and what is folded."""

import json
import random
from uuid import uuid4

import psycopg
import pytest

from personas.runtime.admission import Places, Waiting, admitted
from tests.doubles.cards import approve_all

SUBMIT = (
    "SELECT * FROM gate.submit_intent(%s, %s, %s, '[]', 'none', '{}', %s, %s, 'person:ada', NULL,"
    " '', '')"
)


def submit(world, *, card="responder", priority=2, ticket="", dedup="", environment="operations"):
    return world.one(
        "app", SUBMIT, card, ticket or f"T-{uuid4().hex[:8]}", priority, dedup or uuid4().hex,
        environment,
    )  # fmt: skip


def bound(world, places, queued=100, environment="operations"):
    world.value(
        "app",
        "SELECT gate.set_environment(%s, %s, %s, 'ada', 'a test')", environment, places, queued,
    )  # fmt: skip


def states(world):
    found = world.as_role("app").execute("SELECT id, state FROM personas_run").fetchall()
    return {one["id"]: one["state"] for one in found}


def ages(world, run, seconds):
    world.as_role("owner").execute(
        "UPDATE personas_run SET created_at = created_at - make_interval(secs => %s) WHERE id = %s",
        [seconds, run],
    )


def cap(world, most):
    world.as_role("owner").execute(
        "UPDATE personas_card SET limits = limits || jsonb_build_object('max_concurrent', %s::int)",
        [most],
    )


def set_due(world, ticket, due):
    """Have a ticket due in so many hours."""
    world.value(
        "app",
        "SELECT gate.set_due(%s, timestamptz '2030-01-01' + %s * interval '1 h')",
        ticket,
        due,
    )


def end_one(world):
    """Take a run's step and end it; returns which."""
    step = world.step()
    world.finish(step, "done")
    return step["run_id"]


def test_a_run_with_a_place_begins_at_once(world):
    said = submit(world)
    assert (said["verdict"], said["queue_position"], states(world)[said["run"]]) == (
        "accepted",
        0,
        "starting",
    )


def test_without_a_place_it_waits_in_the_queue(world):
    bound(world, 1)
    submit(world)
    said = [submit(world) for _ in range(2)]
    assert [(one["verdict"], one["queue_position"]) for one in said] == [
        ("accepted", 1),
        ("accepted", 2),
    ]


def test_an_estimate_is_given(world):
    bound(world, 1)
    assert [submit(world)["estimated_start_s"] for _ in range(3)] == [0, 30, 60]


def test_an_end_gives_the_place_to_the_next(world):
    bound(world, 1)
    first, second = submit(world), submit(world)
    end_one(world)
    assert [states(world)[one["run"]] for one in (first, second)] == ["succeeded", "starting"]


def test_the_more_urgent_goes_first(world):
    bound(world, 1)
    submit(world)
    backlog, urgent = submit(world, priority=4), submit(world, priority=0)
    end_one(world)
    assert [states(world)[one["run"]] for one in (backlog, urgent)] == ["pending", "starting"]


def test_who_has_waited_long_goes_before_the_urgent(world):
    bound(world, 1)
    submit(world)
    backlog, urgent = submit(world, priority=4), submit(world, priority=0)
    ages(world, backlog["run"], 241)
    end_one(world)
    assert [states(world)[one["run"]] for one in (backlog, urgent)] == ["starting", "pending"]


def test_of_one_priority_whose_ticket_is_due_first_goes_first(world):
    bound(world, 0)
    runs = {}
    for ticket, priority, due in (
        ("T-none", 2, None), ("T-late", 2, 9), ("T-soon", 2, 1), ("T-urgent", 1, None),
    ):  # fmt: skip
        runs[submit(world, ticket=ticket, priority=priority)["run"]] = ticket
        set_due(world, ticket, due)
    went: list[str] = []
    for places in range(1, 5):
        bound(world, places)
        begun = {runs[run] for run, state in states(world).items() if state == "starting"}
        went += begun - set(went)
    assert went == ["T-urgent", "T-soon", "T-late", "T-none"]


def test_a_card_has_its_own_places(world):
    cap(world, 2)
    assert [submit(world)["queue_position"] for _ in range(4)] == [0, 0, 1, 2]


def test_a_full_queue_writes_nothing_and_says_when_to_come_again(world):
    bound(world, 1, queued=1)
    submit(world), submit(world)
    said = submit(world)
    assert (said["verdict"], said["run"], said["retry_after_s"]) == ("full", None, 30)
    assert len(states(world)) == 2


def test_the_house_s_own_door_does_not_lose_a_run_silently(world):
    bound(world, 1, queued=0)
    world.run("web-01")
    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
        for _ in range(2):
            world.run("web-01")


def test_environments_do_not_take_each_other_s_places(world):
    bound(world, 1)
    submit(world)
    assert submit(world, environment="torch.dev.gpu")["queue_position"] == 0


def test_an_environment_has_four_places_unless_it_is_told_otherwise(world):
    said = [submit(world, environment="torch.dev.gpu")["queue_position"] for _ in range(5)]
    assert said == [0, 0, 0, 0, 1]


def test_an_unknown_environment_is_refused(world):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        submit(world, environment="moon")


@pytest.mark.parametrize("priority", [-1, 5])
def test_a_priority_is_from_0_to_4(world, priority):
    with pytest.raises(psycopg.errors.CheckViolation):
        submit(world, priority=priority)


def test_the_same_request_again_is_folded(world):
    first = submit(world, dedup="same")
    again = submit(world, dedup="same")
    assert (again["verdict"], again["intent"]) == ("folded", first["intent"])


def test_work_on_a_ticket_that_has_its_run_is_folded(world):
    first = submit(world, ticket="T-1")
    again = submit(world, ticket="T-1")
    assert (again["verdict"], again["run"]) == ("folded", first["run"])


def test_two_who_ask_at_once_get_one_place(world):
    bound(world, 1)
    with world.connect("app") as other:
        with other.transaction():
            held = other.execute(
                SUBMIT, ["responder", "T-a", 2, uuid4().hex, "operations"]
            ).fetchone()
        said = submit(world, ticket="T-b")
    assert (held[3], said["queue_position"]) == (0, 1)


def test_who_waits_for_a_day_is_told_to_a_person(world):
    bound(world, 0)
    said = submit(world)
    world.as_role("owner").execute("UPDATE personas_run SET deadline = now() - interval '1 s'")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    found = world.one("app", "SELECT state, limit_hit FROM personas_run WHERE id = %s", said["run"])
    assert found == {"state": "timed_out", "limit_hit": "max_wait"}


def test_the_reconciler_fills_places_that_somebody_added(world):
    bound(world, 0)
    said = submit(world)
    world.as_role("owner").execute("UPDATE personas_environment SET max_concurrent = 1")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    assert states(world)[said["run"]] == "starting"


@pytest.mark.parametrize("seed", range(6))
def test_the_database_admits_whom_the_policy_admits(world, seed):
    chance = random.Random(seed)  # noqa: S311 - a seed that is shown, no secret
    bound(world, 0)
    owner = world.as_role("owner")
    most = {"responder": chance.randint(0, 4), "other": chance.randint(0, 4)}
    owner.execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " SELECT 'other', title, purpose, team, digest, limits, document FROM personas_card"
        " WHERE name = 'responder'"
    )
    approve_all(owner)
    for card, places in most.items():
        owner.execute(
            "UPDATE personas_card SET limits = limits || %s::jsonb WHERE name = %s",
            [json.dumps({"max_concurrent": places}), card],
        )
    waiting = []
    for _ in range(20):
        card, priority = chance.choice(list(most)), chance.randint(0, 4)
        ticket, due = f"T-{uuid4().hex[:8]}", chance.choice([None, chance.randint(1, 9)])
        run = submit(world, card=card, priority=priority, ticket=ticket)["run"]
        ages(world, run, chance.uniform(0, 400))
        set_due(world, ticket, due)
        waiting.append((run, card, priority, due))
    at = {
        one["id"]: one["at"]
        for one in owner.execute(
            "SELECT id, extract(epoch FROM created_at)::float8 AS at FROM personas_run"
        )
    }
    places = chance.randint(0, 8)
    bound(world, places)
    policy = admitted(
        [Waiting(str(run), card, priority, at[run], due) for run, card, priority, due in waiting],
        Places(places, most),
    )
    begun = {str(run) for run, state in states(world).items() if state == "starting"}
    assert begun == {one.id for one in policy}
