"""A real OpenSCAP checks this host by a small benchmark of ours; what it writes is read."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters import kits
from adapters.compliance import openscap
from ethops.env import CLONE
from tests.contract.conftest import become  # noqa: F401 - a fixture
from tests.contract.test_compliance import found_of, scans  # noqa: F401 - a fixture
from tests.contract.test_conformance import results
from tests.live.parts import OSCAP, Part

pytestmark = pytest.mark.live
CONTENT = CLONE / "tests/doubles/scap"
FAILS = 2
"""How oscap ends where a rule fails."""


@pytest.mark.parametrize("form", ["--results", "--results-arf"])
def test_what_a_real_scan_found_is_kept(
    form: str,
    need: Callable[[Part], Path],
    become: Callable[[str], None],  # noqa: F811
    scans: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    oscap = need(OSCAP)
    folder = tmp_path_factory.mktemp("content")
    for name in ("checks.xml", "definitions.xml"):
        shutil.copy(CONTENT / name, folder)
    words = ["xccdf", "eval", "--profile", "xccdf_ethops_profile_all", form, "web-01.xml"]
    ran = subprocess.run(
        [oscap, *words, "checks.xml"], cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == FAILS, ran.stderr
    shutil.copy(folder / "web-01.xml", scans)
    become("app")
    done = openscap.Collector().collect([])
    assert (done.kept, done.faults) == (2, ())
    assert {name: said[0] for name, said in found_of("web-01").items()} == {
        "3.3": "met", "4.3": "unmet",
    }  # fmt: skip
    adapter = kits.module("compliance", "openscap")
    assert len(results(kits.kit("compliance"), adapter)["held"]) == 18
