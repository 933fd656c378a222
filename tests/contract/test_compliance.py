"""The compliance contract: kept once, judged as it stands, changed by nobody."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from pydantic import ValidationError

from adapters import kits, site, site_rows
from adapters.compliance import embedded, exempting, openscap
from adapters.compliance.canonical import digest, identity
from adapters.compliance.conformance import NOT_COLLECTING, NOT_OWNER
from adapters.compliance.declared import DeclaredExemption
from adapters.compliance.port import WHOLE, Collected, Exemption, Fact
from adapters.compliance.safeguards import CIS
from adapters.conformance import tried
from ethops.env import CLONE
from tests.contract.test_conformance import MARKER, results

Become = Callable[[str], None]
HOUR = timedelta(hours=1)
RECORDED = (CLONE / "tests/doubles/scap/results.xml").read_bytes()
"""What OpenSCAP 1.3.7 wrote of the benchmark beside it, without addresses of the host."""


@pytest.fixture(autouse=True)
def _alone(become: Become) -> None:
    become("app")


@pytest.fixture
def scans(settings: Any, tmp_path: Path) -> Path:
    """A folder of results that the settings name."""
    chosen = {"adapter": "adapters.compliance.openscap", "folder": str(tmp_path)}
    settings.ADAPTERS = {**settings.ADAPTERS, "compliance": chosen}
    return tmp_path


def fact(connection: str = "ssh", *, scope: str = "web-01", ago: timedelta = HOUR) -> Fact:
    values = {"connection": connection}
    return Fact("host", scope, datetime.now(UTC) - ago, "cmdb", values, digest(values))


def stands(scope: str = "web-01", at: datetime | None = None) -> tuple[str, str]:
    found = {
        (one.safeguard, one.scope): one for one in embedded.Reader().findings(CIS, at=at)
    }["4.6", scope]  # fmt: skip
    return found.strength, found.ground


# ---------------------------------------------------------------- the kit
@pytest.mark.parametrize(
    ("name", "role", "held", "cannot"),
    [
        ("embedded", "owner", 16, 6), ("embedded", "app", 14, 8), ("embedded", "agent", 7, 15),
        ("openscap", "owner", 20, 2), ("openscap", "app", 18, 4), ("openscap", "agent", 7, 15),
    ],
)  # fmt: skip
def test_the_kit_holds_under_every_role(
    become: Become, scans: Path, name: str, role: str, held: int, cannot: int
) -> None:
    (scans / "web-01.xml").write_bytes(RECORDED)
    become(role)
    found = results(kits.kit("compliance"), kits.module("compliance", name))
    assert (len(found["held"]), len(found["cannot"])) == (held, cannot)
    barred = {one.seen for one in found["cannot"]} & {NOT_COLLECTING, NOT_OWNER}
    assert barred == {"owner": set(), "app": {NOT_OWNER}}.get(role, {NOT_COLLECTING, NOT_OWNER})
    assert embedded.Reader().observations() == ()


class Undying(embedded.Reader):
    """Never lets anything expire."""

    def findings(self, framework: str, **_at: object) -> Any:
        found = super().findings(framework)
        return tuple(replace(one, strength="strong", ground="evidence") for one in found)


class Short(embedded.Reader):
    """Has lost a safeguard."""

    def safeguards(self, framework: str) -> Any:
        return super().safeguards(framework)[:-1]


class Silent(embedded.Collector):
    """Keeps nothing."""

    def collect(self, facts: Sequence[Fact]) -> Collected:
        del facts
        return Collected(0, 0, (), ())


@pytest.mark.parametrize(
    ("wrong", "failed"),
    [
        ({"Reader": Undying}, {"No finding is a bare pass", "A finding weakens by itself"}),
        ({"Reader": Short}, {"The list of a framework is whole"}),
        ({"Collector": Silent}, {"A fact becomes a finding", "A repeat keeps nothing"}),
        ({"Writer": lambda: SimpleNamespace(exempt=lambda _: True)},
         {"No exemption without reason, name and end", "An exemption says why, and who says so"}),
    ],
    ids=["undying", "short", "silent", "credulous"],
)  # fmt: skip
def test_an_adapter_that_lies_is_found_out(become: Become, wrong: Any, failed: set[str]) -> None:
    become("owner")
    parts = {name: getattr(embedded, name) for name in ("Reader", "Collector", "Writer")}
    adapter = cast("ModuleType", SimpleNamespace(**{**parts, **wrong}))
    kit = kits.kit("compliance")
    seen = {one.title for one in tried(kit, kit.bench(adapter, MARKER, {}))
            if one.verdict == "failed"}  # fmt: skip
    assert failed <= seen


# ---------------------------------------------------------------- what is judged
def test_what_decides_is_found_in_the_order_of_an_index() -> None:
    embedded.Collector().collect([fact()])
    with transaction.atomic(), connection.cursor() as cursor:
        # A table of one page is read whole, whatever there is; the question is what may serve.
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        asked = embedded._DECIDING.format(also="")
        cursor.execute(f"EXPLAIN {asked}", [datetime.now(UTC)])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "observation_deciding" in plan
    assert "Sort" not in plan


# ---------------------------------------------------------------- what is kept
def test_a_fact_goes_in_and_a_finding_comes_out() -> None:
    done = embedded.Collector().collect([fact()])
    (one,) = embedded.Reader().observations()
    assert (done.kept, done.ids, one.source) == (1, (identity(one),), "cmdb")
    assert stands() == ("partial", "evidence")
    assert stands(WHOLE) == ("partial", "evidence")
    assert stands(at=datetime.now(UTC) + timedelta(days=3)) == ("none", "expired")
    with pytest.raises(KeyError):
        stands(at=datetime.now(UTC) - timedelta(days=3))


def test_what_is_found_again_is_kept_again_once_it_gets_old() -> None:
    collect = embedded.Collector().collect
    assert collect([fact(ago=30 * HOUR)]).kept == 1
    assert collect([fact(ago=29 * HOUR)]).repeated == 1
    assert collect([fact(ago=1 * HOUR)]).kept == 1
    assert len(embedded.Reader().observations()) == 2


def test_what_changes_is_kept_at_once_each_time() -> None:
    for number, how in enumerate(("ssh", "telnet", "ssh")):
        embedded.Collector().collect([fact(how, ago=(3 - number) * timedelta(minutes=1))])
    assert [one.outcome for one in embedded.Reader().observations()] == ["met", "unmet", "met"]
    assert stands() == ("partial", "evidence")


def test_one_fact_at_fault_keeps_none() -> None:
    with pytest.raises(Exception, match="no text `connection`"):
        embedded.Collector().collect([fact(), Fact("host", "x", datetime.now(UTC), "s", {}, "d")])
    assert embedded.Reader().observations() == ()


def test_many_scopes_are_judged_in_one_reading() -> None:
    embedded.Collector().collect([fact(scope=f"ci-{number}") for number in range(500)])
    found = embedded.Reader().findings(CIS)
    assert len(found) == 556
    assert stands(WHOLE) == ("partial", "evidence")


# ---------------------------------------------------------------- who may
def test_the_owner_says_what_does_not_apply(become: Become) -> None:
    now = datetime.now(UTC)
    word = Exemption("4.6", "web-01", "no network", "ada", now, now + HOUR)
    with pytest.raises(ProgrammingError, match="permission denied"):
        embedded.Writer().exempt(word)
    become("owner")
    assert (embedded.Writer().exempt(word), embedded.Writer().exempt(word)) == (True, False)
    become("agent")
    assert stands() == ("none", "exempt")
    assert [one.reason for one in embedded.Reader().exemptions()] == ["no network"]


def test_an_agent_collects_nothing(become: Become) -> None:
    become("agent")
    with pytest.raises(ProgrammingError, match="permission denied"):
        embedded.Collector().collect([fact()])


@pytest.mark.parametrize("role", ["app", "owner"])
@pytest.mark.parametrize("what", ["UPDATE compliance_observation SET outcome = 'met'",
                                  "DELETE FROM compliance_observation"])  # fmt: skip
def test_nobody_edits_evidence(become: Become, role: str, what: str) -> None:
    embedded.Collector().collect([fact("telnet")])
    become(role)
    with pytest.raises(ProgrammingError) as refused, connection.cursor() as cursor:
        cursor.execute(what)
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert stands() == ("none", "contradicted")


# ---------------------------------------------------------------- results of OpenSCAP
def found_of(scope: str) -> dict[str, tuple[str, str]]:
    return {
        one.safeguard: (one.outcome, one.said)
        for one in openscap.Reader().observations(scope=scope)
    }


def test_results_in_the_folder_are_read_once_and_are_of_the_ci_that_the_file_is_called(
    scans: Path,
) -> None:
    (scans / "web-01.xml").write_bytes(RECORDED)
    (scans / "db-01").mkdir()
    (scans / "db-01" / "nightly.xml").write_bytes(RECORDED.replace(b">fail<", b">fixed<"))
    done = openscap.Collector().collect([fact()])
    assert (done.kept, done.faults) == (5, ())
    assert found_of("web-01")["3.3"] == ("met", "1 of 1 rules hold.")
    assert found_of("web-01")["4.3"] == ("unmet", "0 of 1 rules hold.")
    assert found_of("db-01")["4.3"] == ("met", "1 of 1 rules hold.")
    assert "10.3" not in found_of("web-01"), "nobody checked that"
    again = openscap.Collector().collect([])
    assert (again.kept, again.repeated, again.faults) == (0, 0, ())


def test_one_file_at_fault_is_named_and_holds_up_no_other(scans: Path) -> None:
    (scans / "a.xml").write_text("<Benchmark")
    (scans / "b.xml").write_text("<Benchmark/>")
    (scans / "web-01.xml").write_bytes(RECORDED)
    done = openscap.Collector().collect([fact()])
    assert done.kept == 3
    assert [one.split(":")[0] for one in done.faults] == ["a", "b"]
    assert "no results of a run" in done.faults[1]


def test_links_and_files_that_name_no_ci_are_left_alone(scans: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "secret.xml").write_bytes(RECORDED)
    (scans / "web-01.xml").symlink_to(outside / "secret.xml")
    (scans / "db-01").symlink_to(outside)
    (scans / "a b.xml").write_bytes(RECORDED)
    assert openscap.Collector().collect([]).kept == 0


def test_without_its_folder_facts_are_kept_all_the_same(settings: Any, scans: Path) -> None:
    scans.rmdir()
    done = openscap.Collector().collect([fact()])
    assert (done.kept, len(done.faults)) == (1, 1)
    settings.ADAPTERS = {}
    assert "ETHOPS_SCAP_RESULTS" in openscap.Collector().collect([]).faults[0]


# ---------------------------------------------------------------- what the site file says
def declare(*words: str) -> Any:
    declared = [DeclaredExemption.model_validate_json(one) for one in words]
    return exempting.apply(declared)


def word(safeguard: str = "4.6", ci: str = "web-01", days: int = 30, **more: str) -> str:
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    said = {"safeguard": safeguard, "ci": ci, "reason": "it has no network", "said_by": "ada"}
    return json.dumps({**said, "until": until, **more})


def test_the_site_file_exempts_and_takes_back_and_the_table_tells_both(become: Become) -> None:
    embedded.Collector().collect([fact("telnet")])
    become("owner")
    done = declare(word())
    assert done.added == ("exemption from 4.6 of web-01",)
    assert stands() == ("none", "exempt")
    assert declare(word()) == exempting.Applied((), (), ())
    assert declare(word(reason="it has none at all")).changed == ("exemption from 4.6 of web-01",)
    assert declare().retired == ("exemption from 4.6 of web-01",)
    assert stands() == ("none", "contradicted")
    assert declare() == exempting.Applied((), (), ())
    told = [(one.said_by, one.reason) for one in embedded.Reader().exemptions()]
    assert told[0] == ("ada", "it has no network")
    assert told[2] == ("site file", "the site file says so no longer")
    declare(word())
    assert stands() == ("none", "exempt"), "and said again"


def test_a_word_whose_last_day_is_over_exempts_nothing(become: Become) -> None:
    become("owner")
    assert declare(word(days=-1)) == exempting.Applied((), (), ())
    assert declare(word(days=0)).added, "the last day counts"


@pytest.mark.parametrize(
    "wrong", [{"safeguard": "13.1"}, {"reason": "no"}, {"said_by": ""}, {"until": "2999-01-01"}]
)
def test_a_word_without_what_it_needs_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DeclaredExemption.model_validate_json(word(**wrong))  # type: ignore[arg-type]


def test_faults_of_the_file_are_named_with_their_line(become: Become, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    said = f'{{safeguard: "9.1", reason: nobody browses here, said_by: ada, until: {day}}}'
    file.write_text(f"not_applicable:\n  - {said}\n", encoding="utf-8")
    found = site.read(file)
    assert found.value is not None, found.faults
    become("owner")
    assert site_rows.apply(found.value).added == ("exemption from 9.1 of everything",)
    file.write_text(f"not_applicable:\n  - {said}\n  - {said}\n", encoding="utf-8")
    (fault,) = site.read(file).faults
    assert (fault.line, fault.what) == (3, "There is a second exemption from 9.1 of everything.")
    bare = said.replace('"9.1"', "9.1")
    file.write_text(f"not_applicable:\n  - {bare}\n", encoding="utf-8")
    (fault,) = site.read(file).faults
    assert (fault.line, "in quotes" in fault.mend) == (2, True)
