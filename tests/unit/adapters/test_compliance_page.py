"""The page of compliance against the code."""

from pathlib import Path
from typing import get_args

import pytest

from adapters.compliance.collectors import COLLECTORS
from adapters.compliance.kinds import KINDS, LAPSES
from adapters.compliance.port import Ground, Known
from adapters.compliance.safeguards import IG1

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs/reference/compliance.md").read_text(encoding="utf-8")


def row(name: str) -> list[str]:
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_there_with_what_it_is_worth(name: str) -> None:
    kind = KINDS[name]
    _, safeguards, strength, lasts, what = row(name)
    said = list(IG1) if safeguards == "every one" else safeguards.split(", ")
    assert said == list(kind.speaks)
    assert {strength} == set(kind.speaks.values())
    assert (lasts, what) == (f"{kind.lasts.days} d", kind.what)


def test_the_kinds_whose_unmet_ends_are_named() -> None:
    (said,) = [one for one in PAGE.splitlines() if "found unmet ends as" in one]
    assert set(said.split(" found unmet ends")[0].split("`")[1::2]) == LAPSES


@pytest.mark.parametrize("ground", get_args(Ground))
def test_every_ground_is_there(ground: str) -> None:
    assert f" | {ground} | " in PAGE


@pytest.mark.parametrize("known", get_args(Known))
def test_every_way_of_knowing_is_there(known: str) -> None:
    ways = PAGE.split("| known |")[1].split("\n\n")[0]
    assert f"\n| {known} | " in ways


def test_every_fact_is_there() -> None:
    facts = PAGE.split("| fact |")[1].split("\n\n")[0].splitlines()[2:]
    assert {name.strip() for one in facts for name in one.split("|")[1].split(",")} == {*COLLECTORS}
