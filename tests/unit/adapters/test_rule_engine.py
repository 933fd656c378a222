"""The embedded engine: transparent rules over facts."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.embedded import Inference
from adapters.inference.errors import FaultyRulesError, NoAnswerError
from adapters.inference.port import Answer, Candidate, Question, QuestionKind
from adapters.inference.rules import SHIPPED, read_rules
from adapters.json_value import JSON

TRIAGE = ("assign_responders_high", "assign_responders_medium", "assign_responders_low", "escalate")
DIAGNOSE = ("restart_service", "clean_directory", "collect_diagnostics", "escalate")
VERIFY = ("resolve", "wait", "next", "comment_observed", "escalate")
ENGINE = Inference()


def ask(
    kind: QuestionKind,
    facts: Mapping[str, JSON],
    offered: tuple[str, ...],
    engine: Inference = ENGINE,
) -> Answer:
    candidates = tuple(Candidate(name, name) for name in offered)
    return engine.ask(Question(kind, "card", facts, candidates))


@pytest.mark.parametrize(
    ("facts", "choice"),
    [
        ({"alert.join": "none"}, "escalate"),
        ({"alert.join": "ambiguous"}, "escalate"),
        (
            {"alert.join": "joined", "ci.user_facing": True, "alert.severity": "critical"},
            "assign_responders_high",
        ),
        (
            {"alert.join": "joined", "ci.impact": 1, "alert.severity": "warning"},
            "assign_responders_high",
        ),
        (
            {"alert.join": "joined", "alert.severity": "critical", "ci.maintenance": True},
            "assign_responders_low",
        ),
        ({"alert.join": "joined", "ticket.major": True, "alert.severity": "critical"}, "escalate"),
        ({"alert.join": "joined", "ticket.repeats": 10}, "assign_responders_medium"),
        ({"alert.join": "joined", "trend.hours_left": 24.0}, "assign_responders_medium"),
        ({"alert.join": "joined", "trend.hours_left": 24.1}, "assign_responders_low"),
        ({"alert.join": "joined", "alert.severity": "critical"}, "assign_responders_medium"),
        ({"alert.join": "joined", "ci.user_facing": True}, "assign_responders_medium"),
        ({"alert.join": "joined", "ci.user_facing": False}, "assign_responders_low"),
        ({}, "escalate"),
    ],
)
def test_triage(facts: dict[str, JSON], choice: str) -> None:
    assert ask("triage", facts, TRIAGE).choice == choice


FRESH: dict[str, JSON] = {"alert.name": "A", "tried": [], "denied": [], "observed": []}


@pytest.mark.parametrize(
    ("facts", "choice"),
    [
        ({"alert.symptom": "no_answer"}, "restart_service"),
        ({"alert.symptom": "refused"}, "restart_service"),
        ({"alert.symptom": "wrong_content"}, "restart_service"),
        ({"alert.symptom": "over_threshold", "probe.kind": "directory"}, "clean_directory"),
        ({"alert.symptom": "over_threshold", "probe.kind": "filesystem"}, "escalate"),
        ({"alert.symptom": "slow"}, "collect_diagnostics"),
        ({"alert.symptom": "slow", "history.worked": ["restart_service"]}, "restart_service"),
        ({"alert.symptom": "slow", "tried": ["collect_diagnostics"]}, "escalate"),
        ({"alert.symptom": "no_answer", "tried": ["restart_service"]}, "escalate"),
        ({"alert.symptom": "no_answer", "denied": ["restart_service"]}, "escalate"),
        ({}, "escalate"),
    ],
)
def test_diagnose(facts: dict[str, JSON], choice: str) -> None:
    assert ask("diagnose", FRESH | facts, DIAGNOSE).choice == choice


HANGS: dict[str, JSON] = FRESH | {"alert.symptom": "no_answer"}
LOOKED: dict[str, JSON] = {"tried": ["collect_diagnostics"]}


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"ci.lifeline": True}, "diagnose-lifeline"),
        ({"ci.maintenance": True}, "diagnose-maintenance"),
        ({"alert.names_other_host": True}, "diagnose-other-host"),
        ({"host.others_ill": 6}, "diagnose-host-in-trouble"),
        ({"graph.cause_others": 6, "graph.cause": "db"}, "diagnose-one-thing-below"),
        ({"graph.stale": True}, "diagnose-relations-overdue"),
        ({"probe.well": True}, "diagnose-nothing-wrong"),
        ({"probe.stale": True}, "diagnose-silent-probe"),
        ({"probe.stale": True} | LOOKED, "diagnose-silent-probe-for-a-person"),
        ({"probe.agrees": False}, "diagnose-contradiction"),
        ({"probe.agrees": False} | LOOKED, "diagnose-contradiction-for-a-person"),
        ({"probe.turns": 6}, "diagnose-comes-and-goes"),
        ({"probe.turns": 6} | LOOKED, "diagnose-comes-and-goes-for-a-person"),
    ],
)
def test_what_keeps_hands_off_goes_before_every_remedy(facts: dict[str, JSON], rule: str) -> None:
    worked: dict[str, JSON] = {"history.worked": ["restart_service"]}
    answer = ask("diagnose", HANGS | worked | facts, DIAGNOSE)
    assert (answer.rule, answer.choice == "restart_service") == (rule, False)


OTHER_FACTS: st.SearchStrategy[dict[str, JSON]] = st.fixed_dictionaries(
    {
        "alert.symptom": st.sampled_from(["no_answer", "refused", "wrong_content", "slow", ""]),
        "tried": st.sampled_from([[], ["collect_diagnostics"]]),
        "denied": st.sampled_from([[], ["collect_diagnostics"]]),
        "history.worked": st.sampled_from([[], ["restart_service", "clean_directory"]]),
        "probe.kind": st.sampled_from(["http", "directory"]),
        "probe.turns": st.integers(0, 20),
        "probe.agrees": st.booleans(),
        "probe.stale": st.booleans(),
        "host.others_ill": st.integers(0, 20),
    }
)
HANDS_OFF: st.SearchStrategy[dict[str, JSON]] = st.sampled_from(
    [
        {"ci.lifeline": True},
        {"ci.maintenance": True},
        {"alert.names_other_host": True},
        {"host.others_ill": 6},
        {"graph.stale": True},
        {"probe.well": True},
        {"probe.stale": True},
        {"probe.agrees": False},
        {"probe.turns": 6},
    ]
)


@given(OTHER_FACTS, HANDS_OFF)
def test_whatever_else_is_known_what_keeps_hands_off_does(
    facts: dict[str, JSON], reason: dict[str, JSON]
) -> None:
    answer = ask("diagnose", FRESH | facts | reason, DIAGNOSE)
    assert answer.choice in {"escalate", "collect_diagnostics"}


@pytest.mark.parametrize(
    "facts",
    [
        {"ci.lifeline": False, "ci.maintenance": False, "alert.names_other_host": False},
        {"host.others_ill": 5},
        {"graph.cause_others": 5, "graph.cause": "db", "graph.stale": False},
        {"probe.well": False, "probe.stale": False, "probe.agrees": True, "probe.turns": 5},
    ],
)
def test_what_is_merely_usual_keeps_nobody_from_a_remedy(facts: dict[str, JSON]) -> None:
    assert ask("diagnose", HANGS | facts, DIAGNOSE).choice == "restart_service"


WAITING: dict[str, JSON] = {
    "action.outcome": "done",
    "window_seconds": 5,
    "waited_seconds": 3,
    "patience_seconds": 30,
    "tried": ["restart_service"],
}
WELL: dict[str, JSON] = {"probe.well": True, "probe.well_seconds": 6.5}
ILL: dict[str, JSON] = {"probe.well": False, "probe.well_seconds": 0, "waited_seconds": 31}


@pytest.mark.parametrize(
    ("facts", "choice"),
    [
        (WELL, "resolve"),
        (WELL | {"action.outcome": "none"}, "resolve"),
        (WELL | {"action.outcome": "in_doubt"}, "resolve"),
        (WELL | {"probe.well_seconds": 2}, "wait"),
        ({"probe.well": False}, "wait"),
        ({"probe.well": None}, "wait"),
        (ILL, "next"),
        (ILL | {"probe.well": None}, "escalate"),
        (ILL | {"probe.stale": True}, "escalate"),
        ({"probe.well": False, "probe.stale": True}, "wait"),
        (ILL | {"action.outcome": "in_doubt"}, "escalate"),
        ({"probe.well": False, "action.outcome": "failed"}, "next"),
        ({"action.outcome": "observed"}, "comment_observed"),
        ({"action.outcome": "denied"}, "escalate"),
        ({"action.outcome": "proposed", "action.approval": "rejected"}, "escalate"),
        (WELL | {"action.outcome": "void", "action.approval": "vetoed"}, "escalate"),
    ],
)
def test_verify(facts: dict[str, JSON], choice: str) -> None:
    assert ask("verify", WAITING | facts, VERIFY).choice == choice


def test_an_answer_says_why_with_the_value_seen() -> None:
    answer = ask("diagnose", FRESH | {"alert.symptom": "no_answer"}, DIAGNOSE)
    assert answer.rule == "diagnose-no-answer"
    assert "alert.symptom is no_answer" in answer.why


def test_facts_may_be_nested() -> None:
    nested: dict[str, JSON] = {"alert": {"symptom": "refused"}, "tried": [], "denied": []}
    assert ask("diagnose", nested, DIAGNOSE).choice == "restart_service"


def test_a_choice_that_is_not_on_offer_is_not_made() -> None:
    answer = ask(
        "diagnose", FRESH | {"alert.symptom": "no_answer"}, ("clean_directory", "escalate")
    )
    assert answer.choice == "escalate"


def test_where_nothing_fits_it_says_what_it_looked_at() -> None:
    answer = ask("triage", {"weather": "fine"}, TRIAGE)
    assert (answer.choice, answer.confidence, answer.rule) == ("escalate", 0.0, "")
    assert answer.why == ("weather is fine",)


def test_without_a_way_out_it_refuses() -> None:
    with pytest.raises(NoAnswerError, match="escalate is not on offer"):
        ask("triage", {}, ("assign_responders_low",))


def test_a_ticket_without_an_alert_is_said_to_have_none() -> None:
    answer = ask("triage", {"alert.join": "none", "ticket.ref": "INC-00001"}, TRIAGE)
    assert (answer.choice, answer.rule) == ("escalate", "triage-no-alert")
    assert answer.say.startswith("INC-00001 came without an alert")


def test_hostile_text_in_facts_is_cleaned_and_bounded() -> None:
    name = "x\x00\x1b[2J{ci.class}\u202e" + "y" * 5000
    answer = ask("triage", {"alert.join": "none", "alert.name": name}, TRIAGE)
    assert answer.say.isprintable()
    assert len(answer.say) <= 1000
    assert "{ci.class}" in answer.say


def site_rules(folder: Path, text: str) -> Path:
    file = folder / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return file


OWN_RULE = """
rules:
  - id: own
    question: diagnose
    when: {{ {when} }}
    choose: clean_directory
    say: "{say}"
    confidence: 0.5
