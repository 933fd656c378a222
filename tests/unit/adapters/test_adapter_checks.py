"""System checks of the declared files."""

from pathlib import Path

import pytest
from pytest_django import Settings

from adapters import checks


@pytest.fixture
def site_file(settings: Settings, tmp_path: Path) -> Path:
    file = tmp_path / "site.yaml"
    settings.ETHOPS_SITE = file
    return file


def test_every_fault_of_the_site_is_an_error(site_file: Path) -> None:
    site_file.write_text("hosts:\n  - {name: Here}\ncis: 3\n", encoding="utf-8")
    found = checks.check_site()
    assert [error.id for error in found] == ["site.E001", "site.E001"]
    assert found[0].msg.startswith(f"{site_file}:2: `hosts[0].name`")
    assert found[0].hint


def test_a_named_site_that_is_not_there_is_an_error(site_file: Path) -> None:
    (found,) = checks.check_site()
    assert found.msg == f"{site_file}:1: Cannot be read: No such file or directory."


def test_the_state_folders_own_site_may_be_absent(settings: Settings, site_file: Path) -> None:
    settings.ETHOPS_STATE = site_file.parent
    assert checks.check_site() == []


def test_the_sites_own_rules_are_checked(site_file: Path) -> None:
    site_file.write_text("rules: own.yaml\n", encoding="utf-8")
    (site_file.parent / "own.yaml").write_text("rules:\n  - {id: a}\n", encoding="utf-8")
    found = checks.check_rules()
    assert {error.id for error in found} == {"inference.E001"}
    assert f"{site_file.parent / 'own.yaml'}:2: `rules[0].question` is missing." in {
        error.msg for error in found
    }


def test_an_adapter_that_does_not_exist_is_an_error(settings: Settings) -> None:
    settings.ADAPTERS = {"tickets": {"adapter": "no.such.module"}}
    (found,) = checks.check_modules()
    assert (found.id, "no.such.module" in found.msg) == ("adapters.E001", True)


def test_a_secret_that_is_none_is_an_error_and_is_not_told(
    settings: Settings, tmp_path: Path
) -> None:
    secret = tmp_path / "forge.token"
    settings.ADAPTERS = {"forge": {"adapter": "adapters.forge.gitea", "token_file": str(secret)}}
    seen = []
    for step in (lambda: None, secret.touch, lambda: secret.write_text("hush", encoding="utf-8")):
        step()
        if secret.exists():
            secret.chmod(0o644)
        (found,) = checks.check_secrets()
        seen.append(found)
    secret.chmod(0o640)
    assert checks.check_secrets() == []
    assert {one.id for one in seen} == {"adapters.E002"}
    for one, wrong in zip(seen, ("No such file", "nothing in it", "everybody"), strict=True):
        assert one.msg.startswith(f"ETHOPS_FORGE_TOKEN_FILE={secret}: ")
        assert wrong in one.msg
        assert "hush" not in one.msg


def test_a_named_repository_of_knowledge_that_is_not_there_is_an_error(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = {"adapter": "adapters.knowledge.embedded", "repository": str(tmp_path / "absent")}
    settings.ADAPTERS = {"knowledge": chosen}
    (found,) = checks.check_repository()
    assert (found.id, "ETHOPS_KNOWLEDGE_REPOSITORY" in found.msg) == ("adapters.E003", True)
    chosen["repository"] = str(tmp_path)
    assert checks.check_repository() == []
