"""A site's peers by variables: whole, or refused by name with the mend, and no secret told."""

from pathlib import Path
from typing import Any

import pytest

from adapters.checks import SECRETS
from adapters.graph import neo4j
from adapters.graph.server import Server
from ethops import peers
from ethops.env import EnvError
from ethops.stack.layout import Layout
from ethops.stack.rehearsal import one_card

SERVER = {
    "ETHOPS_INFERENCE_URL": "https://vllm.example/v1/",
    "ETHOPS_INFERENCE_MODEL": "Qwen/Qwen3-8B",
    "ETHOPS_INFERENCE_KEY_FILE": "/etc/ethops/vllm.key",
}
FORGE = {
    "ETHOPS_FORGE": "forgejo",
    "ETHOPS_FORGE_URL": "https://git.example.org/",
    "ETHOPS_FORGE_REPOSITORY": "site/pages",
    "ETHOPS_FORGE_TOKEN_FILE": "/etc/ethops/forge.token",
}
GRAPH = {
    "NEO4J_URI": "neo4j+s://graph.example:7687",
    "NEO4J_USER": "ethops",
    "NEO4J_PASSWORD_FILE": "/etc/ethops/neo4j",
}


CISO = {
    "ETHOPS_CISO_URL": "https://ciso.example.org/",
    "ETHOPS_CISO_AUDIT": "0f3d9a52-3a0e-4f5c-9a55-1f6cde1d8a11",
    "ETHOPS_CISO_TOKEN_FILE": "/etc/ethops/ciso.token",
}


def test_without_a_variable_all_of_it_is_our_own() -> None:
    assert peers.chosen({}) == {
        name: {"adapter": f"adapters.{name}.embedded"}
        for name in ("graph", "forge", "knowledge", "compliance")
    }


def test_compliance_reads_a_folder_an_audit_or_both() -> None:
    scans = Path("/srv/scap")
    assert peers.chosen({}, scans)["compliance"] == {
        "adapter": "adapters.compliance.openscap", "folder": "/srv/scap",
    }  # fmt: skip
    audit = peers.chosen(CISO)["compliance"]
    assert audit == {
        "adapter": "adapters.compliance.ciso_assistant",
        "url": "https://ciso.example.org",
        "audit": CISO["ETHOPS_CISO_AUDIT"],
        "token_file": "/etc/ethops/ciso.token",
    }
    assert peers.chosen(CISO, scans)["compliance"] == {**audit, "folder": "/srv/scap"}


def test_a_neo4j_is_spoken_to_where_it_was_named(settings: Any, tmp_path: Path) -> None:
    secret = tmp_path / "neo4j"
    secret.write_text("hush\n", encoding="utf-8")
    said = {**GRAPH, "NEO4J_PASSWORD_FILE": str(secret), "ETHOPS_GRAPH_SITE": "north"}
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(said)}
    assert settings.ADAPTERS["graph"]["adapter"] == neo4j.__name__
    made = Server.of_settings()
    assert made == Server("neo4j+s://graph.example:7687", "ethops", str(secret), "neo4j", "north")
    assert "hush" not in repr(made)


@pytest.mark.parametrize(
    ("kind", "adapter"), [("gitea", "gitea"), ("forgejo", "gitea"), ("github", "github")]
)
def test_a_forge_is_chosen_by_what_a_site_calls_it(kind: str, adapter: str) -> None:
    said = {**FORGE, "ETHOPS_FORGE": kind, "ETHOPS_FORGE_MACHINES": "ci, bot"}
    assert peers.chosen(said)["forge"] == {
        "adapter": f"adapters.forge.{adapter}",
        "url": "https://git.example.org",
        "repository": "site/pages",
        "base": "main",
        "token_file": "/etc/ethops/forge.token",
        "machines": ["ci", "bot"],
    }


def test_githubs_own_address_needs_not_be_said() -> None:
    said = {**FORGE, "ETHOPS_FORGE": "github", "ETHOPS_FORGE_URL": ""}
    assert peers.chosen(said)["forge"]["url"] == ""


def test_another_repository_of_knowledge_is_named(tmp_path: Path) -> None:
    said = {"ETHOPS_KNOWLEDGE_REPOSITORY": str(tmp_path), "ETHOPS_KNOWLEDGE_BRANCH": "trunk"}
    assert peers.chosen(said)["knowledge"] == {
        "adapter": "adapters.knowledge.embedded", "repository": str(tmp_path), "branch": "trunk",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "told"), [("embed", {"slot": "embed"}), ("none", {"slot": ""}), ("", {})]
)
def test_the_slot_for_vectors_is_named_or_refused_to_all(value: str, told: dict[str, str]) -> None:
    chosen = peers.chosen({"ETHOPS_KNOWLEDGE_SLOT": value})["knowledge"]
    assert chosen == {"adapter": "adapters.knowledge.embedded", **told}


