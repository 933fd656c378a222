"""Who can reach the hands: writers of the outside world, and processes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ethops.env import CLONE

ROOMS = ("ethops", "personas", "gpu", "adapters", "audit")


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
        if "writer" in names_used(tree) and not path.startswith("ethops/executor/")
    ]
    assert elsewhere == []


def test_the_executor_does_use_writers():
    # Else the test above would hold for a reason of its own.
    assert any("writer" in names_used(tree) for path, tree in sources() if "executor" in path)


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
