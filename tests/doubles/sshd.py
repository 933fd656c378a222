"""A real sshd on loopback, with a configuration, keys and a log of its own."""

import fcntl
import getpass
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ethops.stack.ports import free_ports
from tests.waiting import eventually

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SSH = shutil.which("ssh")
KEYGEN = shutil.which("ssh-keygen")
SEPARATION = Path("/run/sshd")
ACCOUNT = getpass.getuser()

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
TrustedUserCAKeys {folder}/authority.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""


@dataclass
class Host:
    """One sshd on loopback, the keys that may enter, and the log that ethops reads."""

    folder: Path
    port: int
    log: Path

    def key(self, name: str) -> str:
        """Make a key and return its fingerprint."""
        keygen("-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        return keygen("-lf", str(self.folder / f"{name}.pub")).split()[1]

    def enter(self, key: str) -> int:
        assert SSH
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": os.devnull,
            "IdentityAgent": "none",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        where = ("-p", str(self.port), "-i", str(self.folder / key), f"{ACCOUNT}@127.0.0.1")
        done = subprocess.run(
            [SSH, "-F", os.devnull, *words, *where, "exit 0"], capture_output=True, check=False
        )
        return done.returncode

    def wait_for(self, text: str, times: int = 1) -> None:
        eventually(lambda: self.log.read_text().count(text) >= times, told=text)

    def wait_for_file(self, path: Path) -> None:
        eventually(path.exists, told=str(path))


def keygen(*words: str) -> str:
    assert KEYGEN
    return subprocess.run([KEYGEN, *words], capture_output=True, text=True, check=True).stdout


@contextmanager
def serving(folder: Path) -> Iterator[Host]:
    """Run an sshd from this folder; the test is skipped, and says so, where there is none."""
    if not (SSHD and SSH and KEYGEN):
        pytest.skip("no OpenSSH server and client on this machine: apt-get install openssh-server")
    port = free_ports().web
    made = Host(folder, port, folder / "auth.log")
    made.log.touch()
    made.key("host")
    made.key("authority")
    (folder / "authorized").touch()
    config = folder / "sshd.conf"
    config.write_text(CONFIG.format(port=port, folder=folder))
    with separation():
        server = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE, text=True
        )
        writer = threading.Thread(target=as_syslog, args=(server, made.log))
        writer.start()
        try:
            made.wait_for("Server listening")
            yield made
        finally:
            server.terminate()
            server.wait(10)
            writer.join(10)


@contextmanager
def separation() -> Iterator[None]:
    """Make the folder that a root sshd insists on, where no service unit has made it.

    It is one for all processes: who made it takes it away again, but not from under another's sshd.
    """
    if os.getuid() != 0:
        yield
        return
    handle, made = entered()
    try:
        yield
    finally:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if made:
                SEPARATION.rmdir()
        os.close(handle)


def entered() -> tuple[int, bool]:
    """Hold the folder, made where it is missing; returns its handle, and whether it was."""
    while True:
        made = not SEPARATION.exists()
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
        with suppress(FileNotFoundError):  # somebody took it away meanwhile
            handle = os.open(SEPARATION, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_SH)
            if SEPARATION.exists() and os.path.samestat(os.fstat(handle), SEPARATION.stat()):
                return handle, made
            os.close(handle)


def as_syslog(server: "subprocess.Popen[str]", log: Path) -> None:
    """Write what sshd says as a syslog daemon would, with the time at which it came."""
    assert server.stderr
    with server.stderr as lines, log.open("a", buffering=1) as stream:
        for said in lines:
            at = datetime.now(UTC).isoformat()
            stream.write(f"{at} here sshd[{server.pid}]: {said.rstrip()}\n")
