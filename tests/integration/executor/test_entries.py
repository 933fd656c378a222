"""Every entry of the catalogue, run for real by ansible on this host, and what it refuses.

Where an entry needs root it gets a mount namespace of its own, so that nothing of this host is
touched. Where it needs a running systemd, which a container has not, a stand-in answers in the
place of `systemctl`, and a second test shows what the real one says here.
"""

import fcntl
import gzip
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ethops.executor.errors import ArgumentRefusedError
from tests.doubles.play import UNSHARE, run, run_apart
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(150)]

TRUE, FLOCK, SLEEP = (shutil.which(name) or name for name in ("true", "flock", "sleep"))
root = pytest.mark.skipif(
    subprocess.run([UNSHARE, "--mount", "true"], check=False, capture_output=True).returncode != 0,
    reason="needs root and a mount namespace of its own, and this machine gives none",
)
MB = 1024 * 1024
LONG_AGO = time.time() - 7200


# ---------------------------------------------------------------- rotate_log


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log" / "app.log"
    path.parent.mkdir()
    path.write_bytes(b"a line of the application\n" * 90_000)
    return path


def rotate(path, tmp_path, **changed):
    given = {"path": str(path), "over_mb": "1", "keep": "2", **changed}
    return run("rotate_log", given, tmp_path / "plays")


def test_a_large_log_is_put_aside_and_emptied(log, tmp_path):
    before = log.read_bytes()
    with log.open("ab") as writer:
        found = rotate(log, tmp_path)
        writer.write(b"goes on\n")
    (aside,) = log.parent.glob("app.log.*.gz")
    assert (found["kind"], gzip.decompress(aside.read_bytes())) == ("done", before)
    assert log.read_bytes() == b"goes on\n"


def test_a_log_that_is_small_is_left_alone(log, tmp_path):
    found = rotate(log, tmp_path, over_mb="9")
    assert (found["kind"], list(log.parent.iterdir())) == ("done", [log])


def test_the_oldest_archives_of_this_log_alone_go(log, tmp_path):
    for name in ("app.log.20260101T000000Z.gz", "app.log.20260102T000000Z.gz", "app.log.1.gz"):
        (log.parent / name).touch()
    found = rotate(log, tmp_path)
    left = sorted(path.name for path in log.parent.glob("*.gz"))
    assert (found["report"]["removed"], left[:2]) == (
        1,
        ["app.log.1.gz", "app.log.20260102T000000Z.gz"],
    )


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_log_behind_a_link_is_refused(log, tmp_path, where):
    link = tmp_path / "link"
    link.symlink_to(log if where == "file" else log.parent)
    before = log.read_bytes()
    found = rotate(link if where == "file" else link / "app.log", tmp_path)
    assert (found["kind"], log.read_bytes() == before) == ("failed", True)


# ---------------------------------------------------------------- remove_stale_lock


@pytest.fixture
def lock(tmp_path):
    gone = subprocess.Popen([TRUE])
    gone.wait()
    path = tmp_path / "run" / "backup.lock"
    path.parent.mkdir()
    path.write_text(f"{gone.pid}\n")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def unlock(path, tmp_path):
    given = {"path": str(path), "older_than_minutes": "60"}
    return run("remove_stale_lock", given, tmp_path / "plays")


def test_a_lock_whose_owner_is_gone_is_removed_and_a_second_run_finds_nothing(lock, tmp_path):
    first, second = unlock(lock, tmp_path), unlock(lock, tmp_path)
    assert (first["kind"], first["report"]["removed"], lock.exists()) == ("done", 1, False)
    assert (second["kind"], second["report"]["removed"]) == ("done", 0)


def test_a_lock_of_a_live_process_stays(lock, tmp_path):
    lock.write_text(str(os.getpid()))
    os.utime(lock, (LONG_AGO, LONG_AGO))
    found = unlock(lock, tmp_path)
    assert ("is alive" in found["said"], lock.exists()) == (True, True)


