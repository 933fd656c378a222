"""Faults of declared service levels: each with its line, what is wrong, and how to write it."""

from pathlib import Path

import pytest

from adapters import site

WHOLE = """\
cis:
  - {ref: shop, name: Shop, class: web}
service_levels:
  calendars:
    - name: berlin
      zone: Europe/Berlin
      hours: {monday: "08:00-17:00"}
      holidays: ["2026-12-25 Christmas"]
  services:
    - {slug: shop, name: Shop, cis: [shop]}
  targets:
    - {class: incident, priority: P1, service: shop, ttr: 2 h, calendar: berlin}
"""


def faults(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    assert old in WHOLE
    file = tmp_path / "site.yaml"
    file.write_text(WHOLE.replace(old, new) if old else WHOLE, encoding="utf-8")
    return [f"{fault.line}: {fault.what} {fault.mend}" for fault in site.read(file).faults]


def test_a_whole_one_has_none(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("Europe/Berlin", "Europe/Bonn", 6, "There is no zone 'Europe/Bonn'"),
        ("08:00-17:00", "17:00-08:00", 7, "ends before it begins"),
        ("08:00-17:00", "8 to 5", 7, "'8 to 5' is no time of day"),
        ("08:00-17:00", "08:00-12:00, 11:00-17:00", 7, "begins before the hours ahead of it end"),
        ('"08:00-17:00"', '""', 7, "No day has hours"),
        ("2026-12-25", "25.12.2026", 8, "'25.12.2026' is no day"),
        ("cis: [shop]", "cis: [stop]", 10, "stands on CI stop, which is not declared"),
        ("service: shop", "service: stop", 12, "There is no service stop"),
        ("calendar: berlin", "calendar: bonn", 12, "There is no calendar bonn"),
        ("ttr: 2 h", "ttr: 2 days", 12, "'2 days' is no length of time"),
        (", ttr: 2 h", "", 12, "A target that promises nothing"),
        ("priority: P1", "priority: P5", 12, "Write one of 'P1', 'P2', 'P3' or 'P4'"),
    ],
)
def test_a_fault_is_named_where_it_stands(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    (found,) = faults(tmp_path, old, new)
    assert found.startswith(f"{line}: ")
    assert said in found


def test_a_target_stands_there_once(tmp_path: Path) -> None:
    twice = "ttr: 2 h, calendar: berlin}"
    again = f"{twice}\n    - {{class: incident, priority: P1, service: shop, tto: 5 min}}"
    assert "second target for incident P1 of shop" in faults(tmp_path, twice, again)[0]


@pytest.mark.parametrize(
    "names",
    [
        "request_models:\n  - {slug: disk, title: A disk, service: shpo}\n",
        "notification_rules:\n  - {name: n, on: opened, whom: team, service: shpo}\n",
    ],
    ids=["request model", "notification rule"],
)
def test_who_names_a_service_names_one_that_there_is(tmp_path: Path, names: str) -> None:
    (found,) = faults(tmp_path, "cis:\n", f"{names}cis:\n")
    assert found.startswith("2: There is no service shpo. Declare it")


def test_a_site_without_services_names_what_it_likes(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("request_models: [{slug: disk, title: A disk, service: gpu}]\n")
    assert site.read(file).faults == ()
