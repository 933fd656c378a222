"""A whole stack of real processes in a folder that is thrown away."""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg

from ethops.env import CLONE
from ethops.stack import places
from ethops.stack.layout import Layout
from ethops.stack.ports import free_ports
from ethops.stack.restarts import RestartPolicy
from ethops.stack.supervisor import Supervisor

NEVER_GIVEN_UP = RestartPolicy(first_delay_seconds=0.2, longest_delay_seconds=2.0, exits=1_000)
"""Whoever is killed again and again on purpose is no crash loop."""

COMMIT_TIMES = {"track_commit_timestamp": "on"}
"""Tells which of two rows was committed first, whatever their columns say."""


OPEN = """
SELECT (SELECT count(*) FROM public.audit_pending)
     + (SELECT count(*) FROM public.audit_work
         WHERE state IN ('waiting', 'ready', 'leased') AND kind <> 'sweep')
     + (SELECT count(*) FROM public.desk_delivery WHERE state = 'stored')
     + (SELECT count(*) FROM public.personas_run WHERE ended_at IS NULL)
     + (SELECT count(*) FROM public.tickets_ticket
         WHERE ticket_class = 'incident' AND state NOT IN ('resolved', 'closed', 'escalated'))
"""
"""How much is still to be done."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The supervisor of a running stack, and ways into it."""

    supervisor: Supervisor
    sender_token: str

    @property
    def layout(self) -> Layout:
        """Folders, ports and secrets."""
        return self.supervisor.layout

    def connect(self, role: str = "owner") -> psycopg.Connection:
        """A connection of one's own as that role; every statement is its own transaction."""
        return psycopg.connect(
            self.layout.dsn(f"ethops_{role}"), autocommit=True, connect_timeout=5
        )

    def count(self, query: LiteralString) -> int:
        """The one number that a query gives."""
        with self.connect() as link:
            row = link.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def client(self) -> httpx.Client:
        """A sender of alerts."""
        return httpx.Client(
            base_url=self.layout.web_url,
            headers={"Authorization": f"Bearer {self.sender_token}"},
            timeout=10,
            trust_env=False,
        )

    def pids(self) -> dict[str, int]:
        """Process name -> pid, of those that run now."""
        return {found.name: found.pid for found in self.supervisor.processes() if found.pid}


@contextmanager
def running(
    *, lease_seconds: int, keep_logs: Path, write_site: Callable[[Path], None] | None = None
) -> Iterator[Stack]:
    """Start everything, and leave nothing behind but logs in `keep_logs`.

    `write_site` gets the path at which the site file is looked for.
    """
    state = Path(tempfile.mkdtemp(prefix="ethops-chaos-"))
    if write_site is not None:
        write_site(state / "site.yaml")
    layout = Layout(
        state=state,
        ports=free_ports(),
        extra_environment={"ETHOPS_LEASE_SECONDS": str(lease_seconds)},
        postgres_settings=COMMIT_TIMES,
    )
    supervisor = Supervisor(layout, policy=NEVER_GIVEN_UP)
    try:
        with supervisor:
            yield Stack(supervisor, _sender(layout))
    finally:
        shutil.copytree(layout.where.logs, keep_logs / "log", dirs_exist_ok=True)
        places.remove(layout.where)
        shutil.rmtree(state, ignore_errors=True)


def _sender(layout: Layout) -> str:
    token = secrets.token_urlsafe(16)
    with psycopg.connect(layout.dsn("ethops_owner"), autocommit=True) as link:
        link.execute(
            "INSERT INTO public.desk_sender (name, token_hash, enabled) VALUES ('chaos', %s, true)",
            [hashlib.sha256(token.encode()).hexdigest()],
        )
    return token


def manage(stack: Stack, *words: str) -> None:
    """Run a command of people against the stack."""
    said = {**os.environ, **stack.layout.environment("person"), "ETHOPS_DATABASE_POOL": "0"}
    subprocess.run(
        [sys.executable, str(CLONE / "manage.py"), *words],
        env=said, cwd=CLONE, check=True, stdout=subprocess.DEVNULL, timeout=30,
    )  # fmt: skip


def wait_for(holds: Callable[[], bool], *, seconds: float, tick: float = 0.2) -> bool:
    """Wait until something holds, through losses of the database; False if it never did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return True
        except psycopg.OperationalError:
            pass
        time.sleep(tick)
    return False
