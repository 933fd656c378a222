"""Commands run for real: a declared program, these very arguments, nothing of our environment."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from adapters import site_rows
from adapters.registry import reader
from adapters.site import Site
from ethops.env import CLONE
from ethops.executor import command_child, marks, stop, worker
from tests.doubles.calibrated import calibrate
from tests.integration.executor.conftest import _site
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

DRAIN = """
import django; django.setup()
from ethops.executor.worker import worker
worker().drain("executor.plays"); worker().drain("executor.light")
"""
QUEUES = ("executor.plays", "executor.light")
TOOL = f"""#!{sys.executable}
import json, os, sys, time, subprocess
does = dict(part.split("=", 1) for part in os.environ.get("DOES", "").split(";") if part)
json.dump({{"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(),
           "pid": os.getpid()}}, open(does["seen"], "w"))
print(open(does["file"]).read() if "file" in does else does.get("say", "two nodes"), end="")
print(does.get("moan", ""), file=sys.stderr, end="")
if "secret" in does: print(os.environ["TOKEN"])
if "flood" in does:
    while True: sys.stdout.write("x" * 65536)
if "child" in does:
    subprocess.Popen(["/bin/sleep", "600"], env={{}}, start_new_session=True)
if "deaf" in does:
    import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.flush()
time.sleep(float(does.get("sleep", "0")))
sys.exit(int(does.get("rc", "0")))
"""


class Commands:
    """A cluster agent on the bench, with a kubectl of our own."""

    def __init__(self, bench):
        self.bench, self.folder = bench, bench.folder
        self.tool = self.folder / "kubectl"
        self.tool.write_text(TOOL)
        self.tool.chmod(0o755)
        self.seen = self.folder / "seen.json"
        self.declare()

    def declare(self, secrets=None, path=None, **does):
        """Write the site file: what the program does stands in its environment."""
        said = ";".join(f"{name}={value}" for name, value in {"seen": self.seen, **does}.items())
        tool = {"name": "kubectl", "path": str(path or self.tool), "environment": {"DOES": said}}
        if secrets:
            tool["secrets"] = secrets
        (self.folder / "site.yaml").write_text(json.dumps({"tools": [tool]}))

    def ask(self, *argv, scope="read_cluster"):
        ref = self.bench.incident("ray-dev")
        said = json.dumps(argv or ("kubectl", "get", "nodes"))
        return ref, self.bench.authorised(ref, "command.run", scope, "ray-dev", argv=said)

    def drain(self):
        made = self.bench.worker()
        for queue in QUEUES:
            made.drain(queue)

    def run(self, *argv, **named):
        _, action = self.ask(*argv, **named)
        self.drain()
        return self.bench.action(action)

    def facts(self):
        return json.loads(self.seen.read_text())


@pytest.fixture
def commands(bench, role):
    bench.card = "cluster_agent"
    calibrate(role("owner"), bench.card)
    site = _site(bench.folder)
    site["cis"].append({"ref": "ray-dev", "name": "Ray", "class": "ray_cluster"})
    with bench.as_role("owner"):
        site_rows.apply(Site.model_validate_json(json.dumps(site)))
    for scope in ("read_cluster", "scale_cluster"):
        bench.ask(
            "app",
            "SELECT gate.set_autonomy('cluster_agent', %s, 'ray_cluster', 'act', 't', 't', true)",
            scope,
        )
    return Commands(bench)


@pytest.fixture
def executor(commands, servers, database_name):
    """Starts an executor of its own process that drains once."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", DRAIN],
            cwd=CLONE,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "ethops.settings",
                "ETHOPS_PROCESS": "executor",
                "ETHOPS_STATE": str(commands.folder / "state"),
                "ETHOPS_SITE": str(commands.folder / "site.yaml"),
                "DATABASE_URL": servers.dsn("ethops_executor", database_name),
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_look_is_done_and_says_what_was_seen(commands):
    row = commands.run("kubectl", "get", "nodes", "--output=wide")
    assert row["outcome"] == "done", row["result"]
    assert (row["result"]["rc"], row["result"]["report"]["out"]) == (0, "two nodes")
    assert commands.facts()["argv"][1:] == ["get", "nodes", "--output=wide"]


def test_nothing_is_read_as_a_shell_would(commands):
    commands.run("kubectl", "get", "a;reboot", "$(id)", "b c", "*", "`id`", "|", ">x")
    assert commands.facts()["argv"][2:] == ["a;reboot", "$(id)", "b c", "*", "`id`", "|", ">x"]


