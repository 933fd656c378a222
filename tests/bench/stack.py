"""The stack that is measured: started and stopped by the commands that people use."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from ethops.env import CLONE
from ethops.stack import places
from ethops.stack.layout import Layout
from ethops.stack.ports import free_ports
from ethops.stack.status import StackStatus, read_status
from tests.waiting import eventually

DRAIN_SECONDS = 120.0
OPEN = "SELECT count(*) FROM public.audit_work WHERE state IN ('waiting', 'ready', 'leased')"


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack in a folder that is thrown away."""

    layout: Layout
    more: Mapping[str, str] = field(default_factory=dict)
    """Further variables of every command."""

    def environment(self, **more: str) -> dict[str, str]:
        """Variables under which a command means this stack."""
        ports = self.layout.ports
        kept = {n: v for n, v in os.environ.items() if not n.startswith("ETHOPS_")}
        return {
            **kept,
            "ETHOPS_STATE": str(self.layout.state),
            "ETHOPS_WEB_PORT": str(ports.web),
            "ETHOPS_FLOWER_PORT": str(ports.flower),
            "ETHOPS_PG_PORT": str(ports.postgres),
            "ETHOPS_REDIS_PORT": str(ports.redis),
            **self.more,
            **more,
        }

    def manage(self, *words: str) -> float:
        """Run a command; return how many seconds it took."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CLONE,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"manage.py {' '.join(words)} failed:\n{done.stdout}")
        return time.monotonic() - began

    def connect(self, role: str) -> psycopg.Connection:
        """A connection as that role; every statement is its own transaction."""
        return psycopg.connect(self.layout.dsn(f"ethops_{role}"), autocommit=True)

    def drain(self) -> float:
        """Wait until what came has been worked off; return how many seconds that took."""
        began = time.monotonic()
        with self.connect("owner") as owner:
            # Asked seldom: what works it off is being measured.
            eventually(
                lambda: owner.execute(OPEN).fetchone() == (0,), DRAIN_SECONDS,
                told="what came was not worked off", every=0.2,
            )  # fmt: skip
        return time.monotonic() - began

    def status(self) -> StackStatus:
        """What runs."""
        found = read_status(self.layout.state)
        assert found is not None, "the stack has ended"
        return found

    def process(self, name: str) -> psutil.Process:
        """One process of the stack."""
        return psutil.Process(next(p.pid for p in self.status().processes if p.name == name))


@contextmanager
def folder(**more: str) -> Iterator[Stack]:
    """A stack that does not run yet; whatever runs of it at the end is stopped."""
    state = Path(tempfile.mkdtemp(prefix="ethops-bench-"))
    stack = Stack(Layout(state=state, ports=free_ports()), more)
    try:
        yield stack
    finally:
        stack.manage("down")
        places.remove(stack.layout.where)
        shutil.rmtree(state, ignore_errors=True)
