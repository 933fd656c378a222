"""What does not load stops the start, and says in which file, on which line, and what to do."""

import re
import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ethops.stack.checks import refuse_faults
from ethops.stack.errors import PreparationError
from personas import conf as personas_conf
from personas.guardrails import conf as guardrails_conf


@pytest.fixture
def declared(settings, tmp_path):
    """All that is declared, in a folder where a test may spoil it."""
    settings.ETHOPS_CARDS = shutil.copytree(personas_conf.cards_folder(), tmp_path / "cards")
    settings.ETHOPS_GUARDRAILS = shutil.copytree(guardrails_conf.SHIPPED, tmp_path / "rules")
    settings.ETHOPS_PLAYBOOKS = shutil.copytree(
        personas_conf.playbooks_folder(), tmp_path / "playbooks"
    )
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text("rules: own.yaml\n")
    (tmp_path / "own.yaml").write_text("rules: []\n")
    (tmp_path / "guardrails").mkdir()
    return tmp_path


def spoil(folder, name, before, after):
    """Change the first such place; returns its line."""
    file = folder / name
    text = file.read_text()
    assert before in text, text
    file.write_text(text.replace(before, after, 1))
    return text[: text.index(before)].count("\n") + 1


INFERENCE = """rules:
  - id: own
    question: dream
    when:
      alert.name: {eq: X}
    choose: escalate
    say: It is so.
    confidence: 0.5
"""
SPOILT = {
    "a card": ("cards/triage.yaml", "max_steps: ", "max_steps: -"),
    "a card's scope": ("cards/cluster_agent.yaml", "kubectl scale ? *", "kubectl *"),
    "a card's program": ("cards/cluster_agent.yaml", "kubectl scale ? *", "bash -c *"),
    "a rule": ("rules/cluster.yaml", "effect: refuse", "effect: delay"),
    "a rule's fact": ("rules/cluster.yaml", "intent.force", "intentions.force"),
    "a rule's tests": ("rules/cluster.yaml", "must_stop:", "must_stop: []\n    more:"),
    "a playbook's arguments": ("playbooks/catalogue.yaml", "pattern: '", "pattern: '("),
    "a question's schema": ("own.yaml", "rules: []\n", INFERENCE),
}
WITHIN = 8
"""A fault may be that of the mapping that holds the place: so many lines above at most."""


@pytest.mark.parametrize(("name", "before", "after"), SPOILT.values(), ids=SPOILT.keys())
def test_a_file_that_does_not_load_stops_the_start(declared, name, before, after):
    line = spoil(declared, name, before, after)
    with pytest.raises(PreparationError) as found:
        refuse_faults()
    said = str(found.value)
    lines = [int(each) for each in re.findall(rf"{re.escape(name.split('/')[-1])}:(\d+):", said)]
    assert [each for each in lines if line - WITHIN <= each <= line + WITHIN], said
    assert re.search(r"\n  \S.*[.]", said), "there is no mend"


CHECKED = [name for name in SPOILT if name != "a question's schema"]


@pytest.mark.parametrize("kind", CHECKED)
def test_the_check_of_personas_says_the_same(declared, kind):
    name, before, after = SPOILT[kind]
    spoil(declared, name, before, after)
    with pytest.raises(CommandError, match=rf"{re.escape(name.split('/')[-1])}:\d+: \S"):
        call_command("personas", "check", "--files", stdout=StringIO())


DISAGREEING = {
    "a right for which no code asks": (
        "cards/triage.yaml", "  - verb: ticket.assign\n",
        "  - verb: ticket.assign\n  - verb: ticket.resolve\n", "for which its code never asks",
    ),
    "a right that is missing": (
        "cards/triage.yaml", "  - verb: ticket.escalate\n", "", "ticket.escalate",
    ),
    "an entry that is not there": (
        "cards/incident_responder.yaml", "restart_service", "restart_planet", "restart_planet",
    ),
    "a class that two cards look after": (
        "cards/notebook_agent.yaml", "looks_after: [research_job]", "looks_after: [ray_cluster]",
        "looks after CIs of class ray_cluster already",
    ),
    "a class that a card can do nothing about": (
        "cards/notebook_agent.yaml", "looks_after: [research_job]", "looks_after: [printer]",
        "can do nothing about a CI of class printer",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before", "after", "why"), DISAGREEING.values(), ids=DISAGREEING.keys()
)
def test_cards_grants_and_code_that_disagree_fail_the_check(declared, name, before, after, why):
    spoil(declared, name, before, after)
    with pytest.raises(CommandError) as found:
        call_command("personas", "check", "--files", stdout=StringIO())
    assert why in str(found.value)
    assert re.search(rf"{re.escape(name.split('/')[-1])}:\d+: ", str(found.value))


def test_a_caution_starts_and_is_counted(declared):
    (declared / "site.yaml").write_text(
        "hosts: [{name: far, connection: ssh, address: 192.0.2.1, user: ethops}]\n"
    )
    assert refuse_faults() == len(["nobody watches it", "no key is declared"])


def test_what_is_well_starts(declared):
    assert refuse_faults() == 0
    call_command("personas", "check", "--files", stdout=StringIO())
