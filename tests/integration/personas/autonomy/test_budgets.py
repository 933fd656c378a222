"""What a run may spend and a ticket may have, counted by the gate and not by the agent."""

import json

import psycopg
import pytest


def limit(world, **limits):
    world.as_role("owner").execute(
        "UPDATE personas_card SET limits = limits || %s::jsonb", [json.dumps(limits)]
    )


def answer(world, run, read, written):
    """A model's answer to a question of the run, as the card's worker ends one."""
    owner = world.as_role("owner")
    work = owner.execute(
        "INSERT INTO audit_work (kind, queue, state, subject, priority, max_attempts)"
        " VALUES ('inference', 'ops.ops', 'waiting', 'x', 5, 5) RETURNING id"
    ).fetchone()["id"]
    owner.execute(
        "INSERT INTO gpu_job (id, tier, slot, kind, principal, run, step, request, deadline_at)"
        " VALUES (%s, 'ops', 'ops', 'question', 'run', %s, 1, '{}', now() + interval '1 h')",
        [work, run],
    )
    owner.execute(
        "UPDATE gpu_job SET finished_at = now(), tokens_in = %s, tokens_out = %s WHERE id = %s",
        [read, written, work],
    )


def over(world, run):
    return world.value("owner", "SELECT gate.over_limit(%s)", run)


def ended(world, run):
    return world.one("app", "SELECT state, limit_hit, summary FROM personas_run WHERE id = %s", run)


def test_what_a_card_does_not_name_has_the_default(world):
    run = world.run("web-01")
    assert world.value("app", "SELECT gate.run_limits(%s)", run) == {
        "max_tool_calls": 6,
        "max_depth": 5,
        "tokens_in": 100000,
        "tokens_out": 10000,
        "max_duration_s": 300,
    }


@pytest.mark.parametrize(
    ("spent", "hit"), [((11, 0), "tokens_in"), ((0, 11), "tokens_out"), ((10, 10), "")]
)
def test_tokens_are_counted_from_the_answers(world, spent, hit):
    limit(world, tokens_in=10, tokens_out=10)
    run = world.run("web-01")
    answer(world, run, *spent)
    assert over(world, run) == hit


def test_answers_add_up(world):
    limit(world, tokens_in=10)
    run = world.run("web-01")
    answer(world, run, 6, 0)
    answer(world, run, 6, 0)
    assert over(world, run) == "tokens_in"


def test_a_run_at_a_limit_ends_with_a_summary(world):
    limit(world, tokens_out=10)
    run = world.run("web-01")
    world.step()
    answer(world, run, 3, 11)
    count = world.value("app", "SELECT gate.end_over_limit()")
    found = ended(world, run)
    assert (count, found["limit_hit"]) == (1, "tokens_out")
    assert "3 tokens read and 11 written" in found["summary"]


def test_a_run_within_its_limits_goes_on(world):
    run = world.run("web-01")
    answer(world, run, 3, 3)
    world.value("app", "SELECT gate.end_over_limit()")
    assert ended(world, run)["state"] == "starting"


def test_a_run_with_an_open_permit_is_not_cut_off(world):
    limit(world, tokens_out=1)
    run = world.run("web-01")
    world.propose(world.step(), "playbook.run", "restart", "web-01")
    answer(world, run, 3, 3)
    assert world.value("app", "SELECT gate.end_over_limit()") == 0


@pytest.mark.parametrize("act", ["pause", "isolate"])
def test_a_run_that_is_set_aside_keeps_no_other_from_its_limit(world, act):
    limit(world, tokens_out=1)
    aside, other = world.run("web-01"), world.run("old-01")
    for run in (aside, other):
        answer(world, run, 3, 3)
    world.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'a test')", aside, act)
    world.value("app", "SELECT gate.end_over_limit()")
    assert [ended(world, run)["state"] for run in (aside, other)] == [f"{act}d", "failed"]


def test_a_run_meets_its_limit_when_it_is_back(world):
    limit(world, tokens_out=1)
    run = world.run("web-01")
    answer(world, run, 3, 3)
    for act in ("pause", "resume"):
        world.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'a test')", run, act)
    world.value("app", "SELECT gate.end_over_limit()")
    assert ended(world, run)["limit_hit"] == "tokens_out"


def spawn(world, parent):
    return world.value(
        "app",
        "SELECT gate.dispatch('responder', %s, 2, '[]', 'none', %s, gen_random_uuid()::text)",
        f"INC-{parent}"[:30],
        json.dumps({"parent_run": str(parent)}),
    )


def test_a_run_of_a_run_of_a_run_has_its_depth(world):
    child = spawn(world, spawn(world, world.run("web-01")))
    assert world.value("owner", "SELECT gate.depth_of(%s)", child) == 2


def test_no_run_is_born_too_deep(world):
    limit(world, max_depth=1)
    child = spawn(world, world.run("web-01"))
    with pytest.raises(psycopg.errors.CheckViolation):
        spawn(world, child)


@pytest.mark.parametrize(("parent", "own", "deep"), [(5, 5, False), (0, 5, True), (5, 0, True)])
def test_who_would_have_it_born_hears_it_before(world, parent, own, deep):
    run = world.run("web-01")
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " SELECT 'other', title, purpose, team, digest, limits, document FROM personas_card"
    )
    for name, most in (("responder", parent), ("other", own)):
        owner.execute(
            "UPDATE personas_card SET limits = limits || %s::jsonb WHERE name = %s",
            [json.dumps({"max_depth": most}), name],
        )
    assert world.value("app", "SELECT gate.is_too_deep(%s, 'other')", run) is deep


def test_a_parent_is_no_text_that_taints(world):
    child = spawn(world, world.run("web-01"))
    sources = world.as_role("app").execute(
        "SELECT source FROM approvals_taint WHERE run_id = %s", [child]
    )
    assert "parent_run" not in {one["source"] for one in sources}


def test_a_ticket_has_a_ceiling_of_runs(world):
    world.as_role("owner").execute("INSERT INTO autonomy_policy VALUES ('ticket_runs', 2)")
    full = []
    for _ in range(2):
        run = world.run("web-01", ticket="INC-7")
        world.value("owner", "SELECT gate.end_run(%s, 'failed', 'x')", run)
        full.append(world.value("app", "SELECT gate.ticket_is_full('INC-7')"))
    assert full == [False, True]


def test_an_agent_may_not_say_what_it_spent(world):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role("agent").execute("UPDATE autonomy_spent SET tokens_in = 0")
