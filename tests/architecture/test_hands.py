"""Who can reach the hands: writers of the outside world, and processes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ethops.env import CLONE

ROOMS = ("ethops", "personas", "gpu", "adapters", "audit")
WRITERS = {"writer", "forge_writer"}
KITS = "adapters/kits.py"
BENCHES = {
    *("adapters/tickets/conformance/bench.py", "adapters/cmdb/conformance.py"),
    "adapters/forge/conformance/bench.py",
    "adapters/compliance/conformance.py",
}
"""What makes writers for the conformance kit, which an administrator starts by a command."""
COMMANDS = {
    "ethops/management/commands/_adapters_check.py",
    "ethops/management/commands/_adapters_list.py",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((CLONE / room).rglob("*.py")):
            yield path.relative_to(CLONE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def names_used(tree: ast.Module) -> set[str]:
    """Names imported from the registry, and attributes taken from it."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "adapters.registry":
            used |= {alias.name for alias in node.names}
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "registry"
        ):
            used.add(node.attr)
    return used


def test_writers_are_reachable_from_the_executor_alone():
    elsewhere = [
        path
        for path, tree in sources()
        if WRITERS & names_used(tree) and not path.startswith("ethops/executor/")
    ]
    assert elsewhere == []


def test_the_executor_does_use_writers():
    # Else the test above would hold for a reason of its own.
    assert any("writer" in names_used(tree) for path, tree in sources() if "executor" in path)


def imported(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Every import as (module, name, as)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name, alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", alias.asname or alias.name


def test_the_registry_has_one_name_everywhere():
    # Under another one the test above would not know it.
    hidden = [
        (path, module, name)
        for path, tree in sources()
        for module, name, known_as in imported(tree)
        if (module, name) == ("adapters.registry", "")
        or (module == "adapters" and name == "registry" and known_as != "registry")
        or (module == "adapters.registry" and name in {*WRITERS, "_made"} and known_as != name)
        or (module == "adapters.registry" and name.startswith("_"))
    ]
    assert hidden == []


def test_the_knowledge_base_is_read_in_by_the_desk_alone():
    readers = {path for path, tree in sources() if "knowledge_indexer" in names_used(tree)}
    assert readers == {"ethops/desk/knowledge.py"}


def test_no_writer_is_made_past_the_registry():
    makers = {
        path
        for path, tree in sources()
        if path != "adapters/registry.py"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and _last_name(node.func) == "Writer")
    }
    assert makers == BENCHES


def test_the_kit_is_reached_from_its_command_alone():
    beside = {
        path
        for path, tree in sources()
        for module, name, _ in imported(tree)
        if f"{module}.{name}".startswith("adapters.kits")
    }
    benches = {
        path
        for path, tree in sources()
        for module, name, _ in imported(tree)
        if ".conformance" in f"{module}.{name}".removeprefix("adapters.conformance")
        and module.startswith("adapters")
        and not path.startswith("adapters/")
    }
    loading = {path for path, tree in sources() if "module" in names_used(tree)}
    assert (beside, benches, loading) == (COMMANDS, set(), {KITS})


def test_writers_are_imported_by_name_from_ports_alone():
    elsewhere = [
        (path, module)
        for path, tree in sources()
        for module, name, _ in imported(tree)
        if name == "Writer"
        and module.startswith("adapters.")
        and not (module.endswith(".port") and path.startswith(("ethops/executor/", "adapters/")))
    ]
    assert elsewhere == []


def test_modules_are_loaded_by_name_in_the_registry_alone():
    # A loader that takes a made-up name reaches anything.
    loaders = {
        path
        for path, tree in sources()
        for module, name, _ in imported(tree)
        if module == "importlib" and name in ("", "import_module", "__import__")
    } | {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "__import__"
    }
    assert loaders == {"adapters/registry.py"}


def test_nobody_asks_the_registry_by_a_made_up_name():
    askers = [
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _last_name(node.func) in ("getattr", "attrgetter", "vars")
        and any(isinstance(one, ast.Name) and one.id == "registry" for one in node.args)
    ]
    assert askers == []


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("door", ["claim_effect", "settle", "claim_doubt", "resolve_doubt"])
def test_the_executor_s_doors_are_called_by_the_executor_alone(door):
    callers = [
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == door
        and isinstance(node.value, ast.Name)
        and node.value.id == "gate"
    ]
    assert {Path(path).parts[:2] for path in callers} == {("ethops", "executor")}
