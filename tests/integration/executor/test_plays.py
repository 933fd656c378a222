"""Playbooks run for real: once, from what was approved, and never beyond their executor."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from adapters.registry import reader
from ethops.desk import work
from ethops.env import CLONE
from ethops.executor import changes, marks, runner, worker
from personas import gate
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

DRAIN = """
import django; django.setup()
from ethops.executor.worker import worker
worker().drain("executor.plays")
"""


@pytest.fixture
def executor(bench, servers, database_name):
    """Starts an executor of its own process that drains the plays once."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", DRAIN],
            cwd=CLONE,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "ethops.settings",
                "ETHOPS_PROCESS": "executor",
                "ETHOPS_STATE": str(bench.folder / "state"),
                "ETHOPS_SITE": str(bench.folder / "site.yaml"),
                "DATABASE_URL": servers.dsn("ethops_executor", database_name),
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_frozen_service_is_restarted_as_a_standard_change(bench, kept_service):
    ref = bench.incident("web-01")
    old = bench.pid()
    os.kill(old, signal.SIGSTOP)
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    bench.worker().drain("executor.plays")
    row = bench.action(action)
    (change,) = reader("tickets").children(ref)
    assert row["outcome"] == "done", row["result"]
    assert (row["result"]["report"]["old_pid"], row["result"]["report"]["new_pid"]) == (
        old,
        bench.pid(),
    )
    assert (change.state, row["result"]["change"]) == ("implemented", change.ref)
    assert bench.lines(ref)[-1].startswith(f"{change.ref}: Restart a service on web-01: done.")


def test_nothing_of_a_play_outlives_it(bench, kept_service):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "collect_diagnostics", "web-01")
    bench.worker().drain("executor.plays")
    assert (bench.action(action)["outcome"], marks.alive(action)) == ("done", [])


def test_a_plays_folder_is_private(bench, kept_service):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "collect_diagnostics", "web-01")
    bench.worker().drain("executor.plays")
    folder = bench.folder / "state" / "plays" / str(action)
    assert (folder.stat().st_mode & 0o777, (folder / "project" / "playbook.yaml").exists()) == (
        0o700,
        True,
    )


def test_no_secret_of_the_executor_reaches_a_play(bench, kept_service, executor):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "collect_diagnostics", "web-01")
    executor().wait(60)
    folder = bench.folder / "state" / "plays" / str(action)
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    secrets = [word.encode() for word in bench.passwords.values()]
    assert bench.action(action)["outcome"] == "done"
    assert not [1 for text in texts for secret in secrets if secret in text]


def test_what_changed_after_its_approval_does_not_run(bench, kept_service, settings, tmp_path):
    settings.ETHOPS_PLAYBOOKS = tmp_path / "playbooks"
    shutil.copytree(CLONE / "playbooks", settings.ETHOPS_PLAYBOOKS)
    book = settings.ETHOPS_PLAYBOOKS / "remediation" / "restart_service" / "playbook.yaml"
    book.write_text(book.read_text() + "\n# one more line\n")
    old = bench.pid()
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    bench.worker().drain("executor.plays")
    row = bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.tree_changed")
    assert (bench.pid(), reader("tickets").children(ref)) == (old, ())


def test_a_ci_without_a_host_is_failed_with_the_mend(bench):
    ref = bench.incident("lost-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "lost-01")
    bench.worker().drain("executor.plays")
    assert bench.action(action)["result"]["code"] == "executor.no_host"


def test_a_directory_is_cleaned_by_its_rule(bench):
    spool = bench.folder / "spool"
    spool.mkdir()
    for name in ("a.log", "b.log", "c.txt"):
        (spool / name).write_text(name)
        os.utime(spool / name, (1, 1))
    (spool / "new.log").touch()
    ref = bench.incident("spool-01")
    action = bench.authorised(ref, "playbook.run", "clean_directory", "spool-01")
    bench.worker().drain("executor.plays")
    assert sorted(path.name for path in spool.iterdir()) == ["c.txt", "new.log"]
    assert bench.action(action)["result"]["report"] == {"files": 2, "bytes": 10, "left": 2}


def test_a_killed_executor_takes_its_play_along(bench, kept_service, executor):
    kept_service.send_signal(signal.SIGSTOP)  # so that the play waits for the keeper
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    process = executor()
    events = bench.folder / "state" / "plays" / str(action) / "artifacts" / "play" / "job_events"
    eventually(lambda: len(list(events.glob("*.json"))) > 8)
    process.kill()
    eventually(lambda: not marks.alive(action))
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    assert bench.action(action)["state"] == "in_doubt"


def test_a_play_that_ended_before_its_executor_died_is_found_done(bench, kept_service, monkeypatch):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "collect_diagnostics", "web-01")
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        bench.worker().drain("executor.plays")
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    row = bench.action(action)
    assert (row["outcome"], row["attempts"], len(reader("tickets").children(ref))) == ("done", 1, 1)


