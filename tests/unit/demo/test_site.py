"""The demo's site is one that an operator could have declared."""

import json
from itertools import chain

import pytest
import yaml

from adapters.inference.embedded import Inference
from adapters.inference.port import Candidate, Question
from adapters.json_value import JSON
from adapters.site import Site, rules_path
from adapters.site import read as read_site
from ethops.demo import places, site
from ethops.demo.places import DemoError, Places, make_anew
from ethops.demo.world import alert
from ethops.desk import alertmanager
from ethops.env import CLONE
from ethops.executor import arguments

CATALOGUE = yaml.safe_load((CLONE / "playbooks" / "catalogue.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def made(tmp_path):
    return make_anew(tmp_path / "a demo+1")


@pytest.fixture
def declared(made):
    return site.declaration(made, places.ports(8100))


def test_the_site_is_valid(declared):
    assert len(Site.model_validate_json(json.dumps(declared)).cis) == 4


@pytest.mark.parametrize(
    ("ci", "entry"),
    [
        ("demo-web", "restart_service"),
        ("demo-spool", "clean_directory"),
        ("demo-cache", "restart_service"),
        ("demo-db", "restart_service"),
    ],
)
def test_what_a_ci_declares_are_good_arguments_even_with_blanks_in_the_path(declared, ci, entry):
    (attributes,) = [found["attributes"] for found in declared["cis"] if found["ref"] == ci]
    parameters = CATALOGUE[entry]["parameters"]
    given = {
        name: attributes[rule["from"]]
        for name, rule in parameters.items()
        if rule["from"] in attributes
    }
    assert arguments.check(parameters, given) == given


def test_a_services_process_is_known_by_its_declared_command(made, declared):
    running = {item["name"]: item["command"] for item in site.services(made, places.ports(8100))}
    for ci in declared["cis"][:1]:
        assert ci["attributes"]["command"] in " ".join(running[ci["ref"]])


@pytest.mark.parametrize("base", [8100, 9300, 20000])
def test_no_two_ports_are_the_same(base):
    found = places.ports(base)
    stack = found.stack
    own = [stack.web, stack.flower, stack.postgres, stack.redis]
    assert len({*own, found.web, found.cache, found.inbox}) == 7


def test_an_alert_is_one_that_the_webhook_takes():
    body = alert({"alertname": "A", "instance": "x:1"}, {"summary": "s"})
    (read,) = alertmanager.parse(json.dumps(body).encode()).alerts
    assert (read.firing, read.labels["instance"]) == (True, "x:1")


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(DemoError):
        make_anew(tmp_path)
    assert (tmp_path / "letter.txt").exists()


def test_a_demos_own_folder_is_made_anew(tmp_path):
    first = make_anew(tmp_path / "demo")
    (first.spool / "old.log").touch()
    second = make_anew(tmp_path / "demo")
    assert list(chain(second.spool.iterdir())) == []


def test_a_demo_that_runs_is_left_alone(tmp_path):
    from ethops.stack.places import locked

    made = make_anew(tmp_path / "demo")
    with locked(made.state), pytest.raises(DemoError):
        make_anew(tmp_path / "demo")


def test_a_pid_is_zero_where_the_keeper_has_written_none(tmp_path):
    from ethops.demo.world import World

    assert World(Places(tmp_path), places.ports(8100)).pid("demo-web") == 0


def test_the_bold_rule_is_read_with_the_site_and_asks_for_what_is_never_granted(made):
    site.write(made, places.ports(8100))
    rules = rules_path(read_site(made.site_file))
    facts: dict[str, JSON] = {"ci.ref": "demo-db", "ci.lifeline": True, "denied": []}
    offered = (Candidate("restart_service", "Restart"), Candidate("escalate", "Ask"))
    question = Question("diagnose", "incident_responder", facts, offered)
    assert Inference(site_rules=rules).ask(question).choice == "restart_service"
    assert Inference().ask(question).choice == "escalate"
