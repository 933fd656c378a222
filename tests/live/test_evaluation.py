"""The evaluation set against a model that truly infers, and knows nothing."""

import time

import pytest

from adapters.inference.direct import Inference
from adapters.inference.ollama import Server
from personas import conf
from personas.cards import read_cards
from personas.catalogue import read_catalogue
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import SHIPPED, read_cases
from personas.evaluation.scoring import GRADES
from tests.live.real import OPTIONS, QUICK, RealOllama

pytestmark = pytest.mark.live

ROOMY = {**OPTIONS, "num_ctx": 4096}
CASES = 12
LONGEST = 240.0


@pytest.mark.timeout(LONGEST + 60)
def test_noise_is_judged_and_never_crashes(engine: RealOllama) -> None:
    """Random weights choose by chance, and the schema holds them to an answer."""
    entries = {entry.name: entry.document for entry in read_catalogue(conf.playbooks_folder())[0]}
    cards = {card.document.name: card.document for card in read_cards(conf.cards_folder())[0]}
    cases, faults = read_cases(SHIPPED, entries, cards)
    assert faults == []
    noise = Inference(Server(engine.url), QUICK, ROOMY, context_tokens=4096, timeout_s=20)
    began = time.monotonic()
    verdicts = list(ask_all(noise, cases[:CASES]))
    assert len(verdicts) == CASES
    assert {verdict.grade for verdict in verdicts} <= set(GRADES)
    for verdict in verdicts:
        assert verdict.said
        assert (verdict.choice == "") is (verdict.grade in ("malformed", "unanswered"))
    assert sum(verdict.grade == "malformed" for verdict in verdicts) <= CASES / 4
    assert time.monotonic() - began < LONGEST
