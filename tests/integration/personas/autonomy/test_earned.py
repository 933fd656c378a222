"""Autonomy is earned by figures, set by people, and lost by itself."""

import psycopg
import pytest


def play(world, outcome="done"):
    """A play on a service that is over; returns its action."""
    found = world.authorised()
    world.record()
    world.settle(world.claim(), outcome)
    return found["action_id"]


def says(world, action, verdict, why="looked"):
    return world.value("app", "SELECT gate.person_judges(%s, 'ada', %s, %s)", action, verdict, why)


def fact(world, action, verdict="right", *, false=False, alone=False):
    return world.value(
        "app", "SELECT gate.facts_judge(%s, %s, %s, %s, 'seen')", action, verdict, false, alone
    )


def figures(world):
    return world.value("app", "SELECT gate.figures('responder', 'restart', 'service')")


def level(world, ci_class="service"):
    return world.value(
        "app",
        "SELECT level FROM personas_autonomy WHERE card_id = 'responder' AND entry = 'restart'"
        " AND ci_class = %s",
        ci_class,
    )


def promote(world, to="act", *, against=False, ci_class="cache"):
    world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'restart', %s, %s, 'ada', 'earned', %s)",
        ci_class, to, against,
    )  # fmt: skip


def kinds(world, kind):
    world.record()
    return [
        row["said"]
        for row in world.as_role("app").execute(
            "SELECT convert_from(body, 'UTF8')::jsonb -> 'body' AS said FROM audit_entry"
            " WHERE kind = %s ORDER BY seq",
            [kind],
        )
    ]


def right_before(world, times, ci_class="cache"):
    """So many verdicts from earlier, all of them right."""
    owner = world.as_role("owner")
    action = play(world)
    owner.execute(
        "INSERT INTO personas_action (run_id, step_number, key, principal, verb, entry, target,"
        " verdict, outcome) SELECT run_id, 9, 'k' || n, principal, verb, entry, target, 'observed',"
        " 'done' FROM personas_action, generate_series(1, %s) n WHERE id = %s",
        [times, action],
    )
    owner.execute(
        "INSERT INTO autonomy_judgement (action_id, card_id, entry, ci_class, verdict, judged_by,"
        " acted_at) SELECT id, 'responder', 'restart', %s, 'right', 'facts', now()"
        " FROM personas_action WHERE step_number = 9",
        [ci_class],
    )


# ---------------------------------------------------------------- promotion


def test_without_figures_nobody_is_promoted_to_act(world):
    with pytest.raises(psycopg.errors.CheckViolation, match="right 0 of 0 times"):
        promote(world)


def test_to_propose_needs_no_figures(world):
    promote(world, "propose")
    assert level(world, "cache") == "propose"


def test_what_was_right_often_enough_is_promoted(world):
    right_before(world, 12)
    promote(world)
    assert level(world, "cache") == "act"


def test_one_verdict_fewer_is_not_enough(world):
    right_before(world, 11)
    with pytest.raises(psycopg.errors.CheckViolation, match="right 11 of 11"):
        promote(world)


def test_the_site_declares_the_bar(world):
    world.as_role("owner").execute(
        "INSERT INTO autonomy_policy VALUES ('act_least', 2), ('act_lower', 0.3)"
    )
    right_before(world, 2)
    promote(world)
    assert level(world, "cache") == "act"


def test_against_the_figures_it_is_done_and_on_record(world):
    promote(world, against=True)
    (said,) = (s for s in kinds(world, "person.set_autonomy") if s["why"] == "earned")
    assert said["against_the_figures"] is True


def test_the_figures_that_were_there_are_on_record(world):
    right_before(world, 12)
    promote(world)
    said = kinds(world, "person.set_autonomy")[-1]
    assert (said["figures"]["right"], said["figures"]["lower_permille"]) == (12, 757)
    assert (said["before"], said["against_the_figures"]) == ("observe", False)


def test_down_one_may_always_go(world):
    promote(world, "observe", ci_class="service")
    assert level(world) == "observe"


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", "  ")])
def test_a_level_needs_a_name_and_a_reason(world, by, why):
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "app",
            "SELECT gate.set_autonomy('responder', 'restart', 'cache', 'act', %s, %s, true)",
            by, why,
        )  # fmt: skip


