"""The rules at the gate: every example of every file, and each word of the language."""

import json

import pytest
import yaml

from personas.cards import read_cards
from personas.conf import cards_folder
from personas.errors import BadDeclarationError
from personas.guardrails import conf
from personas.guardrails.language import read_rules
from personas.guardrails.loading import fires, tools_of
from personas.guardrails.models import Rule
from personas.models import Card


def said(found):
    return found["verdict"], found["guard"]


# ---------------------------------------------------------------- the shipped rules


def test_every_example_of_every_shipped_rule_comes_true(owner):
    owner.load()
    rules, faults = read_rules(conf.folders(), tools_of(read_cards(cards_folder())[0]))
    wrong = [
        (rule.source, rule.document.id, example.argv, example.facts)
        for rule in rules
        for wanted, examples in ((True, rule.document.must_stop), (False, rule.document.must_pass))
        for example in examples
        if fires(rule, example) is not wanted
    ]
    assert (faults, wrong, len(rules) > 8) == ([], [], True)


def write(folder, **changes):
    rule = {
        "id": "no-big-sizes",
        "applies": {"verbs": ["command.run"], "tools": ["kubectl"]},
        "when": {"options": {"starts": ["--size="]}},
        "effect": "refuse",
        "say": "Sizes are chosen by people.",
        "must_stop": [{"argv": ["kubectl", "get", "--size=9"]}],
        "must_pass": [{"argv": ["kubectl", "get"]}],
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(yaml.safe_dump({"rules": [rule]}, sort_keys=False))


def test_a_rule_of_the_site_s_own_is_loaded_beside_the_shipped_ones(owner, settings, tmp_path):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    write(tmp_path / "guardrails")
    owner.load()
    assert Rule.objects.filter(id="no-big-sizes", enabled=True).exists()
    assert Rule.objects.filter(id="wandb-read-only", enabled=True).exists()


def test_a_rule_that_is_no_longer_declared_is_switched_off(owner, settings, tmp_path):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    write(tmp_path / "guardrails")
    owner.load()
    (tmp_path / "guardrails" / "own.yaml").unlink()
    changed = owner.load().changed
    assert "rule no-big-sizes is off" in changed
    assert Rule.objects.get(id="no-big-sizes").enabled is False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"must_stop": [{"argv": ["kubectl", "get"]}]}, "does not stop kubectl get"),
        ({"must_pass": [{"argv": ["kubectl", "--size=1"]}]}, "stops kubectl --size=1"),
    ],
)
def test_an_example_that_does_not_come_true_stops_the_load(
    owner, settings, tmp_path, changes, said
):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    write(tmp_path / "guardrails", **changes)
    with pytest.raises(BadDeclarationError, match=rf"own.yaml:2: no-big-sizes {said}"):
        owner.load()
    assert (Rule.objects.count(), Card.objects.count()) == (0, 0)


def test_a_second_load_changes_nothing(owner):
    owner.load()
    assert owner.load().changed == ()


# ---------------------------------------------------------------- at the gate


def test_a_rule_that_refuses_denies_with_its_reason(commands):
    commands.rule("refuse", when={"words": {"has": ["secret"]}})
    found = commands.ask("tool", "get", "secret")
    assert said(found) == ("denied", "guardrail")
    assert found["reason"].endswith(": so it is")


def test_a_rule_that_does_not_fire_lets_pass(commands):
    commands.rule("refuse", when={"words": {"has": ["secret"]}})
    assert said(commands.ask("tool", "get", "pods")) == ("authorised", "")


def test_a_rule_that_is_switched_off_lets_pass(commands):
    commands.rule("refuse", when={"words": {"has": ["secret"]}})
    commands.world.as_role("owner").execute("UPDATE guardrails_rule SET enabled = false")
    assert said(commands.ask("tool", "get", "secret")) == ("authorised", "")


@pytest.mark.parametrize(
    "applies",
    [{"cards": ["other"]}, {"verbs": ["playbook.run"]}, {"tools": ["else"]}, {"entries": ["x"]}],
)
def test_a_rule_of_others_is_not_asked(commands, applies):
    commands.rule("refuse", applies=applies)
    assert said(commands.ask("tool", "get")) == ("authorised", "")


def test_a_rule_holds_for_plays_and_ticket_writes_too(commands):
    commands.rule("refuse", applies={"verbs": ["playbook.run"]})
    commands.rule("refuse", when={"args.text": {"says": ["buy now"]}})
    world = commands.world
    assert said(world.authorised()) == ("denied", "guardrail")
    world.run("web-01")
    step = world.step()
    found = world.propose(step, "ticket.comment", "", step["ticket_ref"], text="Buy it, now!")
    assert said(found) == ("denied", "guardrail")


def test_read_only_lets_looks_pass_and_nothing_else(commands):
    commands.rule("read-only", applies={"verbs": ["command.run"]})
    found = [
        said(commands.ask("tool", "get")),
        said(commands.ask("tool", "set", "x", "blue", scope="change")),
    ]
    assert found == [("authorised", ""), ("denied", "guardrail")]


def test_confirm_wants_a_person_s_word(commands):
    commands.rule("confirm", when={"words": {"has": ["set"]}})
    found = commands.ask("tool", "set", "x", "blue", scope="change")
    assert (found["verdict"], found["level"]) == ("proposed", "propose")


def test_confirm_does_not_raise_the_level(commands):
    commands.rule("confirm", applies={"verbs": ["command.run"]})
    commands.world.as_role("owner").execute("DELETE FROM personas_autonomy")
    assert commands.ask("tool", "get")["level"] == "observe"


