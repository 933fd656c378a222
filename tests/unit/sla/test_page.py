"""The reference page against the code, and what is promised at first against the page."""

import re
from pathlib import Path
from typing import get_args

import pytest

from adapters import levels, site
from adapters.declared import Declaration
from adapters.levels import DeclaredCalendar, DeclaredService, DeclaredTarget
from ethops.api.level_metrics import LABELS, NAME
from ethops.api.tickets import ClockOut
from ethops.env import CLONE
from ethops.sla.errors import LevelError
from ethops.sla.standing import Word
from ethops.sla.stopwatch import KINDS, PAUSES, WARN_PERCENT, owning, solving

PAGE = (CLONE / "docs/reference/sla.md").read_text(encoding="utf-8")
PROVIDED = (CLONE / "ethops/sla/sql/0002_provided.sql").read_text(encoding="utf-8")


def test_the_example_is_a_site(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert site.read(file).faults == ()


@pytest.mark.parametrize("model", [DeclaredCalendar, DeclaredService, DeclaredTarget])
def test_every_key_is_on_the_page(model: type[Declaration]) -> None:
    table = PAGE.split("| key | holds |")[1].split("\n\n")[0]
    names = {field.alias or name for name, field in model.model_fields.items()}
    assert names <= set(re.findall(r"`([a-z]+)`", table))


def test_what_is_promised_at_first_is_on_the_page() -> None:
    rows = re.findall(
        r"\('(\w+)', '(P\d)', interval '([^']+)', interval '([^']+)', '(\w+)', '(\w*)', '(\w*)'\)",
        PROVIDED,
    )
    assert len(rows) == 8
    for row in rows:
        assert f"| {' | '.join(cell or 'nobody' for cell in row)} |" in PAGE


def test_every_error_code_is_on_the_page() -> None:
    errors: list[type[LevelError]] = [LevelError, *LevelError.__subclasses__()]
    assert [error.code for error in errors if f"| {error.code} |" not in PAGE] == []


def test_the_states_that_pause_are_on_the_page() -> None:
    for kind, phases in zip(KINDS, (owning, solving), strict=True):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}`"))
        said = set(re.findall(r"`([a-z_]+)`", row.split("|")[4]))
        assert said == {state for state in PAUSES if phases(state) == "paused"}


def test_the_page_says_when_it_warns() -> None:
    assert WARN_PERCENT == 75
    assert "warns when three quarters are used" in PAGE


def test_what_the_api_says_of_a_clock_is_on_its_page() -> None:
    page = (CLONE / "docs/reference/api.md").read_text(encoding="utf-8")
    section = page.split("## Service levels of a ticket")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(ClockOut().fields)


def test_the_metric_s_labels_are_on_the_page() -> None:
    assert f"`{NAME}{{{', '.join(LABELS)}}}`" in PAGE
    assert {f"`{word}`" for word in get_args(Word)} <= set(re.findall(r"`\w+`", PAGE))


@pytest.mark.parametrize(
    ("text", "seconds"), [("15 min", 900), ("4 h", 14_400), ("1 h 30 min", 5_400), ("61 s", 61)]
)
def test_lengths_are_read(text: str, seconds: int) -> None:
    assert levels.length(text) == seconds


@pytest.mark.parametrize("text", ["", "4", "two hours", "4 days", "-4 h", "59 s", "8785 h"])
def test_what_is_no_length_is_refused_with_a_mend(text: str) -> None:
    with pytest.raises(levels.TextRefusedError, match="Write "):
        levels.length(text)
