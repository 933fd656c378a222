"""Commands through the gate: only what a pattern covers, on the one CI of the ticket."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personas.commands import BadArgvError, covers, elements, read_argv
from personas.guardrails.language import argv_facts
from tests.integration.personas.guardrails.conftest import ATTRIBUTES

CHANGE = ["tool", "set", "x", "blue"]


def said(found):
    return found["verdict"], found["guard"]


@pytest.mark.parametrize(
    "argv",
    [
        ("tool", "get"),
        ("tool", "get", "all", "of", "it"),
        ("tool", "get", "-n", "space", "--size=7"),
        ("tool", "show", "one"),
        # Without a shell this is one odd name, and the program may say so.
        ("tool", "get", "pods;reboot"),
        ("tool", "get", "$(reboot)"),
    ],
)
def test_what_a_pattern_covers_is_authorised(commands, argv):
    assert said(commands.ask(*argv)) == ("authorised", "")


HOSTILE = {
    "another program": ["sh", "-c", "reboot"],
    "another subcommand": ["tool", "delete", "all"],
    "no subcommand": ["tool"],
    "a path to the program": ["/bin/tool", "get"],
    "an option that is not granted": ["tool", "get", "--kubeconfig=x.yaml"],
    "an option and its value apart": ["tool", "get", "--kubeconfig", "x.yaml"],
    "a short option glued to its value": ["tool", "get", "-nspace"],
    "the end of options": ["tool", "get", "--", "-x"],
    "an option before the subcommand": ["tool", "-n", "x", "get"],
    "an option in the place of a word": ["tool", "show", "-x"],
    "one word too many": ["tool", "show", "one", "two"],
    "an empty element": ["tool", "get", ""],
    "a new line": ["tool", "get", "a\nb"],
    "a null": ["tool", "get", "a\0b"],
    "a tab": ["tool", "get", "a\tb"],
    "an escape": ["tool", "get", "\x1b[2J"],
    "a direction mark": ["tool", "get", "\u202egnp"],
    "a long element": ["tool", "get", "x" * 2001],
    "many elements": ["tool", "get", *["x"] * 64],
    "no vector": [],
}


@pytest.mark.parametrize("argv", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_no_pattern_covers_is_denied(commands, argv):
    verdict, guard = said(commands.ask(*argv))
    assert (verdict, guard in ("command", "arguments")) == ("denied", True)


@pytest.mark.parametrize(
    "text",
    ["", "tool get", '"tool get"', "{}", "null", '["tool", 1]', '["tool", ["get"]]',
     '["tool","get","' + "x" * 4000 + '"]', "[" * 3000, '["tool","\\ud800"]'],
)  # fmt: skip
def test_what_is_no_vector_is_denied(commands, text):
    verdict, guard = said(commands.ask_text(text))
    assert (verdict, guard in ("command", "arguments")) == ("denied", True)


def test_a_place_of_the_ci_takes_what_the_ci_declares(commands):
    assert said(commands.ask("tool", "set", "x", "blue", scope="change")) == ("authorised", "")
    assert said(commands.ask("tool", "set", "x", "red", scope="change")) == ("denied", "command")


def test_a_place_that_the_ci_does_not_fill_takes_nothing(commands):
    commands.world.as_role("owner").execute(
        "UPDATE cmdb_ci SET attributes = '{\"key\": \"-x\"}' WHERE ref = 'box-01'"
    )
    assert said(commands.ask("tool", "set", "x", "-x", scope="change")) == ("denied", "command")


def test_a_scope_of_another_name_is_denied(commands):
    assert said(commands.ask("tool", "get", scope="restart")) == ("denied", "grant")


def test_a_grant_without_its_scope_is_denied(commands):
    commands.world.as_role("owner").execute("DELETE FROM guardrails_commandscope")
    assert said(commands.ask("tool", "get")) == ("denied", "command")


def test_another_ci_is_denied(commands):
    assert said(commands.ask("tool", "get", target="web-01")) == ("denied", "grant")


def test_the_ticket_itself_is_no_ci(commands):
    commands.run()
    step = commands.world.step()
    found = commands.world.propose(
        step, "command.run", "look", step["ticket_ref"], argv='["tool","get"]'
    )
    assert said(found) == ("denied", "scope")


def test_a_lifeline_is_not_commanded(commands):
    commands.world.as_role("owner").execute("UPDATE cmdb_ci SET lifeline = true")
    assert said(commands.ask("tool", "get")) == ("denied", "lifeline")


def test_without_one_join_nothing_is_commanded(commands):
    commands.run()
    commands.world.as_role("owner").execute("UPDATE personas_agentintent SET joined = 'none'")
    found = commands.world.propose(
        commands.world.step(), "command.run", "look", "box-01", argv='["tool","get"]'
    )
    assert said(found) == ("denied", "join")


def test_who_was_not_promoted_only_observes(commands):
    commands.world.as_role("owner").execute("DELETE FROM personas_autonomy")
    assert said(commands.ask("tool", "get")) == ("observed", "autonomy")


def test_a_scope_is_used_so_often_for_a_ticket(commands):
    commands.run()
    step = commands.world.step()
    found = [
        commands.world.propose(
            step, "command.run", "look", "box-01", key=str(n), argv=f'["tool","get","x{n}"]'
        )
        for n in range(3)
    ]
    assert [said(each) for each in found] == [("authorised", "")] * 2 + [("denied", "command_uses")]


def test_a_scope_is_used_so_often_an_hour(commands):
    commands.world.as_role("owner").execute("UPDATE guardrails_commandscope SET max_per_hour = 1")
    found = [said(commands.ask("tool", "get")) for _ in range(2)]
    assert found == [("authorised", ""), ("denied", "command_uses")]


def test_on_a_ledger_that_does_not_verify_nothing_risky_is_commanded(commands):
    commands.world.as_role("owner").execute(
        "CREATE OR REPLACE FUNCTION audit.trusted() RETURNS boolean LANGUAGE sql AS 'SELECT false'"
    )
    commands.world.as_role("owner").execute(
        "UPDATE guardrails_commandscope SET risk = 'medium' WHERE name = 'change'"
    )
    try:
        risky = said(commands.ask("tool", "set", "x", "blue", scope="change"))
        look = said(commands.ask("tool", "get"))
    finally:
        restore(commands.world)
    assert (risky, look) == (("denied", "ledger"), ("authorised", ""))


def restore(world):
    """The clone is emptied between tests and not made anew: put the function back."""
    from ethops.env import CLONE

    text = (CLONE / "audit/sql/0008_values.sql").read_text()
    begin = text.index("CREATE FUNCTION audit.trusted()")
    body = text[begin : text.index("$$;", text.index("AS $$", begin) + 5) + 3]
    world.as_role("owner").execute(body.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


@pytest.mark.parametrize("risk", ["medium", "high"])
def test_what_is_risky_waits_for_a_person_however_far_the_card_may_go(commands, risk):
    commands.world.as_role("owner").execute(
        "UPDATE guardrails_commandscope SET risk = %s WHERE name = 'change'", [risk]
    )
    found = commands.ask("tool", "set", "x", "blue", scope="change")
    kept = commands.world.one(
        "app", "SELECT risk FROM personas_action WHERE id = %s", found["action_id"]
    )
    assert (found["verdict"], kept["risk"]) == ("proposed", risk)
    approval = commands.world.one("app", "SELECT change_class FROM approvals_approval")
    assert approval["change_class"] == "normal"


def test_who_has_read_what_others_wrote_changes_only_what_was_asked_for_with_the_run(commands):
    wanted = {"scope": "change", "argv": ["tool", "set", "x", "blue"]}
    said_ = {"alert": {"summary": "set y to blue"}, "command": wanted}
    wanted_, other = ("tool", "set", "x", "blue"), ("tool", "set", "y", "blue")
    found = [said(commands.ask(*wanted_, scope="change", **said_))]
    commands.end()
    found += [said(commands.ask(*other, scope="change", **said_))]
    found += [said(commands.ask(*other, scope="change"))]
    found += [said(commands.ask("tool", "get", "y", **said_))]
    yes = ("authorised", "")
    assert found == [yes, ("denied", "command"), yes, yes]


def test_what_was_asked_for_is_asked_for_with_its_scope(commands):
    said_ = {"alert": {"summary": "x"}, "command": {"scope": "look", "argv": CHANGE}}
    assert said(commands.ask(*CHANGE, scope="change", **said_)) == ("denied", "command")


def uncalibrated(commands):
    commands.world.as_role("owner").execute("DELETE FROM autonomy_evaluated")


def test_uncalibrated_a_card_may_look_as_far_as_it_was_promoted(commands):
    uncalibrated(commands)
    assert said(commands.ask("tool", "get")) == ("authorised", "")


def test_uncalibrated_a_card_only_observes_what_it_would_change(commands):
    uncalibrated(commands)
    assert commands.ask(*CHANGE, scope="change")["verdict"] == "observed"


def test_uncalibrated_a_card_proposes_what_was_asked_for_with_its_run(commands):
    uncalibrated(commands)
    wanted = {"scope": "change", "argv": CHANGE}
    assert commands.ask(*CHANGE, scope="change", command=wanted)["verdict"] == "proposed"


# ---------------------------------------------------------------- what counts as a change


def test_two_runs_do_not_change_the_same_ci_at_once(commands):
    first = said(commands.ask(*CHANGE, scope="change"))
    second = said(commands.ask(*CHANGE, scope="change"))
    look = said(commands.ask("tool", "get"))
    assert (first, second, look) == (("authorised", ""), ("denied", "duplicate"), first)


def number(commands, **numbers):
    for name, value in numbers.items():
        commands.world.as_role("owner").execute(
            "INSERT INTO autonomy_policy VALUES (%s, %s)", [name, value]
        )


def test_looks_are_no_changes_of_a_ticket(commands):
    number(commands, ticket_changes=1)
    commands.run()
    step = commands.world.step()

    def ask(key, scope, *argv):
        text = json.dumps(argv)
        return commands.world.propose(step, "command.run", scope, "box-01", key=key, argv=text)

    looks = [said(ask(f"l{n}", "look", "tool", "get", f"x{n}")) for n in range(2)]
    changes = [said(ask(f"c{n}", "change", *CHANGE)) for n in range(2)]
    yes = ("authorised", "")
    assert (looks, changes) == ([yes, yes], [yes, ("denied", "ticket_ceiling")])


def test_a_ticket_that_had_its_changes_may_still_be_looked_at(commands):
    number(commands, ticket_changes=0)
    assert said(commands.ask("tool", "get")) == ("authorised", "")


def test_changes_by_command_are_changes_of_the_fleet_and_looks_are_not(commands):
    number(commands, fleet_changes_per_hour=1)
    found = [said(commands.ask("tool", "get"))]
    for _ in range(2):
        found.append(said(commands.ask(*CHANGE, scope="change")))
        commands.end()
    found.append(said(commands.ask("tool", "get")))
    yes = ("authorised", "")
    assert found == [yes, yes, ("denied", "fleet_ceiling"), yes]


def settled(commands, outcome, *argv, scope):
    """A command that was claimed, and what came of it."""
    commands.ask(*argv, scope=scope)
    commands.world.record()
    commands.world.settle(commands.world.claim(), outcome)


@pytest.mark.parametrize(
    ("scope", "asked", "after"),
    [("look", ["tool", "get"], "closed"), ("change", CHANGE, "open")],
)
def test_the_breaker_counts_what_fails_to_change_something(commands, scope, asked, after):
    number(commands, breaker_failed=1)
    settled(commands, "failed", *asked, scope=scope)
    assert commands.world.value("app", "SELECT gate.mind_breaker()") == after


@pytest.mark.parametrize(
    ("scope", "asked", "after"),
    [("look", ["tool", "get"], "half_open"), ("change", CHANGE, "closed")],
)
def test_a_breaker_half_open_is_closed_by_changes_that_went_well(commands, scope, asked, after):
    number(commands, breaker_probes=1)
    commands.world.as_role("owner").execute(
        "INSERT INTO autonomy_breaker (id, state, since) VALUES (1, 'half_open', now())"
        " ON CONFLICT (id) DO UPDATE SET state = 'half_open', since = now()"
    )
    settled(commands, "done", *asked, scope=scope)
    assert commands.world.value("app", "SELECT gate.mind_breaker()") == after


def test_a_permit_for_a_command_holds_as_long_as_its_scope_says(commands):
    spans = [
        commands.world.value("owner", "SELECT extract(epoch FROM gate.time_to_act(%s, %s))", *what)
        for what in (("command.run", "look"), ("playbook.run", "restart"))
    ]
    assert [float(span) for span in spans] == [300 + 3 * 5, 300 + 3 * 60]


def test_what_a_person_is_shown_of_a_command_is_what_bounds_it(commands):
    commands.world.as_role("owner").execute(
        "UPDATE guardrails_commandscope SET risk = 'high' WHERE name = 'change'"
    )
    commands.ask(*CHANGE, scope="change")
    facts = commands.world.value("app", "SELECT facts FROM approvals_approval")
    shown = {name: facts[name] for name in ("risk", "timeout_s", "arguments", "change_class")}
    assert shown == {
        "risk": "high",
        "timeout_s": 5,
        "arguments": {"argv": json.dumps(CHANGE)},
        "change_class": "normal",
    }


def test_a_command_whose_scope_has_changed_since_is_no_longer_what_was_shown(commands):
    owner = commands.world.as_role("owner")
    owner.execute("UPDATE guardrails_commandscope SET risk = 'high' WHERE name = 'change'")
    found = commands.ask(*CHANGE, scope="change")
    owner.execute("UPDATE guardrails_commandscope SET timeout_s = 99 WHERE name = 'change'")
    loose = commands.world.value("owner", "SELECT gate.loose_pins(%s)", found["action_id"])
    assert loose == "entry"


# ---------------------------------------------------------------- the twin in Python

WORDS = st.sampled_from(
    ["tool", "get", "set", "show", "x", "blue", "red", "", "-n", "--size=1", "--size=", "-x", "?",
     "*", "{key}", "a b", "é", "a\nb", "--", "-"]
)  # fmt: skip
PATTERNS = st.sampled_from(
    ["tool get *", "tool show ?", "tool set ? {key}", "tool set {none}", "tool -n ? *", "tool x"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(st.lists(WORDS, max_size=6), PATTERNS, st.sampled_from([[], ["-n"], ["-n", "--size=*"]]))
def test_gate_and_executor_read_a_vector_alike(world, argv, pattern, options):
    text = json.dumps(argv)
    try:
        mine = covers(elements(pattern), options, read_argv(text), ATTRIBUTES)
    except BadArgvError:
        mine = None
    theirs = world.value(
        "owner",
        "SELECT CASE WHEN gate.argv_of(%s) IS NOT NULL THEN"
        " gate.argv_covers(%s, %s, gate.argv_of(%s), %s) END",
        text,
        json.dumps(elements(pattern)),
        json.dumps(options),
        text,
        json.dumps(ATTRIBUTES),
    )
    assert mine == theirs


def test_rules_are_told_the_same_of_a_command_in_examples_and_at_the_gate(world):
    argv = ["tool", "-n", "x", "set", "--size=2", "a b"]
    theirs = world.value("owner", "SELECT gate.argv_facts(%s)", argv)
    assert theirs == argv_facts(argv)
