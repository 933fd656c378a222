"""The shape of the house: small files, short functions, rooms that say what they are for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ethops.env import CLONE

ROOMS = ("ethops", "personas", "gpu", "adapters", "audit")
LONGEST_FILE = 500
LONGEST_FUNCTION = 50
SHARE_OF_LONG_FUNCTIONS = 0.02
ATTICS = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base"}


def sources() -> list[Path]:
    return [
        path
        for room in ROOMS
        for path in sorted((CLONE / room).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def functions() -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def shown(path: Path) -> str:
    return str(path.relative_to(CLONE))


INITS = [path for path in sources() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", INITS, ids=shown)
def test_a_package_says_in_one_sentence_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree) or ""
    assert len(tree.body) == 1, "a package re-exports nothing"
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_no_file_is_longer_than_a_reader_bears() -> None:
    lengths = {shown(p): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_few_functions_are_longer_than_a_screen() -> None:
    lengths = [(node.end_lineno or 0) - node.lineno + 1 for node in functions()]
    long = [length for length in lengths if length > LONGEST_FUNCTION]
    assert len(long) / len(lengths) < SHARE_OF_LONG_FUNCTIONS


def test_there_is_no_attic() -> None:
    assert [shown(path) for path in sources() if path.stem in ATTICS] == []


def test_every_function_is_annotated_whole() -> None:
    bare = [
        node.name
        for node in functions()
        if node.returns is None
        or any(
            argument.annotation is None
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if argument.arg not in {"self", "cls"}
        )
    ]
    assert bare == []


def test_suppressions_are_rare() -> None:
    text = [path.read_text(encoding="utf-8") for path in sources()]
    lines = sum(len(part.splitlines()) for part in text)
    marks = sum(part.count("# noqa") + part.count("# type: ignore") for part in text)
    assert marks / lines * 1000 <= 1.5
