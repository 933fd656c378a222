"""The pages of the cards and of the evaluation, against the code."""

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ethops.env import CLONE
from personas import conf
from personas.cards import read_cards
from personas.catalogue import read_catalogue
from personas.evaluation.calibration import BY_RISK, ENOUGH, WORST_OVER, threshold
from personas.evaluation.cases import TRAPS
from personas.evaluation.scoring import GRADES
from personas.runtime.facts import facts
from personas.runtime.trends import Trend
from personas.worst_case import RISKS, risk_class, worst_case
from tests.unit.personas.known import AROUND, KNOWN
from tests.unit.personas.test_differs import delta
from tests.unit.personas.test_trends import DISK, RISING, WEEK

FOLDER = CLONE / "docs" / "reference" / "cards"
EVALUATION = (CLONE / "docs" / "reference" / "evaluation.md").read_text(encoding="utf-8")
CARDS = {card.document.name: card.document for card in read_cards(conf.cards_folder())[0]}
ENTRIES = {entry.name: entry.document for entry in read_catalogue(conf.playbooks_folder())[0]}


def shown(card):
    out = StringIO()
    call_command("personas", "show", "--markdown", card, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("card", CARDS)
def test_the_page_of_a_card_is_what_the_code_writes(card):
    assert (FOLDER / f"{card}.md").read_text(encoding="utf-8") == shown(card)


def test_every_page_has_its_card():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CARDS)


def test_an_unknown_card_has_no_page():
    with pytest.raises(CommandError, match="there are: change_implementer, cluster_agent"):
        shown("nobody")


# ---------------------------------------------------------------- at worst


def test_who_may_run_nothing_touches_no_ci():
    assert risk_class(CARDS["triage"], ENTRIES) == "none"
    assert worst_case(CARDS["triage"], ENTRIES)[-1].endswith("It can touch no CI.")


def test_the_risk_class_is_that_of_the_worst_entry():
    assert risk_class(CARDS["incident_responder"], ENTRIES) == "low"
    worse = {
        **ENTRIES,
        "clean_directory": ENTRIES["clean_directory"].model_copy(update={"risk": "high"}),
    }
    assert risk_class(CARDS["incident_responder"], worse) == "high"
    assert "clean_directory" in worst_case(CARDS["incident_responder"], worse)[0]


@pytest.mark.parametrize("card", CARDS)
def test_every_granted_entry_and_class_stands_in_the_worst_case(card):
    said = " ".join(worst_case(CARDS[card], ENTRIES))
    for grant in CARDS[card].grants:
        for word in (*grant.entries, *grant.ci_classes):
            assert word in said


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_risk_of_the_catalogue_has_a_place_and_a_price(entry):
    assert ENTRIES[entry].risk in RISKS
    assert set(BY_RISK) == set(RISKS)


# ---------------------------------------------------------------- the page of the evaluation


@pytest.mark.parametrize("word", [*TRAPS, *GRADES])
def test_every_trap_and_grade_is_documented(word):
    assert f"| {word} |" in EVALUATION


@pytest.mark.parametrize("risk", RISKS)
def test_every_threshold_is_documented(risk):
    costs = BY_RISK[risk]
    row = f"| {risk} | {costs.wrong:g} | {costs.right:g} | {threshold(costs):.3f} |"
    assert row in EVALUATION


def test_what_calibrated_means_is_documented():
    assert f"at least {ENOUGH} outcomes, and at most {WORST_OVER:g} surer than right" in EVALUATION


def test_every_fact_about_facts_is_documented_and_known():
    rows = EVALUATION.split("| fact |")[1].split("\n\n")[0].splitlines()[2:]
    named = {row.split("|")[1].strip() for row in rows}
    step = replace(
        KNOWN, named_host="node-2", is_major=True, around=AROUND, differs=(delta("ports"),),
        trend=Trend(DISK, RISING, WEEK),
    )  # fmt: skip
    known = facts(step, "diagnose") | facts(replace(step, trend=Trend(DISK, (), None)), "diagnose")
    assert named <= set(known)