@pytest.mark.parametrize(
    ("said", "variable", "mend"),
    [
        ({"NEO4J_USER": "ethops"}, "NEO4J_USER", "NEO4J_URI=bolt://"),
        ({"ETHOPS_GRAPH_SITE": "north"}, "ETHOPS_GRAPH_SITE", "NEO4J_URI=bolt://"),
        ({**GRAPH, "NEO4J_URI": "http://graph:7474"}, "NEO4J_URI", "bolt:"),
        ({**GRAPH, "NEO4J_URI": "bolt://"}, "NEO4J_URI", "name a host"),
        ({**GRAPH, "NEO4J_URI": "bolt://graph:port"}, "NEO4J_URI", "not a URL"),
        ({**GRAPH, "NEO4J_USER": ""}, "NEO4J_PASSWORD_FILE", "goes with NEO4J_USER"),
        ({**GRAPH, "NEO4J_PASSWORD_FILE": ""}, "NEO4J_USER", "goes with NEO4J_PASSWORD_FILE"),
        ({**GRAPH, "NEO4J_DATABASE": "a b"}, "NEO4J_DATABASE", "name of a database"),
        ({**GRAPH, "ETHOPS_GRAPH_SITE": "'"}, "ETHOPS_GRAPH_SITE", "short name"),
        ({**FORGE, "ETHOPS_FORGE": ""}, "ETHOPS_FORGE_URL", "ETHOPS_FORGE=gitea"),
        ({**FORGE, "ETHOPS_FORGE": "gitlab"}, "ETHOPS_FORGE", "forgejo, gitea, github"),
        ({**FORGE, "ETHOPS_FORGE_URL": ""}, "ETHOPS_FORGE_URL", "https://git.example.org"),
        ({**FORGE, "ETHOPS_FORGE_URL": "http://git.example.org"}, "ETHOPS_FORGE_URL", "say https"),
        ({**FORGE, "ETHOPS_FORGE_URL": "ssh://git.example"}, "ETHOPS_FORGE_URL", "https:"),
        ({**FORGE, "ETHOPS_FORGE_REPOSITORY": ""}, "ETHOPS_FORGE_REPOSITORY", "owner/name"),
        ({**FORGE, "ETHOPS_FORGE_REPOSITORY": "../x"}, "ETHOPS_FORGE_REPOSITORY", "owner/name"),
        ({**FORGE, "ETHOPS_FORGE_REPOSITORY": "a/b/c"}, "ETHOPS_FORGE_REPOSITORY", "owner/name"),
        ({**FORGE, "ETHOPS_FORGE_TOKEN_FILE": ""}, "ETHOPS_FORGE_TOKEN_FILE", "forge.token"),
        ({**FORGE, "ETHOPS_FORGE_BRANCH": "-x"}, "ETHOPS_FORGE_BRANCH", "such as main"),
        ({**FORGE, "ETHOPS_FORGE_BRANCH": "a..b"}, "ETHOPS_FORGE_BRANCH", "such as main"),
        ({**CISO, "ETHOPS_CISO_URL": ""}, "ETHOPS_CISO_AUDIT", "ETHOPS_CISO_URL=https"),
        ({**CISO, "ETHOPS_CISO_URL": "http://ciso.example"}, "ETHOPS_CISO_URL", "say https"),
        ({**CISO, "ETHOPS_CISO_AUDIT": ""}, "ETHOPS_CISO_AUDIT", "id of an audit"),
        ({**CISO, "ETHOPS_CISO_AUDIT": "../x"}, "ETHOPS_CISO_AUDIT", "a UUID"),
        ({**CISO, "ETHOPS_CISO_TOKEN_FILE": ""}, "ETHOPS_CISO_TOKEN_FILE", "ciso.token"),
        ({"ETHOPS_KNOWLEDGE_BRANCH": "x"}, "ETHOPS_KNOWLEDGE_BRANCH", "KNOWLEDGE_REPOSITORY"),
        ({"ETHOPS_KNOWLEDGE_SLOT": "Embed 8b"}, "ETHOPS_KNOWLEDGE_SLOT", "or say none"),
        ({"ETHOPS_KNOWLEDGE_REPOSITORY": "\0"}, "ETHOPS_KNOWLEDGE_REPOSITORY", "no NUL"),
    ],
)
def test_a_wrong_or_half_peer_is_refused_by_name(
    said: dict[str, str], variable: str, mend: str
) -> None:
    with pytest.raises(EnvError) as refused:
        peers.chosen(said)
    assert (refused.value.variable, refused.value.code) == (variable, "env.refused")
    assert mend in refused.value.hint


