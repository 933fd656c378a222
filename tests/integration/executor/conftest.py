"""A bench for the executor: a small site, one ticket, and effects that went through the gate."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections
from psycopg.rows import dict_row

from adapters import site_rows
from adapters.registry import reader
from adapters.site import Site
from adapters.tickets.port import Ticket, TicketDraft
from audit.recorder import Recorder
from audit.work.leases import Keeper
from ethops.env import CLONE
from ethops.executor import tickets
from ethops.executor.unsettled import Settlements
from ethops.executor.worker import Worker
from ethops.stack.ports import free_ports
from personas import loading
from personas.incarnation import Incarnation
from tests.doubles.agent import propose
from tests.doubles.calibrated import calibrate
from tests.waiting import eventually

CARD = "incident_responder"
LEASE_SECONDS = 30


@dataclass
class Bench:
    """The doors by role; Django itself is the executor, except inside `as_role`."""

    connect: Callable[[str], psycopg.Connection[Any]]
    passwords: dict[str, str]
    folder: Path
    inbox: str
    links: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    card: str = CARD

    @contextmanager
    def as_role(self, name: str) -> Iterator[None]:
        """Let Django's own connection be another role for a while."""
        self.point(name)
        try:
            yield
        finally:
            self.point("executor")

    def point(self, name: str) -> None:
        """Let Django's own connection be this role from now on."""
        connections.close_all()
        role = f"ethops_{name}"
        connections["default"].settings_dict.update(USER=role, PASSWORD=self.passwords[role])

    def ask(self, role: str, statement: str, *values: object) -> Any:
        """One row as a dictionary, over a connection of this role."""
        if role not in self.links:
            self.links[role] = self.connect(role)
            self.links[role].row_factory = dict_row
        return self.links[role].execute(statement, values).fetchone()

    def incident(self, ci_ref: str) -> str:
        """Open an incident as a rule does."""
        draft = TicketDraft("incident", "It is broken", "", 2, 2, "test", "rule", (ci_ref,))
        with self.as_role("app"):
            return tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref

    def authorised(
        self, ref: str, verb: str, entry: str = "", target: str = "", **args: str
    ) -> UUID:
        """Let a run of the card ask, and the recorder write it down: ready to be claimed."""
        step = self.step(ref)
        found = propose(self.links["agent"], step, "k", verb, entry, target or ref, args)
        assert found["verdict"] == "authorised", found["reason"]
        self.record()
        return UUID(str(found["action_id"]))

    def step(self, ref: str) -> Any:
        """Bear a run for the ticket and claim its first step."""
        scope = json.dumps(list(self.ticket(ref).ci_refs))
        self.ask(
            "app",
            "SELECT gate.dispatch(%s, %s, 2, %s, 'joined', '{}', %s)",
            self.card,
            ref,
            scope,
            uuid4().hex,
        )
        signer = Incarnation.mint()
        row = self.ask(
            "agent",
            "SELECT * FROM gate.claim_step('test', 60, %s, %s)",
            signer.id,
            signer.public_key,
        )
        return {**row, "signer": signer}

    def allow(self, entry: str, ci_class: str) -> None:
        """Grant the responder an entry on a class of CI, and let it act there."""
        self.ask(
            "owner",
            "INSERT INTO personas_grant (card_id, verb, entry, ci_class)"
            " VALUES (%s, 'playbook.run', %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
            CARD,
            entry,
            ci_class,
        )
        self.ask(
            "app",
            "SELECT gate.set_autonomy(%s, %s, %s, 'act', 'test', 'test', true)",
            CARD,
            entry,
            ci_class,
        )

    def record(self) -> None:
        """Let the recorder write down what waits."""
        with self.connect("audit_writer") as link:
            origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
            Recorder("").record(link, origin)

    def lose_lease(self, action_id: UUID) -> None:
        """Let the reconciler find that the holder is dead."""
        self.ask(
            "owner",
            "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s RETURNING 1",
            action_id,
        )
        self.ask("app", "SELECT count(*) FROM gate.reconcile()")

    def worker(self) -> Worker:
        """An executor of this process."""
        return Worker(Keeper(LEASE_SECONDS), Settlements(), LEASE_SECONDS)

    def action(self, action_id: UUID) -> Any:
        """The action's row, with the state of its work."""
        return self.ask(
            "app",
            "SELECT a.*, w.state, w.fence, w.attempts FROM personas_action a"
            " JOIN audit_work w ON w.id = a.id WHERE a.id = %s",
            action_id,
        )

    def ticket(self, ref: str) -> Ticket:
        """The ticket as it stands."""
        return reader("tickets").get(ref)

    def lines(self, ref: str) -> list[str]:
        """The texts of its worklog."""
        return [line.text for line in reader("tickets").worklog(ref)]

    def dispatches(self, ref: str) -> int:
        """How often the dispatcher was told about the ticket."""
        row = self.ask(
            "app",
            "SELECT count(*) AS n FROM audit_work WHERE kind = 'dispatch' AND subject = %s"
            " AND dedup LIKE 'dispatch:%%'",
            ref,
        )
        return int(row["n"])

    def pid(self) -> int:
        """The pid of the kept service."""
        return int((self.folder / "web.pid").read_text())


