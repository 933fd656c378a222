"""Before a play that others would feel: who is on the host, with real processes and real logins."""

import json
import os
import shutil
import struct
import subprocess
import sys
import time

import pytest

from adapters import site_rows
from adapters.site import Site
from ethops.desk import work
from ethops.env import CLONE
from ethops.executor import mission
from personas.presence import Mission
from tests.doubles import agent, approver
from tests.doubles.play import UNSHARE
from tests.integration.executor.conftest import _site

pytestmark = [pytest.mark.processes, pytest.mark.timeout(150)]

TRUE = shutil.which("true") or "true"
JOB, OTHER = "sleep 98.50", "sleep 98.75"
ENTRY, CI = "remove_stale_lock", "backup-01"
LONG_AGO = time.time() - 7200


@pytest.fixture
def lock(bench):
    """A stale lock of a CI on this host, and the responder's right to remove it by itself."""
    path = bench.folder / "run" / "backup.lock"
    path.parent.mkdir()
    gone = subprocess.Popen([TRUE])
    gone.wait()
    path.write_text(str(gone.pid))
    os.utime(path, (LONG_AGO, LONG_AGO))
    attributes = {"lock_file": str(path), "lock_older_than_minutes": "60", "ask_first": "grace"}
    other = {"mission_processes": f"{JOB}|{OTHER}"}
    declared = _site(bench.folder)
    declared["cis"] += [
        {"ref": CI, "name": "Backup", "class": "demo_directory", "host": "localhost",
         "attributes": attributes},
        {"ref": "node-01", "name": "Node", "class": "host", "host": "localhost",
         "attributes": other},
    ]  # fmt: skip
    with bench.as_role("owner"):
        site_rows.apply(Site.model_validate_json(json.dumps(declared)))
    bench.allow(ENTRY, "demo_directory")
    return path


@pytest.fixture
def start():
    """Start a job of somebody's on this host."""
    started = []

    def job(text):
        started.append(subprocess.Popen(text.split()))
        return started[-1]

    yield job
    for process in started:
        process.kill()
        process.wait()


def end(process):
    process.kill()
    process.wait()


def held(bench, ref):
    action = bench.authorised(ref, "playbook.run", ENTRY, CI)
    bench.worker().drain("executor.plays")
    return action


def propose(bench, ref):
    return agent.propose(bench.links["agent"], bench.step(ref), "k", "playbook.run", ENTRY, CI, {})


def approve(bench, action):
    said = approver.approve(bench.connect("owner"), bench.connect("app"), action)
    assert said[0] == "ok", said
    bench.record()


def test_where_nobody_is_it_begins(bench, lock):
    action = held(bench, bench.incident(CI))
    assert (bench.action(action)["outcome"], lock.exists()) == ("done", False)


def test_where_a_job_runs_it_is_not_begun_and_the_permit_is_void(bench, lock, start):
    start(JOB)
    row = bench.action(held(bench, bench.incident(CI)))
    assert (row["outcome"], row["state"], lock.exists()) == ("void", "cancelled", True)
    assert (row["result"]["code"], row["result"]["found"], row["result"]["asked"]) == (
        "executor.people_first",
        [f"process {JOB}"],
        "grace",
    )


def test_it_is_on_record_with_who_was_there_and_who_is_asked(bench, lock, start):
    start(JOB)
    action = held(bench, bench.incident(CI))
    bench.record()
    row = bench.ask(
        "owner",
        "SELECT convert_from(body, 'UTF8')::jsonb -> 'body' AS body FROM audit_entry"
        " WHERE kind = 'people.first' AND subject = %s",
        str(action),
    )
    assert (row["body"]["found"], row["body"]["asked"], row["body"]["host"]) == (
        [f"process {JOB}"],
        "grace",
        "localhost",
    )


def test_who_is_named_is_told_and_the_ticket_says_it(bench, lock, start):
    start(JOB)
    ref = bench.incident(CI)
    held(bench, ref)
    with bench.as_role("app"):
        work.drain()
    told = bench.ask(
        "owner", "SELECT args FROM personas_action WHERE principal = 'rule:people_first'"
    )
    assert told["args"]["title"].startswith("grace: may we?")
    assert any("process sleep 98.50; grace is asked first" in line for line in bench.lines(ref))


def test_what_is_asked_for_next_waits_for_a_person_and_begins_once_he_approved(bench, lock, start):
    job = start(JOB)
    held(bench, bench.incident(CI))
    end(job)
    found = propose(bench, bench.incident(CI))
    assert found["verdict"] == "proposed"
    approve(bench, found["action_id"])
    bench.worker().drain("executor.plays")
    assert (bench.action(found["action_id"])["outcome"], lock.exists()) == ("done", False)


