"""From the name of a contract to its adapter."""

from pathlib import Path
from typing import cast

import pytest
from pytest_django import Settings

from adapters import registry
from adapters.errors import BrokenAdapterError, UndeclaredSiteError, UnknownContractError
from adapters.inference.port import Candidate, Question


@pytest.fixture(autouse=True)
def no_site(settings: Settings) -> None:
    settings.ETHOPS_SITE = None


@pytest.mark.parametrize("contract", ["tickets", "cmdb", "monitoring"])
def test_the_embedded_reader_is_the_default(settings: Settings, contract: str) -> None:
    settings.ADAPTERS = {}
    reader = cast("object", registry.reader(contract))  # type: ignore[call-overload]
    assert type(reader).__module__ == f"adapters.{contract}.embedded"


def test_writers_and_the_sweeper() -> None:
    assert type(registry.writer("tickets")).__module__ == "adapters.tickets.embedded"
    assert type(registry.writer("cmdb")).__module__ == "adapters.cmdb.embedded"
    assert type(registry.sweeper()).__module__ == "adapters.monitoring.embedded"


def test_an_unknown_contract_is_refused() -> None:
    with pytest.raises(UnknownContractError, match="`weather`"):
        registry.reader("weather")  # type: ignore[call-overload]


@pytest.mark.parametrize("dotted", ["adapters.tickets.absent", "adapters.tickets.priority"])
def test_a_module_without_the_class_is_refused(settings: Settings, dotted: str) -> None:
    settings.ADAPTERS = {"tickets": {"adapter": dotted}}
    with pytest.raises(BrokenAdapterError, match=dotted):
        registry.reader("tickets")


def test_the_engine_takes_the_sites_own_rules(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("rules: own.yaml\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text(
        "rules:\n  - {id: own, question: triage, when: {a: {eq: 1}}, choose: escalate,"
        " say: own, confidence: 1}\n",
        encoding="utf-8",
    )
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    question = Question("triage", "triage", {"a": 1}, (Candidate("escalate", "Ask"),))
    assert registry.inference().ask(question).rule == "own"


def test_the_engine_is_made_once() -> None:
    assert registry.inference() is registry.inference()


def test_a_faulty_site_gives_no_engine(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("hosts: 1\n", encoding="utf-8")
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    with pytest.raises(UndeclaredSiteError, match=r"site\.yaml:1: "):
        registry.inference()