def is_locked(path):
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_lock_that_somebody_holds_in_the_kernel_stays(lock, tmp_path):
    holder = subprocess.Popen([FLOCK, str(lock), "sleep", "60"])
    try:
        eventually(lambda: is_locked(lock), told="the holder of the lock")
        os.utime(lock, (LONG_AGO, LONG_AGO))
        found = unlock(lock, tmp_path)
    finally:
        holder.kill()
        holder.wait()
    assert (found["said"].endswith("somebody holds the lock"), lock.exists()) == (True, True)


def test_a_young_lock_stays(lock, tmp_path):
    os.utime(lock)
    assert ("younger" in unlock(lock, tmp_path)["said"], lock.exists()) == (True, True)


def test_a_lock_that_is_a_link_is_refused(lock, tmp_path):
    link = lock.with_name("other.lock")
    link.symlink_to(lock)
    assert (unlock(link, tmp_path)["kind"], lock.exists()) == ("failed", True)


# ---------------------------------------------------------------- renew_certificate


@pytest.fixture
def certificate(tmp_path):
    """A certificate of one more day, and the site's command that makes one of ninety."""
    key, path = tmp_path / "key.pem", tmp_path / "cert.pem"
    issue = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=web"
        f" -keyout {key} -out {path} -days"
    )
    subprocess.run(f"{issue} 1".split(), check=True, capture_output=True)
    command = tmp_path / "renew-web"
    command.write_text(f'#!/bin/sh\nset -e\ntest "$*" = renew\n{issue} 90\n')
    command.chmod(0o755)
    return path


def renew(certificate, tmp_path):
    given = {
        "certificate": str(certificate),
        "command": str(certificate.with_name("renew-web")),
        "days": "14",
    }
    return run("renew_certificate", given, tmp_path / "plays")


def test_a_certificate_that_ends_soon_is_renewed_once(certificate, tmp_path):
    before = certificate.read_bytes()
    first = renew(certificate, tmp_path)
    renewed = certificate.read_bytes()
    second = renew(certificate, tmp_path)
    assert (first["kind"], renewed != before) == ("done", True), first["said"]
    assert (second["kind"], "Renew it" in second["ran"], certificate.read_bytes()) == (
        "done",
        False,
        renewed,
    )


def test_a_command_that_renews_nothing_is_a_failure(certificate, tmp_path):
    certificate.with_name("renew-web").write_text("#!/bin/sh\n")
    assert renew(certificate, tmp_path)["kind"] == "failed"


@pytest.mark.parametrize("fault", ["writable", "link", "missing"])
def test_a_command_that_others_could_have_changed_is_not_run(certificate, tmp_path, fault):
    command = certificate.with_name("renew-web")
    before = certificate.read_bytes()
    if fault == "writable":
        command.chmod(0o777)
    else:
        command.rename(tmp_path / "elsewhere")
        if fault == "link":
            command.symlink_to(tmp_path / "elsewhere")
    found = renew(certificate, tmp_path)
    assert (found["kind"], certificate.read_bytes() == before) == ("failed", True)


# ---------------------------------------------------------------- remount


def remount(tmp_path, *, mounted: str, meant: str, point: Path | None = None):
    at = tmp_path / "data"
    at.mkdir()
    table = tmp_path / "fstab"
    table.write_text(f"none {at} tmpfs {meant} 0 0\n")
    before = f"mount -t tmpfs -o {mounted} none {at}\nmount --bind {table} /etc/fstab"
    return run_apart("remount", {"mount_point": str(point or at)}, tmp_path / "plays", before)


@root
@pytest.mark.parametrize(("mounted", "acted"), [("ro", True), ("rw", False)])
def test_a_file_system_is_mounted_for_writing_where_it_is_not(tmp_path, mounted, acted):
    found = remount(tmp_path, mounted=mounted, meant="rw")
    assert (found["kind"], "Mount it anew" in found["ran"]) == ("done", acted), found["said"]


@root
def test_what_is_meant_for_reading_stays_so(tmp_path):
    found = remount(tmp_path, mounted="ro", meant="ro,noatime")
    assert (found["kind"], "for reading only" in found["said"]) == ("failed", True)


