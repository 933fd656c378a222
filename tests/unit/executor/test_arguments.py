"""Arguments of playbooks: declared, whole, and never a template."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ethops.env import CLONE
from ethops.executor import arguments
from ethops.executor.errors import ArgumentRefusedError

CATALOGUE: dict[str, Any] = yaml.safe_load(
    (CLONE / "playbooks" / "catalogue.yaml").read_text(encoding="utf-8")
)
PARAMETERS = {name: entry["parameters"] for name, entry in CATALOGUE.items()}

ACCEPTED = [
    ("restart_service", {"unit": "nginx.service"}),
    ("restart_service", {"unit": "postgresql@16-main.service"}),
    ("restart_service", {"pidfile": "/run/web.pid", "command": "web --port 8080"}),
    ("restart_service", {"pidfile": "/home/ada/.cache/my app/web.pid", "command": "web"}),
    (
        "clean_directory",
        {"path": "/var/spool/app", "pattern": "*.log", "older_than_minutes": "60"},
    ),
    ("collect_diagnostics", {}),
    ("collect_diagnostics", {"path": "/srv"}),
]

REFUSED = [
    ("not declared", "restart_service", {"unit": "a.service", "state": "stopped"}),
    ("magic name", "restart_service", {"ansible_python_interpreter": "/opt/x"}),
    ("no service", "restart_service", {"unit": "sshd.socket"}),
    ("option", "restart_service", {"unit": "--force.service"}),
    ("template", "restart_service", {"unit": "{{ lookup('pipe', 'id') }}.service"}),
    ("newline at the end", "restart_service", {"unit": "nginx.service\n"}),
    ("newline inside", "restart_service", {"unit": "a\nb.service"}),
    ("relative", "restart_service", {"pidfile": "run/web.pid", "command": "web"}),
    ("upwards", "restart_service", {"pidfile": "/run/../etc/shadow", "command": "web"}),
    ("dot", "restart_service", {"pidfile": "/run/./web.pid", "command": "web"}),
    ("shell", "restart_service", {"pidfile": "/run/web.pid", "command": "web; touch /x"}),
    ("too long", "restart_service", {"unit": "a" * 300 + ".service"}),
    ("number", "clean_directory", {"path": "/a/b", "pattern": "*.log", "older_than_minutes": 5}),
    ("root", "clean_directory", {"path": "/", "pattern": "*.log", "older_than_minutes": "5"}),
    ("short", "clean_directory", {"path": "/opt", "pattern": "*.log", "older_than_minutes": "5"}),
    (
        "slash at the end",
        "clean_directory",
        {"path": "/a/b/", "pattern": "*.log", "older_than_minutes": "5"},
    ),
    ("pattern", "clean_directory", {"path": "/a/b", "pattern": "*", "older_than_minutes": "5"}),
    (
        "zero",
        "clean_directory",
        {"path": "/a/b", "pattern": "*.log", "older_than_minutes": "0"},
    ),
    ("missing", "clean_directory", {"path": "/a/b", "pattern": "*.log"}),
]


@pytest.mark.parametrize(("entry", "given"), ACCEPTED)
def test_what_a_ci_may_declare_is_passed_on_unchanged(entry, given):
    assert arguments.check(PARAMETERS[entry], given) == given


@pytest.mark.parametrize(
    ("entry", "given"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_everything_else_is_refused(entry, given):
    with pytest.raises(ArgumentRefusedError):
        arguments.check(PARAMETERS[entry], given)


@pytest.mark.parametrize(
    "name", ["ansible_connection", "hostvars", "inventory_dir", "omit", "environment", "Upper"]
)
def test_a_catalogue_cannot_declare_a_name_that_ansible_gives_a_meaning(name):
    with pytest.raises(ArgumentRefusedError):
        arguments.check({name: {"pattern": ".*"}}, {name: "x"})


def test_a_parameter_without_a_pattern_takes_nothing():
    with pytest.raises(ArgumentRefusedError):
        arguments.check({"unit": {"from": "unit"}}, {"unit": "nginx.service"})


def test_every_value_is_tagged_so_that_ansible_never_reads_it_as_a_template():
    nasty = {"text": "{{ lookup('pipe', 'id') }}", "quote": 'a"b\\c', "line": "a\nb: c"}
    text = arguments.as_extravars(nasty)
    assert len(re.findall(r"^\w+: !unsafe \"", text, re.MULTILINE)) == len(nasty)


def test_what_is_written_reads_back_the_same():
    nasty = {"text": "{{ x }}", "quote": 'a"b\\c', "line": "a\nb: c", "unicode": "ü \u2028"}

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda _, node: str(node.value))
    assert yaml.load(arguments.as_extravars(nasty), Loader=Loader) == nasty  # noqa: S506


def test_the_same_patterns_refuse_the_same_in_both_languages():
    """PostgreSQL reads these too: nothing in them may mean something else there."""
    python_only = re.compile(r"\\[dDwWsSbBAZz]|\(\?")
    patterns = [rule["pattern"] for table in PARAMETERS.values() for rule in table.values()]
    assert not [pattern for pattern in patterns if python_only.search(pattern)]


def test_the_catalogue_lies_where_the_wheel_takes_it_from():
    assert Path(CLONE / "playbooks" / "approved.yaml").is_file()
