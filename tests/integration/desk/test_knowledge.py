"""The desk reads what people merge, once they have, and says where it cannot."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from adapters import registry
from adapters.forge.port import File
from adapters.forge.repository import Repository
from adapters.knowledge.conformance.kit import FIRE, FLOOD
from adapters.knowledge.port import Query
from ethops import peers
from ethops.desk import knowledge
from ethops.executor.git import BareGit
from tests.integration.desk import alerts


@pytest.fixture
def forge(clean_db, settings, tmp_path) -> Repository:
    """The embedded forge's repository, not made yet."""
    settings.ETHOPS_STATE = tmp_path
    return Repository(BareGit(tmp_path / "forge" / "repository.git"), "main")


def propose(forge: Repository, name: str, text: str) -> str:
    file = File(name, text.encode())
    head, _ = forge.commit(forge.tip(), f"ethops/{name}", [file], message="A page", author="ada")
    return head


def documents(words: str) -> list[str]:
    passages = registry.knowledge_reader().search(Query(words)).passages
    return [one.document for one in passages]


def said(*words: str) -> str:
    out = StringIO()
    call_command("knowledge", *words, stdout=out)
    return out.getvalue()


def test_where_there_is_no_repository_nothing_is_read_and_none_is_made(forge, tmp_path):
    knowledge.watch()
    assert "Nothing was read yet." in said("state")
    with pytest.raises(CommandError, match="no repository"):
        said("index")
    assert not (tmp_path / "forge").exists()
    assert alerts.opened() == []


def test_a_page_is_found_once_it_is_merged_and_not_before(forge):
    head = propose(forge, "flood.md", FLOOD)
    knowledge.watch()
    assert documents("plumber") == []
    merged = forge.merge(head, message="Merge", by="ben")
    knowledge.watch()
    assert documents("plumber") == ["check-flood"]
    assert registry.knowledge_reader().freshness().commit == merged


def test_a_forge_elsewhere_has_no_repository_here(forge, settings):
    forge.merge(propose(forge, "flood.md", FLOOD), message="Merge", by="ben")
    settings.ADAPTERS = {**settings.ADAPTERS, "forge": {"adapter": "adapters.forge.gitea"}}
    knowledge.watch()
    assert documents("plumber") == []


def test_the_settings_name_another_repository_and_branch(forge, settings, tmp_path):
    other = Repository(BareGit(tmp_path / "other.git"), "trunk")
    other.merge(propose(other, "fire.md", FIRE), message="Merge", by="ben")
    said = {
        "ETHOPS_KNOWLEDGE_REPOSITORY": str(tmp_path / "other.git"),
        "ETHOPS_KNOWLEDGE_BRANCH": "trunk",
    }
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(said)}
    knowledge.watch()
    assert documents("smoke") == ["check-fire"]


def test_a_person_is_told_where_the_repository_that_is_named_is_gone(forge, settings, tmp_path):
    said = {"ETHOPS_KNOWLEDGE_REPOSITORY": str(tmp_path / "gone.git")}
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(said)}
    knowledge.watch()
    (ticket,) = alerts.opened()
    assert "gone.git: there is no such folder" in ticket.description
    assert not (tmp_path / "gone.git").exists()


def test_a_person_is_told_once_where_it_cannot_be_read(forge, tmp_path):
    broken = tmp_path / "forge" / "repository.git"
    broken.mkdir(parents=True)
    for _ in range(2):
        knowledge.watch()
    (ticket,) = alerts.opened()
    assert ticket.title == "The knowledge base cannot be read"
    with pytest.raises(CommandError, match="no branch main"):
        said("index")


def test_by_hand_it_is_read_asked_and_what_is_left_out_is_named(forge):
    forge.merge(propose(forge, "flood.md", FLOOD), message="Merge", by="ben")
    forge.merge(propose(forge, "readme.md", "# Hello\n"), message="Merge", by="ben")
    assert "added=1  changed=0  removed=0  faults=1" in said("index")
    assert said("faults").startswith("readme.md:1: It has no front matter. Begin with")
    told = said("search", "pump", "it", "--tag", "type:runbook")
    assert told.startswith("check-flood@")
    assert "#L8-L14  (words)\n  Water in the basement > First\n  | # First" in told
    assert "Not compared by meaning: knowledge.embedder_away: No slot of kind embed" in told
    assert "documents=1" in said("state")
    assert json.loads(said("search", "pump", "--json"))["passages"][0]["chunk"]
    assert said("search", "nowhere").startswith("Nothing is found.")
    with pytest.raises(CommandError, match="Between 1 and 50"):
        said("search", "pump", "--limit", "0")
