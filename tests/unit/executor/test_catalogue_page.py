"""The reference page of the catalogue against the code."""

import pytest
import yaml

from ethops.env import CLONE
from ethops.executor.errors import ExecutorError, FailedError

PAGE = (CLONE / "docs" / "reference" / "catalogue.md").read_text(encoding="utf-8")
CATALOGUE = yaml.safe_load((CLONE / "playbooks" / "catalogue.yaml").read_text(encoding="utf-8"))


def all_errors(base: type[ExecutorError]) -> set[type[ExecutorError]]:
    return {base}.union(*(all_errors(kind) for kind in base.__subclasses__()))


@pytest.mark.parametrize("code", sorted(error.code for error in all_errors(FailedError)))
def test_every_code_of_a_result_is_documented(code: str) -> None:
    assert f"| {code} |" in PAGE


@pytest.mark.parametrize("entry", CATALOGUE)
def test_every_entry_is_documented_with_its_risk_and_parameters(entry: str) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {entry} | "))
    cells = [cell.strip() for cell in row.split("|")]
    declared = CATALOGUE[entry]
    assert (cells[2], cells[3].split(", ")) == (declared["risk"], list(declared["parameters"]))


SOURCES = {rule["from"] for entry in CATALOGUE.values() for rule in entry["parameters"].values()}


@pytest.mark.parametrize("attribute", sorted(SOURCES))
def test_every_attribute_that_arguments_come_from_is_documented(attribute: str) -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ")]
    assert any(attribute in row.strip().split(", ") for row in rows)


@pytest.mark.parametrize("key", sorted({key for entry in CATALOGUE.values() for key in entry}))
def test_every_key_of_an_entry_is_shown(key: str) -> None:
    assert f"  {key}:" in PAGE
