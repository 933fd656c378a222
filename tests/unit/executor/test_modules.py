"""The catalogue's own modules: what they refuse to touch."""

import importlib.util
import os
import struct
import subprocess
import sys
import time
from types import ModuleType

import pytest

from ethops.env import CLONE


def load(entry: str, name: str) -> ModuleType:
    path = CLONE / "playbooks" / "remediation" / entry / "library" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # No bytecode beside what is pinned.
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)  # noqa: S102
    return module


old_files = load("clean_directory", "old_files")
supervised = load("restart_service", "supervised_process")
host_state = load("collect_diagnostics", "host_state")
who = load("look_who_is_there", "who_is_there")
cache = load("clean_package_cache", "package_cache")

HOUR_AGO = time.time() - 3600


@pytest.fixture
def spool(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    for name in ("old.log", "old.txt", "new.log"):
        (folder / name).write_text(name)
    (folder / "folder.log").mkdir()
    (folder / "link.log").symlink_to(tmp_path / "outside.log")
    os.mkfifo(folder / "pipe.log")
    (tmp_path / "outside.log").write_text("stays")
    for path in folder.iterdir():
        if not path.name.startswith("new"):
            os.utime(path, (HOUR_AGO, HOUR_AGO), follow_symlinks=False)
    return folder


def test_only_old_regular_files_of_the_pattern_are_chosen(spool):
    handle = old_files.open_directory(str(spool))
    chosen, others = old_files.sort_files(handle, "*.log", time.time() - 60)
    os.close(handle)
    assert (chosen, others) == ([("old.log", 7)], 5)


def test_removal_stays_in_the_directory_even_if_its_path_is_exchanged(spool, tmp_path):
    handle = old_files.open_directory(str(spool))
    spool.rename(tmp_path / "moved")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "old.log").write_text("stays")
    spool.symlink_to(tmp_path / "other")
    old_files.remove(handle, [("old.log", 7)])
    os.close(handle)
    assert (tmp_path / "other" / "old.log").exists()


@pytest.mark.parametrize(
    "path", ["/", "/opt", "//opt/x", "/opt/../etc/x", "/opt/./x", "opt/x", "", "/opt/x/"]
)
def test_a_path_that_is_not_plain_is_refused(path):
    with pytest.raises(old_files.RefusedError):
        old_files.open_directory(path)


@pytest.mark.parametrize("part", ["last", "middle"])
def test_a_link_in_the_path_is_refused(spool, tmp_path, part):
    (tmp_path / "link").symlink_to(spool if part == "last" else tmp_path)
    path = tmp_path / "link" if part == "last" else tmp_path / "link" / "spool"
    with pytest.raises(old_files.RefusedError):
        old_files.open_directory(str(path))


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    # For an instant after its start a process has no command line yet.
    assert supervised.wait_until(lambda: supervised.command_line(process.pid), 10)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_is_not_the_declared_command_is_left_alone(sleeper):
    with pytest.raises(supervised.RefusedError):
        supervised.hold(sleeper.pid, "postgres")


def test_a_frozen_process_ends_by_term(sleeper):
    sleeper.send_signal(supervised.signal.SIGSTOP)
    handle = supervised.hold(sleeper.pid, "time.sleep")
    took = supervised.end(sleeper.pid, handle, 5)
    os.close(handle)
    assert took == "TERM"


def test_a_process_that_ignores_term_is_killed(tmp_path):
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    assert supervised.wait_until(ready.exists, 10)
    handle = supervised.hold(process.pid, "signal.SIG_IGN")
    took = supervised.end(process.pid, handle, 0.3)
    os.close(handle)
    process.wait()
    assert took == "KILL"


@pytest.mark.parametrize("text", ["", "abc", "-5", "12x", "99999999999", "1 2 3 4"])
def test_a_pidfile_is_read_as_one_number_or_none(tmp_path, text):
    path = tmp_path / "pid"
    path.write_text(text)
    assert supervised.read_pid(path) in {None, 1}


def test_a_successor_must_be_another_live_process_of_the_command(tmp_path, sleeper):
    path = tmp_path / "pid"
    path.write_text(str(sleeper.pid))
    found = [
        supervised.successor(path, "time.sleep", old=1),
        supervised.successor(path, "time.sleep", old=sleeper.pid),
        supervised.successor(path, "postgres", old=1),
    ]
    assert found == [sleeper.pid, None, None]


def test_the_host_is_described_in_plain_lines():
    assert all(isinstance(line, str) for line in (host_state.load(), host_state.memory()))


def test_a_pidfile_that_leads_nowhere_is_said(tmp_path):
    assert "no live process" in host_state.declared(tmp_path / "none")


def login(name, pid, kind=7):
    """One record of utmp(5), of which this library's C counterpart writes 384 bytes."""
    packed = struct.Struct("h2xi32s4s32s256s2hi2i4i20s")
    assert packed.size == 384
    return packed.pack(kind, pid, b"pts/1", b"p1", name, b"lab", *[0] * 9, b"")


def test_logins_are_read_and_those_that_are_over_are_not(tmp_path):
    path = tmp_path / "utmp"
    alive = os.getpid()
    path.write_bytes(login(b"lin", alive) + login(b"gone", 2**22) + login(b"boot", alive, 2))
    assert who.logged_in(path) == ["lin"]


def test_sessions_of_greeters_and_services_are_nobody(tmp_path):
    for number, (name, kind) in enumerate([("lin", "user"), ("gdm", "greeter"), ("bg", "manager")]):
        (tmp_path / str(number)).write_text(f"USER={name}\nCLASS={kind}\n")
    assert who.sessions(tmp_path) == ["lin"]


def test_who_holds_a_lock_of_the_kernel_is_found(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    found = path.stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    (tmp_path / "locks").write_text(f"1: POSIX  ADVISORY  WRITE 4711 {device} 0 EOF\n")
    assert (cache.holder([path], tmp_path / "locks"), cache.holder([tmp_path])) == (4711, 0)
