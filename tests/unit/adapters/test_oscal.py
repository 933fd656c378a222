"""Assessment results and catalog of OSCAL: their form, what they say, and that they stay so."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.compliance import oscal
from adapters.compliance.canonical import identity
from adapters.compliance.judgement import judge
from adapters.compliance.port import WHOLE, Exemption
from adapters.compliance.safeguards import CIS, IG1
from tests.unit.adapters.test_evidence_judged import HOUR, NOW, look, looks

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[^\W\d][\w.\-]*")
LINE = re.compile(r"\S(?:.*\S)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
TOKENS = {"name", "control-id", "target-id", "reason", "state", "type"}
SEEN = (look(), look(scope="db-01", met=False), look("inventory.compared", "1.1", WHOLE))
WORD = Exemption("9.1", WHOLE, "nobody browses\there", "ada", NOW - HOUR, NOW + HOUR)


def exported(seen=SEEN, at=NOW) -> dict[str, Any]:
    found = judge(seen, (WORD,), safeguards=IG1, at=at)
    said = oscal.Assessed(CIS, list(IG1.values()), list(seen), found, at)
    made: dict[str, Any] = oscal.results(said)["assessment-results"]
    return made


def all_in(value: Any, name: str) -> Iterator[Any]:
    """Every value of this name, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from all_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from all_in(inner, name)


def result(made: dict[str, Any]) -> dict[str, Any]:
    (one,) = made["results"]
    return dict(one)


def props(part: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in part["props"]}


def findings(made: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (one["target"]["target-id"], props(one).get("scope", "")): one
        for one in result(made)["findings"]
    }


def test_what_oscal_demands_is_there() -> None:
    made = exported()
    assert {"uuid", "metadata", "import-ap", "results"} <= made.keys()
    assert set(made["metadata"]) == {"title", "last-modified", "version", "oscal-version"}
    one = result(made)
    assert {"uuid", "title", "description", "start", "reviewed-controls"} <= one.keys()
    for seen in one["observations"]:
        assert {"uuid", "description", "methods", "collected", "subjects"} <= seen.keys()
    for found in one["findings"]:
        assert {"uuid", "title", "description", "target"} <= found.keys()
        assert found["target"]["status"]["state"] in {"satisfied", "not-satisfied"}


@given(looks)
def test_ids_tokens_props_and_references_have_their_form(seen) -> None:
    made = exported(seen)
    ids = list(all_in(made, "uuid"))
    assert all(UUID.fullmatch(one) for one in ids)
    assert len(ids) == len(set(ids))
    referred = [*all_in(made, "subject-uuid"), *all_in(made, "observation-uuid")]
    assert {*referred, made["import-ap"]["href"].removeprefix("#")} <= set(ids)
    assert all(TOKEN.fullmatch(t) for name in TOKENS for t in all_in(made, name))
    assert all(LINE.fullmatch(one["value"]) for part in all_in(made, "props") for one in part)
    times = [t for name in ("start", "end", "collected", "expires") for t in all_in(made, name)]
    assert all(TIME.fullmatch(one) for one in times)


@given(looks, st.randoms())
def test_the_same_observations_give_the_same_bytes(seen, dice) -> None:
    turned = list(seen)
    dice.shuffle(turned)
    assert json.dumps(exported(seen)) == json.dumps(exported(turned))


def test_another_time_is_another_document() -> None:
    assert exported()["uuid"] != exported(at=NOW + HOUR)["uuid"]


def test_only_what_is_strong_is_satisfied_and_everything_says_why() -> None:
    found = findings(exported())
    states = {
        place: (one["target"]["status"]["state"], one["target"]["status"]["reason"])
        for place, one in found.items()
    }
    assert len(found) == 56 + 2
    assert states["cis-1.1", ""] == ("satisfied", "pass")
    assert states["cis-4.6", "web-01"] == ("not-satisfied", "other")
    assert states["cis-4.6", "db-01"] == ("not-satisfied", "fail")
    assert states["cis-17.3", ""] == ("not-satisfied", "other")
    assert props(found["cis-4.6", "web-01"])["strength"] == "partial"
    assert found["cis-9.1", ""]["target"]["status"]["remarks"].endswith("nobody browses here")
    assert all(one["target"]["status"]["remarks"] for one in found.values())


def test_an_observation_is_the_one_that_the_ledger_names() -> None:
    made = exported()
    assert {props(one)["observation-id"] for one in result(made)["observations"]} == {
        identity(one) for one in SEEN
    }


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\ta ", "a\r\n\r\nb", "a\u2028b"])
def test_a_prop_is_one_line_whatever_it_was(text: str) -> None:
    seen = look()
    made = exported([seen, look(source=text, scope="odd")])
    values = [one["value"] for part in all_in(made, "props") for one in part]
    assert all(LINE.fullmatch(one) and "\u2028" not in one for one in values)


def test_the_catalog_has_every_control_that_results_refer_to() -> None:
    made = oscal.catalog(CIS, list(IG1.values()), NOW)["catalog"]
    ids = [one["id"] for one in made["controls"]]
    assert ids == [f"cis-{name}" for name in IG1]
    assert {*all_in(exported(), "control-id")} == {*all_in(exported(), "target-id")} == set(ids)
    assert made["uuid"] == oscal.catalog(CIS, list(IG1.values()), NOW + HOUR)["catalog"]["uuid"]
