"""The kits of the other contracts over every adapter that is here: none fails, none is left out."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from adapters import kits, site, site_rows
from adapters.conformance import AnyKit, Result, tried, try_one
from adapters.forge import conf as forge_conf
from adapters.forge.conformance.bench import HERE, NOT_MADE, NOT_OWNER
from adapters.forge.place import Place
from adapters.graph.conformance import NONE
from adapters.knowledge.conformance.bench import EMPTY, NOT_OURS
from adapters.knowledge.conformance.bench import Bench as Base
from adapters.knowledge.conformance.kit import FIRE, FLOOD
from ethops.executor.git import BareGit
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import simulated
from tests.contract.test_forge import DRAFT, KEY
from tests.contract.test_graph import declare
from tests.doubles.forges import BOT, TOKEN
from tests.doubles.forges import Forge as Elsewhere
from tests.doubles.untrue import UNTRUE, untrue

MARKER = "ethops check 00000000"
CARD = SimulatedCard(8000, (SimulatedModel("any", "chat", 4000, 1, 100, 5000),), scale=0.001)
SITE = """
hosts: [{name: here}]
cis:
  - {ref: heap, name: A heap, class: directory, host: here, probes: [{name: heap-size,
     kind: directory, path: /tmp, max_files: 2, interval_s: 60, alertname: HeapTooHigh}]}
keys: [{name: executor, fingerprint: "SHA256:PRINT", accounts: [deploy], from: [10.9.0.0/24]}]
observers: [{host: here, source: pushed}]
""".replace("PRINT", "o" * 43)


def results(kit: AnyKit, adapter: Any, **options: str) -> dict[str, list[Result]]:
    """Every case by its verdict; what failed stops the test, with what was seen."""
    module = cast("ModuleType", adapter)
    bench = kits.bench(kit.contract, module, MARKER, options, BareGit)
    found: dict[str, list[Result]] = {"held": [], "failed": [], "cannot": []}
    for one in tried(kit, bench):
        found[one.verdict].append(one)
    assert bench.close() == ()
    assert [(one.title, one.seen) for one in found["failed"]] == []
    return found


@pytest.fixture
def declared(become: Callable[[str], None], tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE, encoding="utf-8")
    found = site.read(file)
    assert found.value is not None, found.faults
    become("owner")
    site_rows.apply(found.value)
    become("app")


def test_the_owner_is_asked_everything_of_the_cmdb(become: Callable[[str], None]) -> None:
    become("owner")
    assert results(kits.kit("cmdb"), kits.module("cmdb", "embedded"))["cannot"] == []
    assert kits.module("cmdb", "embedded").Reader().search("ethops check") == ()


def test_who_may_not_declare_is_not_asked_to(become: Callable[[str], None]) -> None:
    become("app")
    found = results(kits.kit("cmdb"), kits.module("cmdb", "embedded"))
    assert (len(found["held"]), len(found["cannot"])) == (5, 6)


def test_the_embedded_graph_holds(become: Callable[[str], None]) -> None:
    become("owner")
    declare({"rack": [], "host": ["rack"], "shop": ["host", "dns"], "dns": []})
    become("agent")
    assert results(kits.kit("graph"), kits.module("graph", "embedded"))["cannot"] == []


def test_a_graph_of_nothing_says_so(become: Callable[[str], None]) -> None:
    become("agent")
    found = results(kits.kit("graph"), kits.module("graph", "embedded"))
    assert {one.seen for one in found["cannot"]} == {NONE}


def test_embedded_monitoring_holds(declared: None) -> None:
    found = results(kits.kit("monitoring"), kits.module("monitoring", "embedded"))
    assert [one.seen for one in found["held"]][3] == "1 probes, 0 with a symptom of their own"
    assert len(found["cannot"]) == 4


@pytest.mark.parametrize(("name", "cannot"), [("embedded", 1), ("bus", 0)])
def test_telemetry_holds(declared: None, name: str, cannot: int) -> None:
    found = results(kits.kit("telemetry"), kits.module("telemetry", name))
    assert len(found["cannot"]) == cannot
    assert "1 keys, 0 without a fingerprint" in {one.seen for one in found["held"]}


def test_the_rules_hold() -> None:
    adapter = kits.module("inference", "embedded")
    assert results(kits.kit("inference"), adapter)["cannot"] == []


@pytest.mark.parametrize("name", ["ollama", "openai"])
def test_a_server_of_models_holds(name: str) -> None:
    with simulated(CARD) as server:
        adapter = kits.module("inference", name)
        assert results(kits.kit("inference"), adapter, url=server.url, model="any")["cannot"] == []


@pytest.mark.parametrize("name", ["gitea", "github"])
def test_a_forge_elsewhere_holds(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Elsewhere(name, tmp_path / "forge.git")
    place = Place(url=made.url, repository="site/pages", token=TOKEN, machines=frozenset({BOT}))
    monkeypatch.setattr(forge_conf, "place", lambda: place)
    adapter = import_module(f"adapters.forge.{name}")
    adapter.Writer(place).open(KEY, DRAFT)
    seen = {one.title: one.seen for one in results(kits.kit("forge"), adapter)["held"]}
    made.close()
    assert seen["Changes are told by path, once"] == "2 files"
    assert len(seen) == 9, "nothing is written where nobody named a repository for it"


@pytest.mark.parametrize("name", ["gitea", "github"])
def test_a_repository_that_is_kept_for_checks_is_written_to_and_left_as_it_was(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Elsewhere(name, tmp_path / "forge.git")
    place = Place(url=made.url, repository="in/use", token=TOKEN, machines=frozenset({BOT}))
    monkeypatch.setattr(forge_conf, "place", lambda: place)
    before = made.files()
    adapter = import_module(f"adapters.forge.{name}")
    found = results(kits.kit("forge"), adapter, repository="site/pages")
    assert (len(found["held"]), found["cannot"]) == (16, [])
    assert {pull["state"] for pull in made.pulls.values()} == {"closed"}
    assert (made.branches(), made.files()) == (["main"], before)
    made.close()


@pytest.fixture
def forge_here(
    become: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """The embedded forge, with one pull request that is somebody's."""
    place = Place(folder=tmp_path / "repository.git")
    monkeypatch.setattr(forge_conf, "place", lambda: place)
    become("executor")
    kits.module("forge", "embedded").Writer(place, BareGit(place.folder)).open(KEY, DRAFT)
    return place