def test_what_was_said_with_the_request_is_a_fact_and_what_an_alert_says_is_none(commands):
    commands.rule("refuse", unless={"intent.force": {"eq": True}})
    found = [
        said(commands.ask("tool", "get", force=True)),
        said(commands.ask("tool", "get", force="true")),
        said(commands.ask("tool", "get", alert={"force": True})),
    ]
    assert found == [("authorised", ""), ("denied", "guardrail"), ("denied", "guardrail")]


FACTS = {
    "verb": "command.run", "card": "responder", "entry": "look", "risk": "none", "tool": "tool",
    "text": "tool get -n x", "ci.ref": "box-01", "ci.class": "box", "ci.impact": 2,
    "ci.user_facing": False, "ci.lifeline": False, "ci.maintenance": False, "run.priority": 2,
    "run.joined": "joined", "ci.attribute.environment": "production", "intent.colour": "red",
}  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_has_its_value(commands, fact):
    commands.rule("refuse", when={fact: {"eq": FACTS[fact]}})
    assert said(commands.ask("tool", "get", "-n", "x", colour="red")) == ("denied", "guardrail")


@pytest.mark.parametrize("name", ["date", "hour", "weekday"])
def test_the_time_is_a_fact(commands, name):
    # And a minute later: an hour or a day may end before it is asked.
    now = commands.world.value(
        "owner",
        "SELECT jsonb_agg(CASE %s WHEN 'date' THEN to_jsonb(to_char(t, 'YYYY-MM-DD'))"
        " WHEN 'hour' THEN to_jsonb(extract(hour FROM t)::int)"
        " ELSE to_jsonb(to_char(t, 'dy')) END) FROM (SELECT (now() + n * interval '1 minute')"
        " AT TIME ZONE 'UTC' AS t FROM generate_series(0, 1) AS n) x",
        name,
    )
    commands.rule("refuse", when={f"time.{name}": {"in": now}})
    assert said(commands.ask("tool", "get")) == ("denied", "guardrail")


def test_the_ticket_is_a_fact(commands):
    owner = commands.world.as_role("owner")
    owner.execute(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, priority, impact, urgency)"
        " VALUES ('I-1', 'incident', 't', 'P1', 1, 2)"
    )
    commands.rule("refuse", when={"ticket.priority": {"eq": "P1"}, "ticket.state": {"eq": "new"}})
    commands.world.run("box-01", ticket="I-1")
    found = commands.world.propose(
        commands.world.step(), "command.run", "look", "box-01", argv='["tool","get"]'
    )
    assert said(found) == ("denied", "guardrail")


@pytest.mark.parametrize(
    ("until", "held"),
    [("2000-01-01", False), ("2999-01-01T00:00:00Z", True), ("until I say so", True)],
)
def test_maintenance_is_what_its_owner_declares(commands, until, held):
    commands.world.as_role("owner").execute(
        "UPDATE cmdb_ci SET attributes = %s WHERE ref = 'box-01'",
        [json.dumps({"maintenance_until": until})],
    )
    commands.rule("refuse", when={"ci.maintenance": {"eq": True}})
    assert (commands.ask("tool", "get")["verdict"] == "denied") is held


# ---------------------------------------------------------------- the words of the language

MATCHES = [
    ({"eq": "a"}, "a", True), ({"eq": "a"}, "b", False), ({"eq": True}, 1, False),
    ({"eq": 1}, 1.0, True), ({"ne": "a"}, "b", True), ({"ne": "a"}, "a", False),
    ({"ne": "a"}, None, False), ({"in": ["a", 2]}, 2, True), ({"in": ["a"]}, "b", False),
    ({"not_in": ["a"]}, "b", True), ({"not_in": ["a"]}, "a", False),
    ({"not_in": ["a"]}, None, False),
    ({"gte": 3}, 3, True), ({"gte": 3}, 2, False), ({"lte": 3}, 4, False), ({"gte": 3}, "4", False),
    ({"gte": "2026-01-01"}, "2026-02-01", True), ({"lte": "2026-01-01"}, "2026-02-01", False),
    ({"has": ["a"]}, ["b", "a"], True), ({"has": ["a"]}, "a", True), ({"has": ["a"]}, [], False),
    ({"lacks": ["a"]}, ["b"], True), ({"lacks": ["a"]}, ["a"], False),
    ({"lacks": ["a"]}, None, False),
    ({"starts": ["--x"]}, ["a", "--xy"], True), ({"starts": ["--x"]}, "a--x", False),
    ({"says": ["drop table"]}, "DROP /* x */ TABLE y", True),
    ({"says": ["drop table"]}, ["-c", "drop", "table"], True),
    ({"says": ["drop table"]}, "table drop", False), ({"says": ["drop"]}, "dropped", False),
    ({"says": ["a"]}, "", False), ({"exists": True}, "", True), ({"exists": True}, None, False),
    ({"exists": False}, None, True), ({"exists": False}, 0, False),
    ({"gte": 1, "lte": 2}, 3, False), ({"gte": 1, "lte": 2}, 2, True),
]  # fmt: skip


def test_what_each_matcher_means(world):
    wrong = [
        (matcher, value)
        for matcher, value, holds in MATCHES
        if world.value(
            "owner",
            "SELECT gate.matches(%s, %s)",
            json.dumps(matcher),
            None if value is None else json.dumps(value),
        )
        is not holds
    ]
    assert wrong == []


def test_a_word_that_the_gate_does_not_know_denies_nothing_silently(commands):
    commands.rule("refuse", when={"tool": {"like": "t%"}})
    with pytest.raises(Exception, match="asks for like"):
        commands.ask("tool", "get")