def test_a_command_knows_nothing_of_our_environment(commands, monkeypatch):
    monkeypatch.setenv("ETHOPS_SECRET_KEY", "very secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://x")
    commands.run()
    found = commands.facts()["env"]
    known = {"DOES", "HOME", "TMPDIR", "LANG", "TZ", "PATH", marks.NAME, "LC_CTYPE"}
    assert set(found) <= known
    assert "/.venv/" not in found["PATH"]


def test_a_command_stands_in_a_private_folder(commands):
    row = commands.run()
    place = commands.folder / "state" / "commands" / str(row["id"])
    assert commands.facts()["cwd"] == str(place / "work")
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_secret_reaches_the_program_and_nobody_else(commands):
    file = commands.folder / "token"
    file.write_text("s3cr3t-canary\n")
    commands.declare(secrets={"TOKEN": str(file)}, secret="1", say="")
    row = commands.run()
    texts = [p.read_bytes() for p in (commands.folder / "state").rglob("*") if p.is_file()]
    assert commands.facts()["env"]["TOKEN"] == "s3cr3t-canary"
    assert row["result"]["report"]["out"] == "[secret]"
    assert not [1 for text in texts if b"s3cr3t-canary" in text]
    assert "s3cr3t" not in json.dumps(row["result"])


def test_another_exit_code_is_a_failure_that_says_why(commands):
    commands.declare(rc=3, say="", moan="no such cluster")
    row = commands.run()
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.command_failed")
    assert row["result"]["said"] == "exit code 3. no such cluster"


def shorten(commands, seconds):
    commands.bench.ask(
        "owner", "UPDATE guardrails_commandscope SET timeout_s = %s RETURNING 1", seconds
    )


@pytest.mark.parametrize("deaf", [{}, {"deaf": "1"}], ids=["polite", "deaf"])
def test_a_command_that_hangs_is_ended(commands, deaf):
    # It has to have said its pid, and have closed its ears, before its time is over.
    shorten(commands, 5)
    commands.declare(sleep=600, **deaf)
    row = commands.run()
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.cut_short")
    assert not psutil.pid_exists(commands.facts()["pid"])


def sleepers():
    return [p.pid for p in psutil.process_iter(["cmdline"])
            if p.info["cmdline"] == ["/bin/sleep", "600"]]  # fmt: skip


def test_what_a_command_leaves_behind_is_ended_with_it(commands):
    """It has a session of its own and no mark, and is found all the same."""
    before = sleepers()
    commands.declare(child="1")
    row = commands.run()
    assert row["outcome"] == "done"
    assert [pid for pid in sleepers() if pid not in before] == []


def test_a_command_that_never_stops_writing_is_ended(commands, monkeypatch):
    commands.declare(flood="1")
    row = commands.run()
    assert row["result"]["code"] == "executor.cut_short"
    assert "wrote more than" in row["result"]["said"]
    kept = commands.folder / "state" / "commands" / str(row["id"]) / "out"
    assert kept.stat().st_size == command_child.MOST_KEPT
    assert len(json.dumps(row["result"])) < 4000


def test_what_a_program_says_is_made_fit_to_show(commands):
    (commands.folder / "said").write_text("\x1b[2Jred\u202e\x07")
    commands.declare(file=commands.folder / "said")
    assert commands.run()["result"]["report"]["out"] == "red"


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o644])
def test_a_program_that_others_can_write_or_nobody_start_is_refused(commands, mode):
    commands.tool.chmod(mode)
    row = commands.run()
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.tool_refused")
    assert not commands.seen.exists()


def test_a_program_that_is_not_declared_is_refused(commands):
    (commands.folder / "site.yaml").write_text("{}")
    assert commands.run()["result"]["code"] == "executor.tool_refused"


def test_a_rule_that_came_meanwhile_is_heard(commands):
    _, action = commands.ask()
    commands.bench.ask(
        "owner",
        'INSERT INTO guardrails_rule (id, effect, applies, "when", "unless", say, source, digest)'
        " VALUES ('new', 'refuse', '{}', '{}', '{}', 'not today', 'x:1', 'd') RETURNING 1",
    )
    commands.drain()
    row = commands.bench.action(action)
    assert (row["result"]["code"], row["result"]["said"]) == (
        "executor.judged_again", "new: not today",
    )  # fmt: skip
    assert not commands.seen.exists()