@pytest.fixture
def bench(role, servers, tmp_path, settings) -> Iterator[Bench]:
    """The bench with cards, catalogue and site loaded, and the responder promoted."""
    settings.ETHOPS_STATE = tmp_path / "state"
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_STATE.mkdir()
    inbox = "http://127.0.0.1:9/ops"
    made = Bench(role, servers.layout.secrets.role_passwords, tmp_path, inbox)
    with made.as_role("owner"):
        loading.load()
        site_rows.apply(Site.model_validate_json(json.dumps(_site(tmp_path))))
    settings.ETHOPS_SITE.write_text(json.dumps({"notify": {"kind": "http", "url": inbox}}))
    calibrate(role("owner"), CARD)
    for entry, ci_class in (
        ("restart_service", "demo_service"),
        ("clean_directory", "demo_directory"),
        ("collect_diagnostics", "demo_service"),
    ):
        made.ask(
            "app",
            "SELECT gate.set_autonomy(%s, %s, %s, 'act', 'test', 'test', true)",
            CARD,
            entry,
            ci_class,
        )
    yield made
    made.point("app")


def _site(folder: Path) -> dict[str, Any]:
    return {
        "hosts": [{"name": "localhost"}],
        "cis": [
            {
                "ref": "web-01",
                "name": "Web",
                "class": "demo_service",
                "host": "localhost",
                "attributes": {
                    "pidfile": str(folder / "web.pid"),
                    "command": "ethops.demo.service --name web-01",
                },
            },
            {
                "ref": "spool-01",
                "name": "Spool",
                "class": "demo_directory",
                "host": "localhost",
                "attributes": {
                    "path": str(folder / "spool"),
                    "clean_pattern": "*.log",
                    "clean_older_than_minutes": "10",
                },
            },
            {"ref": "lost-01", "name": "Lost", "class": "demo_service",
             "attributes": {"unit": "lost.service"}},
        ],
    }  # fmt: skip


@pytest.fixture
def kept_service(bench, unused_tcp_port) -> Iterator[subprocess.Popen[bytes]]:
    """A real service under a real keeper; yields the keeper."""
    port = str(unused_tcp_port)
    command = [sys.executable, "-m", "ethops.demo.service", "--name", "web-01", "--port", port]
    declared = [{"name": "web-01", "command": command, "pidfile": str(bench.folder / "web.pid")}]
    (bench.folder / "services.json").write_text(json.dumps(declared))
    keeper = subprocess.Popen(
        [sys.executable, "-m", "ethops.demo.keeper", str(bench.folder / "services.json")],
        cwd=CLONE,
        stdin=subprocess.PIPE,
    )
    eventually((bench.folder / "web.pid").exists)
    yield keeper
    keeper.kill()
    keeper.wait()
    assert keeper.stdin
    keeper.stdin.close()


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that nobody listens on."""
    return free_ports().web