@pytest.mark.parametrize("who", ["agent", "executor"])
def test_who_acts_does_not_promote_itself(world, who):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(
            who,
            "SELECT gate.set_autonomy('responder', 'restart', 'cache', 'act', 'a', 'b', true)",
        )


# ---------------------------------------------------------------- verdicts


def test_right_and_wrong_are_counted(world):
    fact(world, play(world))
    fact(world, play(world), "wrong")
    assert (figures(world)["right"], figures(world)["wrong"]) == (1, 1)


def test_what_was_well_by_itself_counts_neither_way(world):
    fact(world, play(world), "unknown", alone=True)
    assert {k: v for k, v in figures(world).items() if v} == {"healed_alone": 1}


def test_a_person_s_word_stands_against_facts(world):
    action = play(world)
    says(world, action, "false")
    assert (fact(world, action), figures(world)["wrong"]) == ("a person has said", 1)


def test_a_verdict_can_change_by_facts(world):
    action = play(world)
    fact(world, action)
    fact(world, action, "wrong")
    assert (figures(world)["right"], figures(world)["wrong"]) == (0, 1)


def test_a_verdict_is_on_record_once(world):
    action = play(world)
    fact(world, action)
    fact(world, action)
    assert len(kinds(world, "autonomy.judged")) == 1


def test_what_is_no_change_is_not_judged(world):
    world.run("web-01")
    step = world.step()
    found = world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    assert says(world, found["action_id"], "right") == "no change"


def test_a_verdict_of_a_person_needs_a_reason(world):
    with pytest.raises(psycopg.errors.CheckViolation):
        says(world, play(world), "false", " ")


# ---------------------------------------------------------------- demotion


def test_one_false_action_takes_the_right_back(world):
    says(world, play(world), "false")
    assert level(world) == "observe"


def test_being_merely_wrong_does_not(world):
    fact(world, play(world), "wrong")
    assert level(world) == "act"


def test_a_demotion_is_on_record_and_the_desk_is_to_tell(world):
    action = play(world)
    says(world, action, "false", "it was well")
    (said,) = kinds(world, "autonomy.demoted")
    work = world.one("app", "SELECT * FROM audit_work WHERE dedup = %s", f"demoted:{action}")
    assert (said["before"], said["level"], said["action"]) == ("act", "observe", str(action))
    assert (work["kind"], work["payload"]["why"]) == ("dispatch", "demoted")


def test_what_was_permitted_before_a_demotion_is_not_begun(world):
    done = play(world)
    world.authorised()
    world.record()
    says(world, done, "false")
    assert world.claim() is None


# ---------------------------------------------------------------- guards of this room


def test_tokens_over_the_limit_deny_everything(world):
    run = world.run("web-01")
    step = world.step()
    world.as_role("owner").execute("INSERT INTO autonomy_spent VALUES (%s, 100001, 0, 1)", [run])
    found = world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    assert (found["verdict"], found["guard"]) == ("denied", "tokens")


def test_an_open_breaker_denies_changes(world):
    world.value("app", "SELECT gate.open_breaker('ada', 'smoke')")
    assert world.authorised()["guard"] == "breaker"


def test_an_open_breaker_lets_agents_speak(world):
    world.value("app", "SELECT gate.open_breaker('ada', 'smoke')")
    world.run("web-01")
    step = world.step()
    found = world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    assert found["verdict"] == "authorised"


@pytest.mark.parametrize("number", ["ticket_changes", "ticket_runs"])
def test_a_ticket_has_a_ceiling(world, number):
    world.as_role("owner").execute("INSERT INTO autonomy_policy VALUES (%s, 0)", [number])
    assert world.authorised()["guard"] == "ticket_ceiling"


def test_the_fleet_has_a_ceiling_by_the_hour(world):
    world.as_role("owner").execute(
        "INSERT INTO autonomy_policy VALUES ('fleet_changes_per_hour', 1)"
    )
    first, second = world.authorised(), world.authorised()
    assert (first["verdict"], second["guard"]) == ("authorised", "fleet_ceiling")