"""


def test_a_sites_own_rule_goes_first(tmp_path: Path) -> None:
    text = OWN_RULE.format(when="alert.name: {eq: A}", say="own {alert.name}")
    engine = Inference(site_rules=site_rules(tmp_path, text))
    answer = ask("diagnose", FRESH | {"alert.symptom": "no_answer"}, DIAGNOSE, engine)
    assert (answer.rule, answer.say) == ("own", "own A")


@pytest.mark.parametrize(
    ("when", "facts", "fits"),
    [
        ("a: {in: [1, x]}", {"a": "x"}, True),
        ("a: {in: [1]}", {"a": True}, False),
        ("a: {gte: 2, lte: 4}", {"a": 3}, True),
        ("a: {gte: 2}", {"a": "3"}, False),
        ("a: {gte: {fact: b}}", {"a": 3, "b": 3}, True),
        ("a: {gte: {fact: b}}", {"a": 3}, False),
        ("a: {matches: 'x+'}", {"a": "xx\n"}, False),
        ("a: {matches: 'x+'}", {"a": "xx"}, True),
        ("a: {exists: false}", {}, True),
        ("a: {exists: false}", {"a": None}, True),
        ("a: {exists: true}", {"a": 0}, True),
        ("a: {ne: x}", {}, False),
        ("a: {has: x}", {"a": ["x"]}, True),
        ("a: {has: x}", {"a": "x"}, False),
        ("a: {lacks: x}", {"a": []}, True),
        ("a: {lacks: x}", {}, False),
    ],
)
def test_matchers(tmp_path: Path, when: str, facts: dict[str, JSON], *, fits: bool) -> None:
    engine = Inference(site_rules=site_rules(tmp_path, OWN_RULE.format(when=when, say="s")))
    answer = ask("diagnose", facts, ("clean_directory", "escalate"), engine)
    assert (answer.rule == "own") is fits


@pytest.mark.parametrize(
    ("when", "say", "line", "what"),
    [
        ("a: {}", "s", 5, "`rules[0].when.a`: This condition asks for nothing."),
        ("a: {equals: 1}", "s", 5, "`rules[0].when.a.equals` is not a known key."),
        ("a: {matches: '('}", "s", 5, "`rules[0].when.a.matches`: Not a regular expression"),
        ("a: {eq: 1}", "{a!r}", 7, "`rules[0].say`: A brace here is no {fact.path}."),
        ("a: {eq: 1}", "{a.__class__}", 7, "`rules[0].say`: A brace here is no {fact.path}."),
    ],
)
def test_a_bad_rule_is_a_fault_at_its_line(
    tmp_path: Path, when: str, say: str, line: int, what: str
) -> None:
    file = site_rules(tmp_path, OWN_RULE.format(when=when, say=say))
    fault = read_rules(file).faults[0]
    assert fault.line == line
    assert fault.what.startswith(what)
    with pytest.raises(FaultyRulesError, match=r"rules\.yaml:"):
        Inference(site_rules=file)


def test_the_shipped_rules_are_sound() -> None:
    assert read_rules(SHIPPED).faults == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(
    ["alert.join", "alert.name", "alert.symptom", "tried", "denied", "probe.well", "action.outcome",
     "waited_seconds", "patience_seconds", "window_seconds", "probe.well_seconds"]
)  # fmt: skip
kinds: st.SearchStrategy[QuestionKind] = st.sampled_from(["triage", "diagnose", "verify"])


@given(
    kinds, st.dictionaries(names, values, max_size=6), st.sets(st.sampled_from(DIAGNOSE + VERIFY))
)
def test_whatever_the_facts_the_choice_is_on_offer(
    kind: QuestionKind, facts: dict[str, JSON], offered: set[str]
) -> None:
    answer = ask(kind, facts, (*offered, "escalate"))
    assert answer.choice in offered | {"escalate"}
    assert 0 <= answer.confidence <= 1
