"""What the environment still says of single operators is held against the site."""

from pathlib import Path

import pytest

from ethops.desk import checks
from ethops.env import EnvError, said_single


@pytest.fixture
def site(tmp_path: Path, settings, monkeypatch):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"

    def declare(text: str, variable: str | None) -> list[str]:
        settings.ETHOPS_SITE.write_text(text)
        if variable is not None:
            monkeypatch.setenv("ETHOPS_SINGLE_OPERATOR", variable)
        return [found.id or "" for found in checks.check_operators()]

    return declare


SINGLE, SEVERAL = "operators: single\n", "operators: several\n"
CASES = {
    "nothing is said": (SINGLE, None, []),
    "it says one, the site several": (SEVERAL, "1", ["desk.E001"]),
    "it says several, the site one": (SINGLE, "0", ["desk.E001"]),
    "both say one": (SINGLE, "1", ["desk.W001"]),
    "both say several": (SEVERAL, "0", ["desk.W001"]),
    "the site says nothing": ("{}\n", "1", ["desk.E001"]),
}


@pytest.mark.parametrize(("text", "variable", "found"), CASES.values(), ids=CASES)
def test_a_start_is_refused_where_they_disagree(site, text, variable, found):
    assert site(text, variable) == found


def test_what_cannot_be_read_is_refused_too():
    with pytest.raises(EnvError):
        said_single({"ETHOPS_SINGLE_OPERATOR": "perhaps"})


def test_a_start_asks_for_it(monkeypatch):
    from django.core.checks import run_checks

    monkeypatch.setenv("ETHOPS_SINGLE_OPERATOR", "1")
    assert {"desk.E001", "desk.W001"} & {found.id for found in run_checks()}
