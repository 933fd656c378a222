"""The reference page against the code."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from adapters.errors import AdapterError
from adapters.inference.rules import Matcher
from adapters.kits import ADAPTERS
from adapters.monitoring.declared import PARAMS
from adapters.monitoring.port import Symptom
from adapters.site import Site

REPOSITORY = Path(__file__).resolve().parents[3]
ROOMS = (REPOSITORY / "docs/rooms.md").read_text(encoding="utf-8")
PAGE = (REPOSITORY / "docs/reference/adapters.md").read_text(encoding="utf-8")


def all_errors(base: type[AdapterError]) -> set[type[AdapterError]]:
    return {base}.union(*(all_errors(kind) for kind in base.__subclasses__()))


@pytest.mark.parametrize("code", sorted(error.code for error in all_errors(AdapterError)))
def test_every_error_code_is_documented(code: str) -> None:
    assert f"| {code} |" in PAGE


@pytest.mark.parametrize("symptom", get_args(Symptom))
def test_every_symptom_is_documented(symptom: str) -> None:
    assert f"| {symptom} |" in PAGE


@pytest.mark.parametrize("kind", PARAMS)
def test_every_parameter_of_a_probe_is_documented(kind: str) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {kind} | "))
    assert set(row.split("|")[2].replace(",", "").split()) == set(PARAMS[kind].model_fields)


def test_every_matcher_is_documented() -> None:
    named = {(field.alias or name) for name, field in Matcher.model_fields.items()}
    rows = PAGE.split("| matcher |")[1].split("\n\n")[0].splitlines()[2:]
    assert {word for row in rows for word in row.split("|")[1].replace(",", "").split()} == named


@pytest.mark.parametrize("contract", ADAPTERS)
def test_every_contract_has_its_row(contract: str) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {contract} | `"))
    assert row.count(" | ") == 2


@pytest.mark.parametrize("contract", ADAPTERS)
def test_the_ports_that_the_map_names_are_there(contract: str) -> None:
    (row,) = (line for line in ROOMS.splitlines() if line.startswith(f"| `adapters/{contract}` "))
    named = set(row.split("port: ")[1].removesuffix(" |").split(", "))
    folder = REPOSITORY / "adapters" / contract
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert named <= set(re.findall(r"^class (\w+)\(Protocol", code, re.MULTILINE))


def test_the_site_example_is_a_site() -> None:
    example = PAGE.split("## The site file")[1].split("```yaml\n")[1].split("```")[0]
    assert set(yaml.safe_load(example)) == set(Site.model_fields)
