"""Files of rules: what does not load names file, line and mend."""

import pytest
import yaml
from django.core.checks import Error

from ethops.env import CLONE
from personas import conf as personas_conf
from personas.cards import read_cards
from personas.guardrails import checks, conf
from personas.guardrails.language import FACTS, FAMILIES, Matcher, is_fact, read_rules
from personas.guardrails.loading import tools_of

CARDS = tools_of(read_cards(personas_conf.cards_folder())[0])
PAGE = (CLONE / "docs/reference/guardrails.md").read_text(encoding="utf-8")
RULES, FAULTS = read_rules([conf.SHIPPED], CARDS)
RULE = """rules:
  - id: no-big-sizes
    applies: {verbs: [command.run], tools: [kubectl]}
    when:
      options: {starts: ['--size=']}
    effect: refuse
    say: Sizes are chosen by people.
    must_stop:
      - argv: [kubectl, get, --size=9]
    must_pass:
      - argv: [kubectl, get]
"""


def read(folder, text):
    (folder / "own.yaml").write_text(text)
    return read_rules([folder], CARDS)


def test_the_shipped_rules_have_no_fault():
    assert (FAULTS, len(RULES) > 8) == ([], True)


def test_a_good_file_has_none(tmp_path):
    assert read(tmp_path, RULE)[1] == []


FAULTY = {
    "no test that it stops": (RULE.replace("must_stop", "x_stop"), 2),
    "no test that it lets pass": (RULE.replace("must_pass", "x_pass"), 2),
    "an empty test": (RULE.replace("      - argv: [kubectl, get]\n", "      []\n"), 10),
    "an unknown fact": (RULE.replace("options: {", "option: {"), 5),
    "an unknown matcher": (RULE.replace("starts:", "begins:"), 5),
    "an empty matcher": (RULE.replace("{starts: ['--size=']}", "{}"), 5),
    "a phrase with signs": (RULE.replace("{starts: ['--size=']}", "{says: ['drop-table']}"), 5),
    "an unknown effect": (RULE.replace("refuse", "delay"), 6),
    "an unknown verb": (RULE.replace("command.run", "root.shell"), 3),
    "a tool that nobody has": (RULE.replace("[kubectl]", "[oc]"), 3),
    "a card that is not there": (RULE.replace("tools: [kubectl]", "cards: [nobody]"), 3),
    "no reason": (RULE.replace("Sizes are chosen by people.", "no"), 7),
    "the same id twice": (RULE + RULE.removeprefix("rules:\n"), 12),
    "an example of another tool": (RULE.replace("[kubectl, get]", "[helm, list]"), 11),
    "an example with an unknown fact": (
        RULE.replace("[kubectl, get]", "[kubectl, get]\n        facts: {colour: red}"), 11,
    ),
    "no yaml": ("rules: [", 1),
    "refuses everything": (
        RULE.replace("    when:\n      options: {starts: ['--size=']}\n", ""), 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line"), FAULTY.values(), ids=FAULTY.keys())
def test_a_fault_names_its_line_and_mend(tmp_path, text, line):
    _, faults = read(tmp_path, text)
    assert line in [fault.line for fault in faults], faults
    assert all(fault.mend and fault.file.endswith("own.yaml") for fault in faults)


def test_a_file_that_does_not_load_stops_the_start(tmp_path, settings):
    settings.ETHOPS_GUARDRAILS = tmp_path
    (tmp_path / "own.yaml").write_text(RULE.replace("refuse", "delay"))
    (found,) = checks.check_rules(None)
    assert isinstance(found, Error)
    assert "own.yaml:6:" in found.msg
    assert found.hint


def test_a_site_s_own_rules_are_beside_the_shipped_ones(tmp_path, settings):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    (tmp_path / "guardrails").mkdir()
    assert conf.folders() == (conf.SHIPPED, tmp_path / "guardrails")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("notebook_agent", "kubectl delete"), ("cluster_agent", "helm uninstall"),
        ("wandb_agent", "--clean"), ("lakehouse_agent", "DROP TABLE"),
        ("lakehouse_agent", "DELETE FROM"),
    ],
)  # fmt: skip
def test_each_domain_has_its_rule(card, words):
    stopped = [
        " ".join(example.argv)
        for rule in RULES
        if card in rule.document.applies.cards and rule.document.effect != "confirm"
        for example in rule.document.must_stop
    ]
    assert any(words in each for each in stopped)


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize("fact", [*FACTS, *FAMILIES])
def test_every_fact_is_documented(fact):
    assert f"| `{fact}" in PAGE


@pytest.mark.parametrize("field", [f.alias or n for n, f in Matcher.model_fields.items()])
def test_every_matcher_is_documented(field):
    assert f"| `{field}` |" in PAGE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.document.id)
def test_every_shipped_rule_is_documented(rule):
    assert f"| {rule.document.id} | {rule.document.effect} |" in PAGE


def test_the_page_s_own_example_loads(tmp_path):
    text = PAGE.split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(text)
    assert read(tmp_path, text)[1] == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("argv", True), ("args.text", True), ("args.a.b", False), ("args.", False), ("ci", False),
     ("intent.force", True), ("Intent.x", False)],
)  # fmt: skip
def test_which_facts_there_are(name, known):
    assert is_fact(name) is known
