"""Declared files: what is refused, at which line, with which mend."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from adapters.declared import Declaration, read


class Square(Declaration):
    kind: Literal["square"]
    side: int


class Circle(Declaration):
    kind: Literal["circle"]
    radius: float


class Drawing(Declaration):
    name: str
    shapes: tuple[Annotated[Square | Circle, Field(discriminator="kind")], ...] = ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "drawing.yaml"


def faults(file: Path, text: str) -> list[tuple[int, str]]:
    file.write_text(text, encoding="utf-8")
    return [(fault.line, fault.what) for fault in read(file, Drawing).faults]


def test_a_sound_file_gives_the_model(file: Path) -> None:
    file.write_text("name: no\nshapes:\n  - {kind: circle, radius: 2}\n", encoding="utf-8")
    found = read(file, Drawing)
    assert found.faults == ()
    assert found.value == Drawing(name="no", shapes=(Circle(kind="circle", radius=2),))


def test_a_value_knows_its_line(file: Path) -> None:
    file.write_text("name: a\nshapes:\n  - kind: square\n    side: 1\n", encoding="utf-8")
    found = read(file, Drawing)
    assert found.line("shapes", 0, "side") == 4
    assert found.line("shapes", 0, "nowhere") == 3


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        pytest.param("shapes: []\n", 1, "`name` is missing.", id="missing"),
        pytest.param("name: a\nnmae: b\n", 2, "`nmae` is not a known key.", id="unknown-key"),
        pytest.param(
            "name: a\nshapes:\n  - kind: square\n    side: x\n",
            4,
            "`shapes[0].side`: Input should be a valid integer.",
            id="inside-a-union",
        ),
        pytest.param(
            "name: a\nshapes:\n  - kind: square\n    side: 1\n    colour: red\n",
            5,
            "`shapes[0].colour` is not a known key.",
            id="unknown-key-inside-a-union",
        ),
        pytest.param("name: a\nname: b\n", 2, "The key `name` stands here twice.", id="twice"),
        pytest.param(
            "a: 1\nname: !!python/object/apply:os.system [id]\n",
            2,
            "The tag tag:yaml.org,2002:python/object/apply:os.system is not allowed.",
            id="tag",
        ),
        pytest.param("name: 'a\n", 2, "Not YAML: found unexpected end of stream.", id="broken"),
        pytest.param("name: a\n? [b]\n: c\n", 2, "A key is not plain text.", id="key-is-a-list"),
        pytest.param("name: a\x00\n", 1, "Not YAML: a character is not allowed.", id="nul"),
        pytest.param("[" * 200_000, 1, "Nested deeper than 32 levels.", id="deep"),
        pytest.param("", 1, "`the file`: Input should be an object.", id="empty"),
        pytest.param("a: &a [*a]\n", 1, "Nested deeper than 32 levels.", id="holds-itself"),
    ],
)
def test_a_fault_has_its_line(file: Path, text: str, line: int, what: str) -> None:
    assert faults(file, text)[0] == (line, what)


def test_an_alias_bomb_is_refused(file: Path) -> None:
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert faults(file, f"l0: &l0 [x]\n{layers}")[0][1] == "More than 20000 values."


def test_a_large_file_is_refused(file: Path) -> None:
    assert faults(file, f"name: {'a' * 300_000}\n") == [(1, "Larger than 262144 bytes.")]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (fault,) = read(tmp_path / "absent.yaml", Drawing).faults
    assert fault.what == "Cannot be read: No such file or directory."


def test_bytes_that_are_not_utf8_are_a_fault_at_their_line(file: Path) -> None:
    file.write_bytes(b"name: a\nb: \xff\n")
    assert read(file, Drawing).faults[0].line == 2


def test_every_fault_of_a_file_is_named_in_order_of_lines(file: Path) -> None:
    text = "shapes:\n  - kind: oval\n  - kind: square\nname: 3\n"
    assert [line for line, _ in faults(file, text)] == [2, 3, 4]


def test_a_fault_says_how_to_mend_it(file: Path) -> None:
    file.write_text("name: 3\n", encoding="utf-8")
    (fault,) = read(file, Drawing).faults
    assert str(fault).startswith(f"{file}:1: ")
    assert fault.mend == "Write text; put it in quotes if it looks like a number."


@pytest.mark.parametrize("word", ["no", "2024-01-01", "0777", "1_000", ".inf", "0x1f"])
def test_only_json_scalars_are_resolved(file: Path, word: str) -> None:
    file.write_text(f"name: {word}\n", encoding="utf-8")
    found = read(file, Drawing)
    assert found.value is not None
    assert found.value.name == word
