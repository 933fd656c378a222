"""An evaluation that is kept belongs to its card, and its outcomes are the gate's to count."""

import json
import os
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command

from ethops.env import COMMANDS_AS, enter
from ethops.world import autonomy
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import simulated
from personas.autonomy.models import Evaluated, Evaluation
from tests.conftest import point_django

CARD = SimulatedCard(8000, (SimulatedModel("any", "chat", 4000, 1, 4000, 90_000),), scale=0.001)


@pytest.fixture
def owner(clean_db, servers, database_name):
    """Django as the owner, who alone may keep one."""
    point_django(servers, database_name, "ethops_owner")
    yield
    point_django(servers, database_name, "ethops_app")


def evaluate(*words):
    out = StringIO()
    call_command("personas", "eval", "--json", "--card", "triage", *words, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def kept(owner):
    """A model's answers to the cases of one card, kept."""
    with simulated(CARD) as server:
        said = evaluate("--model", "any", "--host", server.url, "--keep", "--by", "ada")
    return said, Evaluation.objects.get()


def test_it_says_who_asked_whom_with_which_prompts_and_what_came_of_it(kept):
    said, row = kept
    assert said["kept"] == ["evaluated triage by any"]
    assert (row.card, row.engine, row.by) == ("triage", "any", "ada")
    assert row.figures["asked"] == said["cards"]["triage"]["asked"] > 0
    assert (len(row.prompt_digest), len(row.set_digest)) == (64, 64)


def test_it_names_the_weights_as_the_server_lists_them(kept):
    assert kept[1].model_digest


def test_its_outcomes_are_those_that_the_gate_counts(kept):
    assert (
        Evaluated.objects.filter(engine="any", card="triage").count()
        == (kept[1].figures["outcomes"])
    )


def test_another_cards_outcomes_stay(kept):
    Evaluated.objects.create(card="x", engine="any", case="c", confidence=1, sound=True)
    evaluate("--keep")
    assert Evaluated.objects.filter(card="x").exists()


def test_nothing_is_kept_unasked(owner):
    assert evaluate()["kept"] == []
    assert not Evaluation.objects.exists()


def test_it_is_on_record(kept, role):
    kinds = role("owner").execute("SELECT kind FROM audit_pending ORDER BY n").fetchall()
    assert "site.evaluated" in [kind for (kind,) in kinds]


def test_the_desks_login_keeps_none(clean_db):
    with pytest.raises(CommandError, match="could not be kept"):
        evaluate("--keep")
    assert not Evaluation.objects.exists()


@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET engine = 'x'", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_nobody_changes_one(kept, role, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("owner").execute(statement.format("autonomy_evaluation"))


def test_loading_keeps_what_the_rules_came_to_once(owner):
    for _ in range(2):
        call_command("site", "load", stdout=StringIO())
    engines = list(Evaluation.objects.values_list("engine", flat=True))
    assert set(engines) == {"rules"}
    assert len(engines) == len(set(Evaluation.objects.values_list("card", flat=True)))


def test_it_is_of_today_while_prompts_and_cases_are_those(kept):
    assert [one.is_current for one in autonomy.evaluations()] == [True]


def test_one_of_other_prompts_says_so(owner):
    Evaluation.objects.create(
        card="triage", engine="old", prompt_digest="0" * 64, set_digest="0" * 64, figures={}, by="x"
    )
    assert [one.is_current for one in autonomy.evaluations()] == [False]


def test_keeping_runs_as_the_owner_and_asking_does_not(monkeypatch):
    assert "personas eval --keep" in COMMANDS_AS["owner"]
    for words, process in ((["personas", "eval"], None), (["personas", "eval", "--keep"], "owner")):
        # What it makes of it is put back: monkeypatch keeps nothing of what was not there.
        monkeypatch.setenv("ETHOPS_PROCESS", "")
        monkeypatch.delenv("ETHOPS_PROCESS")
        enter(words)
        assert os.environ.get("ETHOPS_PROCESS") == process
