"""Cards, catalogue, code and evaluation set agree, or the fault has a line."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from adapters.inference.port import Answer
from personas import agreement, conf
from personas.cards import read_cards
from personas.catalogue import read_catalogue
from personas.runtime.facts import Look, Looked, candidates
from personas.runtime.plan import VERBS, Situation, plan
from personas.runtime.questions import ASK, QUESTIONS
from tests.unit.personas.known import KNOWN

ENTRIES = {entry.name: entry.document for entry in read_catalogue(conf.playbooks_folder())[0]}
CARDS = read_cards(conf.cards_folder())[0]
CARD = """---
name: probe
title: Probe
purpose: Tries things.
duties: [It tries things.]
never: [It never does things.]
team: desk
first_question: triage
escalates_to: people
limits: {max_steps: 6, max_actions: 6, max_duration_s: 300}
grants:
  - verb: ticket.assign
  - verb: ticket.escalate
"""
PLAY = "  - {verb: playbook.run, entries: [format_disk], ci_classes: [host]}\n"


def read(folder, text):
    (folder / "probe.yaml").write_text(text)
    cards, faults = read_cards(folder)
    assert faults == []
    return cards


def test_our_own_agree():
    evaluated = {card.document.name for card in CARDS}
    assert list(agreement.faults(CARDS, ENTRIES, evaluated)) == []


def test_what_cannot_be_dispatched_yet_is_said():
    waiting = [card.document.name for card in CARDS if not card.document.dispatchable]
    said = list(agreement.cautions(CARDS))
    assert [line.split()[0] for line in said] == waiting
    assert all("cannot be dispatched" in line for line in said)


@pytest.mark.parametrize(
    ("text", "evaluated", "line", "what"),
    [
        (CARD + PLAY, {"probe"}, 14, "is granted format_disk, which is not in the catalogue"),
        (
            CARD.replace("  - verb: ticket.assign\n", ""),
            {"probe"},
            11,
            "will ask for ticket.assign",
        ),
        (CARD, {"other"}, 2, "no case in the evaluation set"),
    ],
    ids=["entry", "verb", "evaluation"],
)
def test_what_does_not_agree_names_its_line(tmp_path, text, evaluated, line, what):
    fault = next(agreement.faults(read(tmp_path, text), ENTRIES, evaluated))
    assert fault.line == line
    assert what in fault.what
    assert fault.mend


def test_a_right_that_nobody_uses_is_a_fault(tmp_path):
    cards = read(tmp_path, CARD + "  - verb: ticket.resolve\n")
    (fault,) = agreement.faults(cards, ENTRIES, {"probe"})
    assert "probe.yaml:14: probe is granted ticket.resolve" in str(fault)


def test_a_scope_is_not_called_like_a_playbook(tmp_path):
    scope = "{verb: command.run, entries: [restart_service], ci_classes: [host], risk: none,"
    text = CARD.replace("first_question: triage", "first_question: inspect") + (
        f"  - verb: ticket.comment\n  - {scope} commands: [tool get]}}\n"
    )
    found = agreement.faults(read(tmp_path, text), ENTRIES, {"probe"})
    assert any("called like an entry" in fault.what for fault in found)


STAGES: Mapping[str, tuple[str, ...]] = {
    "triage": ("triage",),
    "diagnose": ("diagnose", "verify"),
    "inspect": ("inspect",),
}
LOOK = {"scope": "read", "argv": ["tool", "get"]}
SITUATION = Situation(
    "I-1", "ci", 2, "people",
    {"action.entry": "e", "action.target": "t", "looks": {"see": LOOK, "as_requested": LOOK}},
)  # fmt: skip
LOOKING = replace(
    KNOWN,
    looks=(Look("see", "read", ("tool", "get")), Look("new", "read", ("tool", "new"))),
    looked=(Looked("new", "authorised", "done"),),
)


@pytest.mark.parametrize("first", VERBS)
def test_the_verbs_of_a_run_are_those_that_its_plans_propose(first):
    proposed = {
        proposal.verb
        for stage in STAGES[first]
        for choice in [*(c.id for c in candidates(LOOKING, stage)), *_plays(stage)]
        for proposal in plan(stage, Answer(choice, "s", (), 1.0, "e", "", 1), SITUATION).proposals
    }
    assert proposed == VERBS[first]


def _plays(stage):
    asked = [f"{ASK}{name}" for name in QUESTIONS]
    return [*ENTRIES, *asked] if stage == "diagnose" else []
