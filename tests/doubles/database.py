"""A PostgreSQL of its own that keeps its promises to the disk, migrated, without a stack on it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ethops.env import CLONE
from ethops.stack import places, roles
from ethops.stack.layout import DATABASE, Layout
from ethops.stack.ports import free_ports
from ethops.stack.postgres import Postgres, stop
from ethops.stack.spawn import spawn


@dataclass
class OwnDatabase:
    """One server; `crash` ends it as a power switch would, but for the kernel's own buffers."""

    layout: Layout
    server: Postgres
    process: "subprocess.Popen[bytes]"
    children: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def connect(self, role: str) -> psycopg.Connection:
        """An autocommitting connection as this role."""
        return psycopg.connect(self.layout.dsn(f"ethops_{role}"), autocommit=True)

    def connect_freely(self) -> psycopg.Connection:
        """One as the superuser, whose number no role's limit counts."""
        return psycopg.connect(self.server.superuser_dsn(DATABASE), autocommit=True)

    def start(self, module: str, process: str) -> "subprocess.Popen[bytes]":
        """Start one of the processes without Django, such as `audit.recorder`."""
        made = spawn(
            [sys.executable, "-m", module],
            environment=self.layout.environment(process),
            folder=CLONE,
            log=self.layout.state / "log" / f"{process}.log",
        )
        self.children.append(made)
        return made

    def crash(self) -> None:
        """Stop the server at once, and start it again; it recovers from its log."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        self.process, _ = self.server.start()


@contextmanager
def own_database(**settings: str) -> Iterator[OwnDatabase]:
    """Make it, migrate it, and throw it away afterwards."""
    state = Path(tempfile.mkdtemp(prefix="ethops-own-"))
    layout = Layout(state=state, ports=free_ports(), postgres_settings=settings)
    places.make(layout.where)
    server = layout.postgres
    assert server is not None
    process, _ = server.start()
    made = OwnDatabase(layout, server, process)
    try:
        roles.bootstrap(server.superuser_dsn(), DATABASE, layout.secrets.role_passwords)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=CLONE,
            env={**os.environ, **layout.environment("owner")},
            check=True,
        )
        yield made
    finally:
        for child in made.children:
            child.kill()
            child.wait()
        stop(made.process, seconds=30)
        places.remove(layout.where)
        shutil.rmtree(state, ignore_errors=True)