def branches(place: Place) -> dict[str, str]:
    said = BareGit(place.folder)("for-each-ref", "--format=%(refname) %(objectname)").out.decode()
    return dict(line.split(" ") for line in said.splitlines())


@pytest.mark.parametrize("role", ["owner", "executor"])
def test_the_embedded_forge_is_written_to_and_left_as_it_was(
    role: str, forge_here: Place, become: Callable[[str], None]
) -> None:
    adapter, before = kits.module("forge", "embedded"), branches(forge_here)
    become(role)
    found = results(kits.kit("forge"), adapter)
    assert {one.title for one in found["cannot"]} == {"Our account reviews nothing"}
    seen = {one.title: one.seen for one in found["held"]}
    assert len(seen) == 15
    assert seen["Changes are told by path, once"] == "2 files"
    assert branches(forge_here) == before
    assert [one.key for one in adapter.Reader(forge_here).pulls("open")] == [KEY]
    assert adapter.Reader(forge_here).pulls("closed") == ()


def test_who_may_not_open_a_pull_request_is_not_asked_to(
    forge_here: Place, become: Callable[[str], None]
) -> None:
    become("app")
    found = results(kits.kit("forge"), kits.module("forge", "embedded"))
    assert {one.seen for one in found["cannot"]} == {HERE, NOT_OWNER}
    assert len(found["held"]) == 9


def test_a_check_makes_no_repository(
    become: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forge_conf, "place", lambda: Place(folder=tmp_path / "none.git"))
    become("owner")
    found = results(kits.kit("forge"), kits.module("forge", "embedded"))
    assert {one.seen for one in found["cannot"]} == {HERE, NOT_MADE}
    assert not (tmp_path / "none.git").exists()


@pytest.fixture
def read_already(become: Callable[[str], None], tmp_path: Path) -> None:
    """An index of two documents that are the site's."""
    become("app")
    base = Base(kits.module("knowledge", "embedded"), MARKER, git=BareGit)
    base.folder = tmp_path / "repository.git"
    pages = {"flood.md": FLOOD.replace("owner:", "domains: [water]\nowner:"), "fire.md": FIRE}
    base.merge({path: text.replace("check-", "site-") for path, text in pages.items()})
    base.follow()


@pytest.mark.parametrize("role", ["app", "owner"])
def test_the_knowledge_base_is_read_and_left_as_it_was(
    role: str, read_already: None, become: Callable[[str], None]
) -> None:
    adapter = kits.module("knowledge", "embedded")
    before = adapter.Reader().freshness()
    become(role)
    found = results(kits.kit("knowledge"), adapter)
    assert (len(found["held"]), found["cannot"]) == (23, [])
    seen = {one.title: one.seen for one in found["held"]}
    assert seen["A passage stands where it says"] == "2 looked up, 0 do not stand there"
    assert adapter.Reader().freshness() == before


def test_who_may_not_write_the_index_is_not_asked_to(become: Callable[[str], None]) -> None:
    become("agent")
    found = results(kits.kit("knowledge"), kits.module("knowledge", "embedded"))
    assert {one.seen for one in found["cannot"]} == {EMPTY, NOT_OURS}
    assert (len(found["held"]), len(found["cannot"])) == (8, 15)


def test_each_case_of_the_knowledge_base_can_fail(read_already: None) -> None:
    kit, right = kits.kit("knowledge"), kits.module("knowledge", "embedded")
    seen = {}
    for n, case in enumerate(kit.cases, 1):
        bench = kits.bench("knowledge", untrue(right, *UNTRUE[case.title]), MARKER, {}, BareGit)
        seen[case.title] = try_one(n, case, bench).verdict
    assert seen == dict.fromkeys(UNTRUE, "failed")


@pytest.mark.parametrize(("wrong", "title"), [("drop_database", "An answer is one of the")])
def test_an_adapter_that_lies_is_found_out(wrong: str, title: str) -> None:
    made = kits.module("inference", "embedded").Inference()

    def ask(question: Any) -> Any:
        return SimpleNamespace(
            choice=wrong, say="so", why=("so",), confidence=1.0, engine="liar"
        )  # fmt: skip

    adapter = SimpleNamespace(Inference=lambda: SimpleNamespace(name=made.name, ask=ask))
    kit = kits.kit("inference")
    failed = [
        one.title
        for one in tried(kit, kit.bench(cast("ModuleType", adapter), MARKER, {}))
        if one.verdict == "failed"
    ]
    assert len(failed) == 5
    assert failed[0].startswith(title)