@root
def test_what_is_not_mounted_is_refused(tmp_path):
    (tmp_path / "other").mkdir()
    found = remount(tmp_path, mounted="ro", meant="rw", point=tmp_path / "other")
    assert (found["kind"], found["said"].startswith("Ask how it is mounted")) == ("failed", True)


def test_what_the_system_stands_on_is_refused(tmp_path):
    found = run("remount", {"mount_point": "/var"}, tmp_path / "plays")
    assert "for a person" in found["said"]


# ---------------------------------------------------------------- clean_package_cache


@root
@pytest.mark.parametrize(("names", "acted"), [("a_1_all.deb b_2_all.deb", True), ("", False)])
def test_the_cache_of_apt_is_cleaned_where_it_holds_something(tmp_path, names, acted):
    before = (
        "mount -t tmpfs none /var/cache/apt\nmkdir -p /var/cache/apt/archives/partial\n"
        f'for name in {names}; do echo x > "/var/cache/apt/archives/$name"; done'
    )
    given = {"manager": "apt"}
    found = run_apart("clean_package_cache", given, tmp_path / "plays", before)
    assert (found["kind"], "Clean the cache" in found["ran"]) == ("done", acted), found["said"]
    assert found["report"]["packages"] == 0


@root
def test_a_package_manager_at_work_is_not_disturbed(tmp_path):
    holder = (
        "import fcntl, sys, time\nlock = open('/var/lib/dpkg/lock', 'w')\n"
        "fcntl.lockf(lock, fcntl.LOCK_EX)\nopen(sys.argv[1], 'w').close()\ntime.sleep(90)"
    )
    (tmp_path / "holder.py").write_text(holder)
    before = (
        "mount -t tmpfs none /var/cache/apt\nmkdir -p /var/cache/apt/archives\n"
        "mount -t tmpfs none /var/lib/dpkg\necho x > /var/cache/apt/archives/a_1_all.deb\n"
        f"python3 {tmp_path}/holder.py {tmp_path}/held >/dev/null 2>&1 &\n"
        f"while ! test -e {tmp_path}/held; do sleep 0.05; done"
    )
    found = run_apart("clean_package_cache", {"manager": "apt"}, tmp_path / "plays", before)
    assert (found["kind"], "at work" in found["said"]) == ("failed", True), found["said"]


# ---------------------------------------------------------------- vacuum_journal


def vacuum(tmp_path, keep):
    """Real journalctl over three archived files of 2 MB; nothing of this host's journal is seen."""
    folder = "/var/log/journal/$(cat /etc/machine-id)"
    name = "system@0123456789abcdef0123456789abcdef-000000000000000$i-0005a0000000000$i.journal"
    before = (
        f"mount -t tmpfs none /var/log\nmkdir -p {folder}\nfor i in 1 2 3; do\n"
        f"dd if=/dev/urandom of={folder}/{name} bs=1M count=2 2>/dev/null\ndone"
    )
    after = f"ls {folder} | wc -l"
    return run_apart("vacuum_journal", {"keep": keep}, tmp_path / "plays", before, after)


@root
@pytest.mark.parametrize(("keep", "left"), [("3M", "1"), ("500M", "3")])
def test_the_oldest_of_the_journal_goes_down_to_the_declared_size(tmp_path, keep, left):
    found = vacuum(tmp_path, keep)
    assert (found["kind"], found["after"]) == ("done", left), found["said"]


# ---------------------------------------------------------------- what needs systemd

STAND_IN = """#!/bin/sh
echo "$0 $*" >> {calls}
case "$*" in
  "show --property=LoadState --value -- {unit}") echo loaded;;
  "show --property=LoadState --value -- "*) echo not-found;;
  "restart -- {unit}") echo yes > {synced};;
  "is-active -- {unit}") test -e {synced} && echo active || {{ echo failed; exit 3; }};;
  "show --property=NTPSynchronized --value") cat {synced} 2>/dev/null || echo no;;
  *) exit 1;;
esac
"""


