"""The site file."""

from pathlib import Path

import pytest

from adapters import site
from adapters.cmdb.declared import DEFAULT_JOIN_RULES
from adapters.monitoring.declared import params_of, parse_params

GOOD = """\
hosts:
  - {name: here}
cis:
  - ref: shop
    name: The shop
    class: web_service
    attributes: {unit: shop, port: 8200}
    impact: 1
    user_facing: true
    host: here
    probes:
      - name: shop-http
        kind: http
        url: http://127.0.0.1:8200/health
        contains: well
        interval_s: 1
        alertname: ShopDown
        severity: critical
join_rules:
  - name: by-label
    match:
      - {label: ci, field: ref}
      - {label: instance, attribute: address}
notify: {kind: http, url: "http://127.0.0.1:9/topic"}
rules: own.yaml
"""


def faults(folder: Path, text: str) -> list[tuple[int, str]]:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    return [(fault.line, fault.what) for fault in site.read(file).faults]


def test_a_site_gives_an_inventory(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(GOOD, encoding="utf-8")
    found = site.read(file)
    assert found.value is not None
    inventory = found.value.inventory()
    assert (inventory.cis[0].ref, inventory.cis[0].host) == ("shop", "here")
    assert inventory.rules[0].conditions[1].attribute is True
    assert site.rules_path(found) == tmp_path / "own.yaml"


def test_an_empty_mapping_is_a_site_that_joins_by_the_label_ci(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("{}\n", encoding="utf-8")
    found = site.read(file)
    assert found.value is not None
    assert found.value.inventory().rules == DEFAULT_JOIN_RULES


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("host: here", "host: there", 10, "CI shop runs on host there, which is not declared."),
        ("name: shop-http", "name: Shop", 12, "`cis[0].probes[0].name`: String should match"),
        ("kind: http\n", "kind: https\n", 12, "`cis[0].probes[0]`: Input tag 'https'"),
        ("contains: well", "contain: well", 15, "`cis[0].probes[0].contain` is not a known key."),
        (
            "url: http://127.0.0.1:8200/health",
            "url: ftp://x",
            14,
            "`cis[0].probes[0].url`: 'ftp://x' is no plain http address.",
        ),
        ("interval_s: 1", "interval_s: 0", 16, "`cis[0].probes[0].interval_s`: Input should be"),
        ("impact: 1", "impact: 4", 8, "`cis[0].impact`: Input should be less than or equal to 3."),
        (", attribute: address", "", 23, "`join_rules[0].match[1]`: A match names not exactly"),
        ("kind: http, url", "kind: mail, url", 24, "`notify`: A notification by mail needs `to`"),
        ("- {name: here}", "- {name: here}\n  - {name: here}", 3, "There is a second host here."),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, old: str, new: str, line: int, what: str) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert found[0][0] == line
    assert found[0][1].startswith(what)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("{name: A B}", "`environments[0].name`: String should match"),
        ("{name: a, at_once: 0}", "`environments[0].at_once`: Input should be greater"),
        ("{name: a, cis: [nowhere]}", "CI nowhere has an environment and is not declared."),
        ("{name: a}\n  - {name: a}", "There is a second environment a."),
        (
            "{name: a, cis: [shop]}\n  - {name: b, cis: [shop]}",
            "There is a second environment of CI shop.",
        ),
        (
            "{name: a, classes: [web_service]}\n  - {name: b, classes: [web_service]}",
            "There is a second environment of class web_service.",
        ),
    ],
)
def test_environments_that_contradict_each_other_are_faults(
    tmp_path: Path, said: str, what: str
) -> None:
    found = faults(tmp_path, f"{GOOD}environments:\n  - {said}\n")
    assert [line > GOOD.count("\n") for line, _ in found] == [True]
    assert found[0][1].startswith(what)


def test_a_probes_parameters_survive_their_row(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(GOOD, encoding="utf-8")
    found = site.read(file)
    assert found.value is not None
    (probe,) = found.value.cis[0].probes
    params = params_of(probe)
    assert params["url"] == "http://127.0.0.1:8200/health"
    assert "interval_s" not in params
    assert parse_params("http", '{"url": "http://h/", "status": [200, 204]}').timeout_s == 2.0
