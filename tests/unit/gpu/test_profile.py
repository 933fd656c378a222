"""Profiles are data: what is wrong in one is named with its line and its mend."""

from pathlib import Path

import pytest

from gpu.profile import FOLDER, read_profile

GOOD = """\
name: tiny
vram_mb: 1000
reserve_mb: 100
slots:
  - name: small
    model: tiny:1b
    kind: chat
    options: {num_ctx: 2048}
    vram_mb: 500
    load_s: 1
    tokens_per_s: 10
    prefill_per_s: 100
    tiers: [ops, research]
"""


def faults(tmp_path: Path, text: str) -> list[str]:
    """Return the faults of a profile, each as people see it."""
    (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
    return [str(fault) for fault in read_profile("tiny", tmp_path).faults]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_the_shipped_profiles_have_no_fault(name: str) -> None:
    assert read_profile(name).faults == ()


def test_a_good_one_is_read(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD) == []


def test_a_path_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    found = read_profile(str(path)).value
    assert found is not None
    assert found.slots[0].options.given() == {"num_ctx": 2048}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("vram_mb: 500", "vram_mb: 901", 9, "the card has 900 MB for models"),
        ("name: small", "name: card", 5, "`card` names foreign work"),
        ("name: small", "name: Small", 5, "slots[0].name"),
        ("name: small", f"name: {'x' * 21}", 5, "slots[0].name"),
        ("kind: chat", "kind: embed", 5, "Ops do not embed"),
        ("num_ctx: 2048", "num_ctx: 2048, temperature: 1", 8, "temperature"),
        ("num_ctx: 2048", "num_ctx: 0", 8, "num_ctx"),
        ("tiers: [ops, research]", "tiers: [sometimes]", 13, "tiers"),
        ("tiers: [ops, research]", "tiers: []", 13, "tiers"),
        ("load_s: 1", "load_s: 0", 10, "load_s"),
        ("kind: chat", "kind: chat\n    keep_alive: 5", 8, "keep_alive"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    (fault,) = faults(tmp_path, GOOD.replace(old, new, 1))
    assert f"tiny.yaml:{line}" in fault
    assert says in fault


def test_a_name_used_twice_is_a_fault(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("  - name") :]
    (fault,) = faults(tmp_path, GOOD + again)
    assert "tiny.yaml:14" in fault
    assert "second slot small" in fault


def test_a_profile_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    found = read_profile("nobody", tmp_path)
    assert found.value is None
    assert "nobody.yaml" in str(found.faults[0])