@pytest.mark.parametrize(
    "said",
    [
        {**GRAPH, "NEO4J_URI": "bolt://ethops:hush@graph:7687"},
        {**GRAPH, "NEO4J_URI": "bolt://ethops:hush/9@graph:7687"},
        {**FORGE, "ETHOPS_FORGE_URL": "https://hush@git.example.org"},
        {**CISO, "ETHOPS_CISO_URL": "https://hush@ciso.example.org"},
    ],
)
def test_a_login_in_an_address_is_refused_and_not_told(said: dict[str, str]) -> None:
    with pytest.raises(EnvError, match="no login stands in it") as refused:
        peers.chosen(said)
    assert "hush" not in str(refused.value)


def test_the_files_that_are_looked_at_are_those_that_variables_name() -> None:
    said = {**GRAPH, **FORGE, **CISO}
    told = peers.chosen(said)
    for (contract, option), variable in SECRETS.items():
        assert told[contract][option] == said[variable]


def test_a_server_of_openais_api_is_named_whole() -> None:
    assert peers.inference({}) == {}
    assert peers.inference(SERVER) == {
        "url": "https://vllm.example", "model": "Qwen/Qwen3-8B", "key_file": "/etc/ethops/vllm.key",
    }  # fmt: skip
    local = {"ETHOPS_INFERENCE_URL": "http://127.0.0.1:8000", "ETHOPS_INFERENCE_MODEL": "m"}
    assert peers.inference(local)["key_file"] == ""


@pytest.mark.parametrize(
    ("said", "variable", "mend"),
    [
        ({"ETHOPS_INFERENCE_MODEL": "m"}, "ETHOPS_INFERENCE_MODEL", "ETHOPS_INFERENCE_URL="),
        ({**SERVER, "ETHOPS_INFERENCE_MODEL": ""}, "ETHOPS_INFERENCE_MODEL", "/v1/models"),
        ({**SERVER, "ETHOPS_INFERENCE_URL": "http://vllm"}, "ETHOPS_INFERENCE_URL", "say https"),
        ({**SERVER, "ETHOPS_INFERENCE_URL": "vllm:8000"}, "ETHOPS_INFERENCE_URL", "https:"),
        ({**SERVER, "OLLAMA_HOST": "box"}, "ETHOPS_INFERENCE_URL", "both in gpu.yaml"),
        ({**SERVER, "ETHOPS_INFERENCE_URL": "HTTPS://vllm"}, "ETHOPS_INFERENCE_URL", "small"),
        (
            {**SERVER, "ETHOPS_INFERENCE_URL": f"https://vllm/{'a' * 190}"},
            "ETHOPS_INFERENCE_URL",
            "200 characters",
        ),
        (
            {**SERVER, "ETHOPS_INFERENCE_KEY_FILE": f"/{'a' * 400}"},
            "ETHOPS_INFERENCE_KEY_FILE",
            "400 characters",
        ),
    ],
)
def test_half_a_server_of_models_is_refused_by_name(
    said: dict[str, str], variable: str, mend: str
) -> None:
    with pytest.raises(EnvError) as refused:
        peers.inference(said)
    assert refused.value.variable == variable
    assert mend in refused.value.hint


def test_a_stack_runs_a_worker_for_the_server_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVER.items():
        monkeypatch.setenv(name, value)
    (card,) = Layout(tmp_path).gpu.cards
    assert (card.url, card.key_file) == ("https://vllm.example", "/etc/ethops/vllm.key")
    assert card.models["ops"] == "Qwen/Qwen3-8B"


def test_the_longest_address_and_path_that_are_let_through_are_a_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key = f"https://vllm/{'a' * 187}", f"/{'k' * 399}"
    said = {**SERVER, "ETHOPS_INFERENCE_URL": url, "ETHOPS_INFERENCE_KEY_FILE": key}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    (card,) = Layout(tmp_path).gpu.cards
    assert (card.url, card.key_file) == (url, key)


def test_a_replay_has_its_own_card_whatever_server_the_site_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVER.items():
        monkeypatch.setenv(name, value)
    made = Layout(tmp_path, extra_environment=one_card(tmp_path, "127.0.0.1:5"))
    (card,) = made.gpu.cards
    assert (card.url, card.models) == ("http://127.0.0.1:5", {})
    assert not peers.inference(made.environment("web"))
