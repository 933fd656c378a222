"""`manage.py demo`, as a person runs it: five real incidents, and a no where one is missing."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from ethops.demo.places import DemoError, ports
from ethops.env import CLONE
from ethops.secretfile import read_secrets
from ethops.stack.places import places, remove

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("demo"),
]


@dataclass
class Ran:
    """A demo that has ended."""

    state: Path
    base: int
    exit_code: int
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def end(self) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == "demo")

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["letter"]: part for part in self.end["parts"]}

    def left_running(self) -> list[str]:
        return [
            " ".join(process.cmdline())
            for process in psutil.process_iter()
            if str(self.state) in _environment(process) or str(self.state) in _words(process)
        ]


def _environment(process: psutil.Process) -> str:
    try:
        return process.environ().get("ETHOPS_STATE", "")
    except (psutil.Error, OSError):
        return ""


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.Error, OSError):
        return ""


def environment(**further: str) -> dict[str, str]:
    """What a person's shell holds, without what the tests set for themselves."""
    ours = ("ETHOPS_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | further


def free_base() -> int:
    """The first port of a demo that finds all of its ports free."""
    while True:
        base = random.randrange(20_000, 30_000, 100)  # noqa: S311 - any will do
        try:
            ports(base).require_free()
        except DemoError:
            continue
        return base


def command(state: Path, base: int, *words: str) -> list[str]:
    demo = ["demo", "--json", "--state", str(state), "--port-base", str(base)]
    return [sys.executable, "manage.py", *demo, *words]


def forget(state: Path) -> None:
    """Servers' data lies outside the folder where we are root."""
    secrets = read_secrets(state)
    if secrets is not None:
        remove(places(state, secrets.stack_id))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    state, base = tmp_path_factory.mktemp("demo") / "state", free_base()
    done = subprocess.run(
        command(state, base),
        cwd=CLONE,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    yield Ran(state, base, done.returncode, events)
    forget(state)


def test_all_five_happened(ran):
    missing = {
        letter: [said for said, holds in part["proofs"] if not holds]
        for letter, part in ran.parts.items()
        if not part["happened"]
    }
    assert (ran.exit_code, missing, sorted(ran.parts)) == (0, {}, ["a", "b", "c", "d", "e"])


@pytest.mark.parametrize("letter", ["a", "b", "c", "d", "e"])
def test_each_part_rests_on_several_proofs(ran, letter):
    proofs = ran.parts[letter]["proofs"]
    assert (len(proofs) >= 6, all(holds for _, holds in proofs)) == (True, True)


@pytest.mark.parametrize(
    ("letter", "state"),
    [
        ("a", "resolved"),
        ("b", "resolved"),
        ("c", "escalated"),
        ("d", "escalated"),
        ("e", "escalated"),
    ],
)
def test_each_ticket_ends_where_it_should(ran, letter, state):
    assert ran.parts[letter]["state"] == state


@pytest.mark.parametrize("letter", ["a", "b"])
def test_times_are_told_from_the_first_bad_sample(ran, letter):
    part = ran.parts[letter]
    assert 0 < part["detect_s"] < part["restore_s"] < part["seconds"] + 5


def test_every_ticket_has_a_timeline_with_entries(ran):
    assert all(any(moment["entry"] for moment in part["timeline"]) for part in ran.parts.values())


def test_nothing_is_left_running(ran):
    assert ran.left_running() == []


def test_the_ledger_is_whole_and_can_be_verified_with_nothing_running(ran):
    own = ports(ran.base).stack
    done = subprocess.run(
        [sys.executable, "manage.py", "ledger", "verify", "--json"],
        cwd=CLONE,
        env=environment(ETHOPS_STATE=str(ran.state), ETHOPS_PG_PORT=str(own.postgres)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, report["whole"], report["entries"] > 50) == (0, True, True)


def test_a_demo_in_which_nothing_may_act_says_no(tmp_path):
    """With the stop pressed nothing can happen, so nothing may be claimed to have happened."""
    state, base = tmp_path / "state", free_base()
    process = subprocess.Popen(
        command(state, base, "--patience", "6"),
        cwd=CLONE,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    events = []
    with process:
        for line in process.stdout:
            events.append(json.loads(line))
            (state / "STOP").touch()
    ran = Ran(state, base, process.returncode, events)
    found = [part["happened"] for part in ran.end["parts"]]
    left = ran.left_running()
    forget(state)
    assert (ran.exit_code, ran.end["happened"], any(found), left) == (1, False, False, [])