def with_systemd(tmp_path, entry, unit, *, knows=""):
    """Run an entry while a script stands in for the systemd that a container lacks."""
    tool, calls = tmp_path / "systemctl", tmp_path / "calls"
    tool.write_text(STAND_IN.format(calls=calls, unit=knows or unit, synced=tmp_path / "synced"))
    tool.chmod(0o755)
    before = "".join(
        f"mount --bind {tool} /usr/bin/{name}\n" for name in ("systemctl", "timedatectl")
    )
    found = run_apart(entry, {"unit": unit}, tmp_path / "plays", before)
    return found, calls.read_text().count(f"restart -- {unit}")


CASES = [
    ("sync_time", "chrony.service"),
    ("restart_guest_agent", "qemu-guest-agent.service"),
]


@root
@pytest.mark.parametrize(("entry", "unit"), CASES)
def test_a_unit_is_restarted_and_looked_at_afterwards(tmp_path, entry, unit):
    found, restarts = with_systemd(tmp_path, entry, unit)
    assert (found["kind"], restarts) == ("done", 1), found["said"]


@root
def test_a_clock_that_is_right_is_left_alone(tmp_path):
    (tmp_path / "synced").write_text("yes\n")
    found, restarts = with_systemd(tmp_path, "sync_time", "chrony.service")
    assert (found["kind"], restarts) == ("done", 0)


@root
@pytest.mark.parametrize(("entry", "unit"), CASES)
def test_a_unit_that_systemd_does_not_know_is_not_restarted(tmp_path, entry, unit):
    found, restarts = with_systemd(tmp_path, entry, unit, knows="other.service")
    assert (found["kind"], restarts) == ("failed", 0)


@pytest.mark.skipif(
    Path("/run/systemd/system").exists(), reason="systemd runs here: its units are let alone"
)
@pytest.mark.parametrize(("entry", "unit"), CASES)
def test_on_a_machine_without_systemd_the_entry_fails_before_it_touches_anything(
    tmp_path, entry, unit
):
    found = run(entry, {"unit": unit}, tmp_path / "plays")
    assert (found["kind"], found["ran"]) == ("failed", [])


# ---------------------------------------------------------------- look_who_is_there


def test_declared_jobs_that_run_are_found(tmp_path):
    job = subprocess.Popen([SLEEP, "97.25"])
    try:
        given = {"processes": "sleep 97.25|no-such-program"}
        found = run("look_who_is_there", given, tmp_path / "plays")
    finally:
        job.kill()
        job.wait()
    assert (found["kind"], found["report"]["jobs"]) == ("done", ["process sleep 97.25"])


# ---------------------------------------------------------------- arguments

REFUSED = [
    ("rotate_log", {"path": "/etc/../x/y", "over_mb": "1", "keep": "1"}),
    ("rotate_log", {"path": "/var/log/a.log", "over_mb": "0", "keep": "1"}),
    ("sync_time", {"unit": "sshd.service"}),
    ("renew_certificate", {"certificate": "/a/b", "command": "sh -c x", "days": "14"}),
    ("remount", {"mount_point": "/data -o bind"[::-1]}),
    ("remount", {"mount_point": "/../data"}),
    ("restart_guest_agent", {"unit": "postgresql.service"}),
    ("clean_package_cache", {"manager": "pip"}),
    ("remove_stale_lock", {"path": "/run/../etc/passwd", "older_than_minutes": "1"}),
    ("remove_stale_lock", {"path": "/run/a/b.lock"}),
    ("vacuum_journal", {"keep": "0M"}),
    ("vacuum_journal", {"keep": "1M --rotate"}),
    ("look_who_is_there", {"processes": "{{ lookup('pipe', 'id') }}"}),
]


@pytest.mark.parametrize(("entry", "given"), REFUSED, ids=lambda one: str(one)[:40])
def test_an_argument_that_is_not_as_declared_is_refused(tmp_path, entry, given):
    with pytest.raises(ArgumentRefusedError):
        run(entry, given, tmp_path / "plays")
