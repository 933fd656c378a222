"""`manage.py adapters`: the kit against a system that is there, for people and for programs."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from adapters import kits
from adapters.forge import conf as forge_conf
from adapters.forge.conformance.bench import HERE
from adapters.forge.place import Place
from adapters.forge.repository import Repository
from adapters.knowledge.conformance.bench import EMPTY
from adapters.tickets import embedded
from adapters.tickets.conformance.bench import ALONE
from adapters.tickets.models import Ticket
from ethops import peers
from ethops.executor.git import BareGit
from tests.doubles.forges import TOKEN, Forge
from tests.doubles.itop.house import House

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/conformance.md").read_text("utf-8")


def said(*words: str) -> tuple[int, dict[str, Any]]:
    """What the command prints for programs, and how it ends."""
    out, status = StringIO(), 0
    try:
        call_command("adapters", *words, "--json", stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    return status, json.loads(out.getvalue())


def test_the_embedded_desk_holds(clean_db: None) -> None:
    status, found = said("check", "tickets", "embedded")
    assert (status, found["cannot"]) == (0, {"elsewhere": ALONE})
    assert found["counts"] == {"held": 27, "failed": 0, "cannot": 5}
    assert [ticket.state for ticket in Ticket.objects.all()] == ["closed", "closed"]
    assert len(found["left"]) == 2


def test_an_itop_holds_and_only_what_is_on_record_stays(clean_db: None, house: House) -> None:
    status, found = said("check", "tickets", "itop")
    assert (status, found["counts"]) == (0, {"held": 32, "failed": 0, "cannot": 0})
    assert house.objects("Incident") == []
    assert {one["status"] for one in house.objects("Problem")} == {"closed"}


def test_the_forge_s_cases_are_handed_git(
    become: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repository.git"
    monkeypatch.setattr(forge_conf, "place", lambda: Place(folder=folder))
    Repository(BareGit(folder), "main").tip()
    become("owner")
    status, found = said("check", "forge", "embedded")
    assert (status, found["counts"]) == (0, {"held": 15, "failed": 0, "cannot": 1})
    assert (found["cannot"], found["left"]) == ({"pages": HERE}, [])


def test_the_forge_that_variables_name_is_the_one_that_is_checked(
    clean_db: None, settings: Any, tmp_path: Path
) -> None:
    forge, token = Forge("gitea", tmp_path / "elsewhere.git"), tmp_path / "token"
    token.write_text(TOKEN, encoding="utf-8")
    named = {
        "ETHOPS_FORGE": "forgejo", "ETHOPS_FORGE_URL": forge.url,
        "ETHOPS_FORGE_REPOSITORY": "site/pages", "ETHOPS_FORGE_TOKEN_FILE": str(token),
    }  # fmt: skip
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(named)}
    status, found = said("check", "forge", "--set", "repository=site/pages")
    forge.close()
    assert (status, found["adapter"]) == (0, "adapters.forge.gitea")
    assert (found["counts"]["failed"], found["left"]) == (0, [])
    assert forge.asked
    token.unlink()
    with pytest.raises(CommandError, match="ETHOPS_FORGE_TOKEN_FILE"):
        said("check", "forge", "--set", "repository=site/pages", "--sweep")


def test_the_neo4j_that_a_variable_names_is_the_one_that_is_checked(
    clean_db: None, settings: Any
) -> None:
    named = {"NEO4J_URI": "bolt://127.0.0.1:9"}
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(named)}
    status, found = said("check", "graph")
    assert (status, found["adapter"]) == (1, "adapters.graph.neo4j")
    assert "bolt://127.0.0.1:9" in found["cases"][0]["seen"]


def test_the_knowledge_base_s_cases_are_handed_git(become: Callable[[str], None]) -> None:
    become("app")
    status, found = said("check", "knowledge")
    assert (status, found["counts"]) == (0, {"held": 18, "failed": 0, "cannot": 5})
    assert (found["cannot"], found["left"]) == ({"documents": EMPTY}, [])


def test_a_case_that_fails_is_told_with_what_was_seen(
    clean_db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.Reader, "links", lambda *_: ())
    with pytest.raises(SystemExit) as end:
        call_command("adapters", "check", "tickets", "embedded")
    told = capsys.readouterr().out
    assert end.value.code == 1
    assert "11 FAILED A link is kept once" in told
    assert "      seen      ((), ())" in told
    assert "2 failed" in told


def test_one_whose_module_lacks_a_part_fails_and_does_not_break(clean_db: None) -> None:
    status, found = said("check", "tickets", "adapters.tickets.states")
    assert (status, found["counts"]["held"]) == (1, 0)
    assert "has no attribute 'Writer'" in found["cases"][0]["seen"]


@pytest.mark.django_db
def test_every_adapter_is_listed_and_there(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("adapters", "list")
    told = capsys.readouterr().out
    assert "embedded (in use)" in told
    assert all(name in told for adapters in kits.ADAPTERS.values() for name in adapters)
    assert all(isinstance(kits.module(one.contract, one.name), ModuleType) for one in kits.known())


@pytest.mark.django_db
def test_an_adapter_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(CommandError, match="there are: embedded, itop"):
        call_command("adapters", "check", "tickets", "jira")


def test_the_adapter_of_the_page_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    code = PAGE.split("```python\n")[1].split("```")[0]
    (tmp_path / "careful.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    status, found = said("check", "inference", "careful")
    assert (status, found["counts"]) == (0, {"held": 6, "failed": 0, "cannot": 0})
    assert list(found["cannot"]) == ["repair"]


@pytest.mark.parametrize("contract", kits.KITS)
def test_the_page_counts_the_cases(contract: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {contract} |")]
    assert row.split("|")[3].strip() == str(len(kits.kit(contract).cases))