def test_a_person_who_approved_it_knowing_who_is_there_is_heard(bench, lock, start):
    start(JOB)
    held(bench, bench.incident(CI))
    found = propose(bench, bench.incident(CI))
    approve(bench, found["action_id"])
    bench.worker().drain("executor.plays")
    assert (bench.action(found["action_id"])["outcome"], lock.exists()) == ("done", False)


def test_who_came_after_the_approval_is_asked_too(bench, lock, start):
    start(JOB)
    held(bench, bench.incident(CI))
    found = propose(bench, bench.incident(CI))
    approve(bench, found["action_id"])
    start(OTHER)
    bench.worker().drain("executor.plays")
    row = bench.action(found["action_id"])
    assert (row["outcome"], lock.exists()) == ("void", True)
    assert row["result"]["found"] == [f"process {JOB}", f"process {OTHER}"]


def test_an_entry_that_asks_nobody_is_not_kept_by_it(bench, lock, start, kept_service):
    start(JOB)
    held(bench, bench.incident(CI))
    found = bench.authorised(
        bench.incident("web-01"), "playbook.run", "collect_diagnostics", "web-01"
    )
    bench.worker().drain("executor.plays")
    assert bench.action(found)["outcome"] == "done"


def test_research_of_our_own_queue_is_a_job(bench, lock):
    owner = bench.connect("owner")
    owner.execute(
        "INSERT INTO gpu_card (name, url, vram_mb, reserve_mb)"
        " VALUES ('gpu0', 'http://127.0.0.1:11434', 1, 0)"
    )
    work_id = owner.execute(
        "INSERT INTO audit_work (kind, queue, state, subject, payload, priority, max_attempts,"
        " lease_until, holder) VALUES ('inference', 'research.chat', 'leased', 'x', '{}', 3, 3,"
        " now() + interval '1 h', 'gpu:1') RETURNING id"
    ).fetchone()[0]
    owner.execute(
        "INSERT INTO gpu_job (id, tier, slot, kind, principal, label, request, deadline_at, card,"
        " started_at) VALUES (%s, 'research', 'chat', 'hold', 'person:lin', 'fold', '{}',"
        " now() + interval '1 h', 'gpu0', now())",
        [work_id],
    )
    row = bench.action(held(bench, bench.incident(CI)))
    assert (row["outcome"], row["result"]["found"]) == ("void", ["gpu fold of person:lin"])


# ---------------------------------------------------------------- people who are logged in

RECORD = struct.Struct("<h2xi32s4s32s256shhiii4i20s")
LOOK = """
from ethops.executor.mission import look_here
from personas.presence import Mission
nobody = Mission("localhost", frozenset({"people"}), "", "", (), "", None)
print(sorted(set(look_here(nobody))))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a mount namespace of its own")
@pytest.mark.parametrize("by", ["utmp", "logind"])
def test_people_who_are_logged_in_are_seen(tmp_path, by):
    record = RECORD.pack(
        7, os.getpid(), b"pts/9", b"p9", b"lin", b"lab-7", 0, 0, 0, 1, 0, 0, 0, 0, 0, b""
    )
    (tmp_path / "utmp").write_bytes(record if by == "utmp" else b"")
    (tmp_path / "sessions").mkdir()
    if by == "logind":
        (tmp_path / "sessions" / "4").write_text("UID=1000\nUSER=lin\nCLASS=user\nACTIVE=1\n")
        (tmp_path / "sessions" / "c1").write_text("UID=60\nUSER=gdm\nCLASS=greeter\n")
    script = (
        f"set -e\nmkdir {tmp_path}/run {tmp_path}/run/systemd\n"
        f"cp {tmp_path}/utmp {tmp_path}/run/utmp\n"
        f"cp -r {tmp_path}/sessions {tmp_path}/run/systemd/sessions\n"
        f'mount --bind {tmp_path}/run /run\nexec "$@"'
    )
    done = subprocess.run(
        [UNSHARE, "--mount", "sh", "-c", script, "sh", sys.executable, "-c", LOOK],
        cwd=CLONE, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "['person lin']", done.stderr


def test_a_text_that_is_too_short_finds_nobody(start):
    start(JOB)
    short = Mission("localhost", frozenset({"jobs"}), "s|sl| ", "", (), "", None)
    assert not [one for one in mission.look_here(short) if one.startswith("process")]