def test_what_ran_on_another_machine_is_not_judged_from_here(bench, kept_service, monkeypatch):
    """No trace of a play here says nothing about the machine where its executor was."""
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_act", lambda _: None)
        bench.worker().drain("executor.plays")
    bench.ask(
        "owner", "UPDATE audit_work SET holder = 'elsewhere:7' WHERE id = %s RETURNING 1", action
    )
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    assert bench.action(action)["state"] == "in_doubt"


def test_what_another_machine_began_is_judged_where_its_record_is_seen(
    bench, kept_service, monkeypatch
):
    """A host that is named anew, or a folder that two of them share."""
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "collect_diagnostics", "web-01")
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        bench.worker().drain("executor.plays")
    bench.ask(
        "owner", "UPDATE audit_work SET holder = 'elsewhere:7' WHERE id = %s RETURNING 1", action
    )
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    assert bench.action(action)["outcome"] == "done"


def test_a_play_whose_lease_was_lost_before_it_began_is_not_begun(bench, kept_service, monkeypatch):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    old, found = bench.pid(), bench.worker()

    def begin_slowly(claim, host):
        bench.lose_lease(action)
        return begin(claim, host)

    begin = changes.begin
    with monkeypatch.context() as slow:
        slow.setattr(changes, "begin", begin_slowly)
        found.drain("executor.plays")
    begun = (bench.folder / "state" / "plays" / str(action) / "started").exists()
    state, pid = bench.action(action)["state"], bench.pid()
    found.drain("executor.plays")
    row = bench.action(action)
    assert (begun, state, pid) == (False, "in_doubt", old)
    assert (row["outcome"], row["attempts"], bench.pid() == old) == ("done", 2, False)


@pytest.mark.parametrize(("finding", "state"), [("done", "implemented"), ("failed", "failed")])
def test_a_person_who_settles_a_doubt_concludes_its_change(
    bench, kept_service, monkeypatch, finding, state
):
    def dies(folder, **_):
        folder.started.touch()
        raise RuntimeError("out of the blue")

    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    monkeypatch.setattr(runner, "run", dies)
    bench.worker().drain("executor.plays")
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    with bench.as_role("app"):
        gate.person_settles(action_id=action, person="ada", finding=finding, why="saw it")
        work.drain()
        changes.conclude_by_person(action, finding, "ada: saw it")
    (change,) = reader("tickets").children(ref)
    line = f"{change.ref}: Restart a service on web-01: {finding}. ada: saw it"
    assert (change.state, bench.lines(ref).count(line)) == (state, 1)


def test_a_settled_action_without_a_change_needs_no_conclusion(bench):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "ticket.comment", text="x")
    before = bench.lines(ref)
    with bench.as_role("app"):
        changes.conclude_by_person(action, "done", "ada: saw it")
    assert bench.lines(ref) == before


def test_a_play_is_never_begun_twice(bench, kept_service):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    old = bench.pid()
    folder = bench.folder / "state" / "plays" / str(action)
    folder.mkdir(parents=True)
    (folder / "started").touch()
    bench.worker().drain("executor.plays")
    bench.lose_lease(action)
    bench.worker().drain("executor.plays")
    assert (bench.action(action)["state"], bench.pid()) == ("in_doubt", old)


def test_the_stop_ends_a_play_that_runs(bench, kept_service, executor):
    kept_service.send_signal(signal.SIGSTOP)
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    process = executor()
    eventually(lambda: marks.alive(action))
    began = time.monotonic()
    (bench.folder / "state" / "STOP").touch()
    process.wait(30)
    took = time.monotonic() - began
    row = bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.cut_short")
    assert (marks.alive(action), took < 6) == ([], True)


def test_a_run_that_is_called_off_has_its_play_ended(bench, kept_service, executor):
    kept_service.send_signal(signal.SIGSTOP)
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    process = executor()
    eventually(lambda: marks.alive(action))
    bench.ask(
        "app",
        "SELECT * FROM gate.control_run(%s, 'cancel', 'ada', 'the wrong host')",
        bench.action(action)["run_id"],
    )
    process.wait(30)
    row = bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.cut_short")
    assert ("called off" in row["result"]["said"], marks.alive(action)) == (True, [])
