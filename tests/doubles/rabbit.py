"""A real RabbitMQ of the test's own: loopback, own ports, own cookie, nothing left behind."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kombu import Connection

from ethops.stack.ports import free_ports
from tests.waiting import eventually

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's wrapper on PATH serves its own user alone."""
START_SECONDS = 90.0
HOUSE, OBSERVER = "house", "observer"


class Rabbit:
    """One broker in a folder; its login `observer` may publish for the host `there` alone."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports().web
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._environment = _prepare(folder, self.port)

    @property
    def url(self) -> str:
        return self.url_of(HOUSE)

    def url_of(self, login: str) -> str:
        return f"amqp://{login}:{login}@127.0.0.1:{self.port}/%2F"

    def start(self) -> None:
        """Start it, and its port mapper as a child that ends with it, or go on in its folder."""
        log = self._folder / "said.log"
        mapper = ["epmd", "-port", self._environment["ERL_EPMD_PORT"], "-address", "127.0.0.1"]
        with log.open("ab") as stream:
            for command in (mapper, [SERVER]):
                self._children.append(_start(command, self._environment, stream))
        eventually(lambda: self._answers(log), START_SECONDS, "for RabbitMQ")

    def kill(self) -> None:
        """As a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        for child in reversed(self._children):
            # The server is a child of a shell, so its whole session ends.
            for each in (how, signal.SIGKILL):
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(child.pid, each)
                    child.wait(15)
            child.wait(5)
        self._children.clear()

    def _answers(self, log: Path) -> bool:
        assert self._children[-1].poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            with Connection(self.url, connect_timeout=2) as link:
                link.connect()
        except OSError:
            return False
        return True


@contextmanager
def rabbit(folder: Path) -> Iterator[Rabbit]:
    """Run one, and end it."""
    made = Rabbit(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _prepare(folder: Path, port: int) -> dict[str, str]:
    """Write what it reads, and return its environment."""
    cookie = folder / ".erlang.cookie"
    cookie.write_text("E" * 20)
    cookie.chmod(0o400)
    (folder / "plugins").write_text("[].\n")
    (folder / "definitions.json").write_text(json.dumps(definitions()))
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\n"
        f"load_definitions = {folder}/definitions.json\n"
        # A machine that is full for others must not make it refuse what is sent.
        "disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 1GB\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ERL_EPMD_PORT": str(free_ports().web),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"ethops{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_ports().web),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "made"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +S 1:1 +sbwt none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }


def definitions() -> dict[str, object]:
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {"name": name, "password_hash": password_hash(name), "tags": "",
             "hashing_algorithm": "rabbit_password_hashing_sha256"}
            for name in (HOUSE, OBSERVER)
        ],
        "permissions": [
            {"user": HOUSE, "vhost": "/", **everything},
            {"user": OBSERVER, "vhost": "/", "configure": "^$", "read": "^$",
             "write": r"^ethops\.telemetry$"},
        ],
        "topic_permissions": [
            {"user": OBSERVER, "vhost": "/", "exchange": "ethops.telemetry",
             "write": r"^telemetry\.there\.", "read": "^$"},
        ],
    }  # fmt: skip


def password_hash(password: str) -> str:
    salt = b"salt"
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def is_installed() -> bool:
    return Path(SERVER).exists() and shutil.which("epmd") is not None


def _start(
    command: list[str], environment: dict[str, str], log: BinaryIO
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=environment["HOME"], env=environment, stdin=subprocess.DEVNULL,
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
