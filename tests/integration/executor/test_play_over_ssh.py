"""A play that reaches its host over a real ssh: its host saw it, and its permit explains that."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import site_rows
from adapters.registry import collector
from adapters.site import Site
from ethops.desk import telemetry
from ethops.desk.models import KeyUse
from tests.doubles.sshd import ACCOUNT, Host, serving

AGENT, ADD = shutil.which("ssh-agent"), shutil.which("ssh-add")
KNOWN = Path.home() / ".ssh" / "known_hosts"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    # ssh looks for known hosts in the folder of its user and nowhere that a test could choose.
    if KNOWN.exists():
        pytest.skip(f"this user has known hosts of his own, which a test leaves alone: {KNOWN}")
    missing = not KNOWN.parent.exists()
    with serving(tmp_path) as made:
        KNOWN.parent.mkdir(mode=0o700, exist_ok=True)
        kind, key, *_ = (tmp_path / "host.pub").read_text().split()
        KNOWN.write_text(f"[127.0.0.1]:{made.port} {kind} {key}\n")
        try:
            yield made
        finally:
            KNOWN.unlink(missing_ok=True)
            if missing:
                KNOWN.parent.rmdir()


@pytest.fixture
def fingerprint(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An agent that holds the executor's key, as an operator gives it to the executor's user."""
    made = host.key("executor")
    shutil.copy(host.folder / "executor.pub", host.folder / "authorized")
    socket = host.folder / "agent"
    assert AGENT
    assert ADD
    agent = subprocess.Popen([AGENT, "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    try:
        host.wait_for_file(socket)
        subprocess.run([ADD, "-q", str(host.folder / "executor")], check=True)
        yield made
    finally:
        agent.terminate()
        agent.wait(10)


@pytest.mark.processes
def test_both_sides_of_a_play_agree(bench, host: Host, fingerprint: str) -> None:
    declared = {
        "hosts": [{"name": "here", "connection": "ssh", "address": "127.0.0.1", "user": ACCOUNT,
                   "port": host.port}],
        "cis": [{"ref": "web-01", "name": "Web", "class": "demo_service", "host": "here",
                 "attributes": {"path": str(host.folder)}}],
        "keys": [{"name": "executor", "fingerprint": fingerprint, "accounts": [ACCOUNT],
                  "from": ["127.0.0.1"]}],
        "observers": [{"host": "here", "source": "file", "path": str(host.log)}],
    }  # fmt: skip
    with bench.as_role("owner"):
        site_rows.apply(Site.model_validate_json(json.dumps(declared)))
    with bench.as_role("app"):
        collector().collect()
    action = bench.authorised(
        bench.incident("web-01"), "playbook.run", "collect_diagnostics", "web-01"
    )
    assert bench.worker().act_one("executor.plays")
    assert bench.action(action)["outcome"] == "done", bench.action(action)["result"]
    logins = host.log.read_text().count("Accepted publickey")
    host.wait_for("Disconnected from user", times=logins)
    with bench.as_role("app"):
        collector().collect()
        assert telemetry.join_all() == 0
        said = dict(KeyUse.objects.values_list("subject", "verdict"))
    assert said.pop(f"permit:{action}") == "seen"
    assert list(said.values()) == ["permitted"] * logins


@pytest.mark.processes
def test_who_is_on_a_host_is_seen_over_the_same_way(bench, host: Host, fingerprint: str) -> None:
    """The look is a login of its own, and the permit that it led to nothing of explains it."""
    lock = host.folder / "run" / "backup.lock"
    attributes = {
        "lock_file": str(lock), "lock_older_than_minutes": "60", "ask_first": "grace",
        "mission_processes": "sleep 98.125",
    }  # fmt: skip
    declared = {
        "hosts": [{"name": "here", "connection": "ssh", "address": "127.0.0.1", "user": ACCOUNT,
                   "port": host.port}],
        "cis": [{"ref": "backup-01", "name": "Backup", "class": "demo_directory", "host": "here",
                 "attributes": attributes}],
        "keys": [{"name": "executor", "fingerprint": fingerprint, "accounts": [ACCOUNT],
                  "from": ["127.0.0.1"]}],
        "observers": [{"host": "here", "source": "file", "path": str(host.log)}],
    }  # fmt: skip
    with bench.as_role("owner"):
        site_rows.apply(Site.model_validate_json(json.dumps(declared)))
    bench.allow("remove_stale_lock", "demo_directory")
    with bench.as_role("app"):
        collector().collect()
    job = subprocess.Popen(["/bin/sleep", "98.125"])
    try:
        action = bench.authorised(
            bench.incident("backup-01"), "playbook.run", "remove_stale_lock", "backup-01"
        )
        assert bench.worker().act_one("executor.plays")
    finally:
        job.kill()
        job.wait()
    row = bench.action(action)
    assert (row["outcome"], row["result"]["found"]) == ("void", ["process sleep 98.125"])
    logins = host.log.read_text().count("Accepted publickey")
    host.wait_for("Disconnected from user", times=logins)
    with bench.as_role("app"):
        collector().collect()
        assert telemetry.join_all() == 0
        said = dict(KeyUse.objects.values_list("subject", "verdict"))
    said.pop(f"permit:{action}", None)
    assert logins
    assert list(said.values()) == ["permitted"] * logins