MEANWHILE = {
    "the scope is narrower": "UPDATE guardrails_commandscope SET commands = '[]'",
    "the grant is gone": "DELETE FROM personas_grant WHERE entry = 'read_cluster'",
    "the card has changed": "UPDATE personas_card SET digest = 'other'",
    "the level was taken back": "DELETE FROM personas_autonomy",
    "the ci is a lifeline by now": "UPDATE cmdb_ci SET lifeline = true",
}


@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE.keys())
def test_what_was_withdrawn_meanwhile_is_not_done(commands, change):
    _, action = commands.ask()
    commands.bench.ask("owner", f"{change} RETURNING 1")
    commands.drain()
    assert commands.bench.action(action)["result"]["code"] == "executor.judged_again"
    assert not commands.seen.exists()


def test_the_stop_is_heard_before_a_command_begins(commands, monkeypatch):
    _, action = commands.ask()
    monkeypatch.setattr(stop, "is_pressed", lambda: True)
    commands.drain()
    assert commands.bench.action(action)["result"]["code"] == "executor.stopped"


@pytest.mark.parametrize(("risk", "changes"), [("none", []), ("low", ["implemented"])])
def test_what_changes_something_is_a_standard_change(commands, risk, changes):
    commands.bench.ask("owner", "UPDATE guardrails_commandscope SET risk = %s RETURNING 1", risk)
    ref, action = commands.ask()
    commands.drain()
    assert commands.bench.action(action)["outcome"] == "done"
    assert [change.state for change in reader("tickets").children(ref)] == changes


def test_a_run_that_is_called_off_has_its_command_ended(commands, executor):
    commands.declare(sleep=600)
    _, action = commands.ask()
    process = executor()
    eventually(commands.seen.exists)
    eventually(lambda: commands.seen.read_text().endswith("}"))
    commands.bench.ask(
        "app",
        "SELECT * FROM gate.control_run(%s, 'cancel', 'ada', 'the wrong cluster')",
        commands.bench.action(action)["run_id"],
    )
    process.wait(30)
    row = commands.bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.cut_short")
    assert ("called off" in row["result"]["said"], marks.alive(action)) == (True, [])
    assert not psutil.pid_exists(commands.facts()["pid"])


def test_a_killed_executor_takes_its_command_along_and_a_look_is_repeated(commands, executor):
    commands.declare(sleep=600)
    _, action = commands.ask()
    process = executor()
    eventually(commands.seen.exists)
    eventually(lambda: commands.seen.read_text().endswith("}"))
    pid = commands.facts()["pid"]
    process.kill()
    eventually(lambda: not psutil.pid_exists(pid))
    commands.declare()
    commands.seen.unlink()
    commands.bench.lose_lease(action)
    commands.drain()
    row = commands.bench.action(action)
    assert (row["outcome"], row["attempts"]) == ("done", 2)


def test_what_changes_something_is_never_begun_twice(commands, executor):
    commands.bench.ask("owner", "UPDATE guardrails_commandscope SET risk = 'low' RETURNING 1")
    commands.declare(sleep=600)
    ref, action = commands.ask()
    process = executor()
    eventually(commands.seen.exists)
    process.kill()
    eventually(lambda: not marks.alive(action))
    commands.seen.unlink()
    commands.bench.lose_lease(action)
    commands.drain()
    assert commands.bench.action(action)["state"] == "in_doubt"
    assert not commands.seen.exists()
    assert [c.state for c in reader("tickets").children(ref)] != []


def test_a_command_that_ended_before_its_executor_died_is_found_done(commands, monkeypatch):
    _, action = commands.ask()
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        commands.drain()
    commands.bench.lose_lease(action)
    commands.drain()
    row = commands.bench.action(action)
    assert (row["outcome"], row["attempts"]) == ("done", 1)


def test_who_kills_the_keeper_of_a_command_leaves_a_doubt_and_nothing_that_runs(commands, executor):
    commands.bench.ask("owner", "UPDATE guardrails_commandscope SET risk = 'low' RETURNING 1")
    commands.declare(sleep=600)
    _, action = commands.ask()
    process = executor()
    eventually(commands.seen.exists)
    eventually(lambda: commands.seen.read_text().endswith("}"))
    os.kill(psutil.Process(commands.facts()["pid"]).ppid(), signal.SIGKILL)
    process.wait(60)
    assert marks.alive(action) == []
    assert commands.bench.action(action)["outcome"] == ""


def test_it_takes_no_longer_than_its_time(commands):
    shorten(commands, 1)
    commands.declare(sleep=600, deaf="1")
    begun = time.monotonic()
    commands.run()
    # One second of its own, two of grace; the rest is the machine's.
    assert time.monotonic() - begun < 60
