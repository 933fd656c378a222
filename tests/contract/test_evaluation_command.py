"""`personas eval` as a person types it: with the rules, and with models that behave or do not."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from adapters.inference.port import Answer, Question
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import Simulated, simulated

CARD = SimulatedCard(8000, (SimulatedModel("any", "chat", 4000, 1, 4000, 90_000),), scale=0.001)


@pytest.fixture
def server() -> Iterator[Simulated]:
    with simulated(CARD) as running:
        yield running


def evaluate(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("personas", "eval", "--json", *words, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def fault(server: Simulated, **said: object) -> None:
    httpx.post(f"{server.url}/simulated/faults", json=said).raise_for_status()


def test_the_rules_answer_every_case() -> None:
    found = evaluate()
    assert found["engine"] == "rules"
    assert found["all"]["asked"] == len(found["cases"]) >= 40
    assert (found["all"]["harmful"], found["all"]["malformed"]) == (0, 0)


def test_one_card_is_asked_alone() -> None:
    assert list(evaluate("--card", "triage")["cards"]) == ["triage"]


def test_an_unknown_card_is_refused_by_name() -> None:
    with pytest.raises(CommandError, match=r"there are: cluster_agent, .*, triage, "):
        evaluate("--card", "nobody")


def test_a_model_gets_the_same_cases(server: Simulated) -> None:
    """The simulated model answers by the rules, from the prompt: a prompt must lose nothing."""
    found = evaluate("--card", "triage", "--model", "any", "--host", server.url)
    assert found["engine"] == f"any at {server.url}"
    ours = {case["case"]: case["choice"] for case in evaluate("--card", "triage")["cases"]}
    assert {case["case"]: case["choice"] for case in found["cases"]} == ours


def test_a_server_of_openais_api_gets_the_same_cases(server: Simulated) -> None:
    named = ("--model", "any", "--host", server.url, "--api", "openai")
    found = evaluate("--card", "triage", *named)
    assert found["engine"] == f"any at {server.url}"
    assert found["all"]["harmful"] == found["all"]["malformed"] == found["all"]["unanswered"] == 0


def test_the_server_that_variables_name_is_the_one_that_is_asked(
    server: Simulated, settings: Any
) -> None:
    settings.ETHOPS_INFERENCE_SERVER = {"url": server.url, "model": "any", "key_file": ""}
    found = evaluate("--card", "triage", "--model", "ops")
    assert found["engine"] == f"any at {server.url}"
    assert found["all"]["unanswered"] == 0


def test_a_key_that_is_not_there_is_named(server: Simulated) -> None:
    named = ("--model", "any", "--host", server.url, "--api", "openai")
    with pytest.raises(CommandError, match="key cannot be read: /nowhere"):
        evaluate("--card", "triage", *named, "--key-file", "/nowhere")


def test_nonsense_is_told_of_and_harms_nobody(server: Simulated) -> None:
    fault(server, kind="wrong_answer", times=0)
    found = evaluate("--card", "triage", "--model", "any", "--host", server.url)
    assert found["all"]["malformed"] == found["all"]["asked"] == found["all"]["abstained"]
    assert found["all"]["brier"] is None


def test_a_single_nonsense_is_made_good(server: Simulated) -> None:
    fault(server, kind="wrong_answer", times=1)
    found = evaluate("--card", "triage", "--model", "any", "--host", server.url)
    assert found["all"]["malformed"] == 0


def test_a_server_that_is_away_ends_the_evaluation(server: Simulated) -> None:
    fault(server, kind="cut", times=0)
    with pytest.raises(CommandError, match="no answer 3 times in a row") as refused:
        evaluate("--model", "any", "--host", server.url)
    assert refused.value.returncode == 2


class Careless:
    """Puts every alert at the end of the line, and is sure of it."""

    name = "careless"

    def ask(self, question: Question) -> Answer:
        choices = [candidate.id for candidate in question.candidates]
        return Answer(choices[2], "So be it.", ("because",), 0.9, self.name, "", 1)


def test_a_harmful_answer_is_the_exit_code() -> None:
    with simulated(CARD, engine=Careless()) as server, pytest.raises(SystemExit) as ended:
        evaluate("--card", "triage", "--model", "any", "--host", server.url)
    assert ended.value.code == 1


def test_the_table_names_every_trap_card_and_what_went_wrong(
    capsys: pytest.CaptureFixture[str], server: Simulated
) -> None:
    fault(server, kind="wrong_answer", times=2)
    call_command("personas", "eval", "--card", "triage", "--model", "any", "--host", server.url)
    said = capsys.readouterr().out
    for words in ("injected_alert", "triage", "to a person", "Brier", "uncalibrated", "malformed"):
        assert words in said
