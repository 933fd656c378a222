"""A disk that is full: nothing is permitted that is not written, and all goes on by itself.

PostgreSQL lies on a small file system of its own here, which takes root to make.
"""

import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections
from pytest_django import DjangoDbBlocker

from audit.ledger import trust
from audit.recorder import Recorder
from ethops.stack import places, roles
from ethops.stack.layout import DATABASE, Layout
from ethops.stack.ports import free_ports
from ethops.stack.postgres import stop

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(240)]

SIZE = "192m"
FACTS = 60


@dataclass
class SmallHouse:
    """A database on a small disk, a recorder beside it, and something that takes all the room."""

    layout: Layout
    server: "subprocess.Popen[bytes]"
    recorder: Recorder | None = None
    thread: threading.Thread | None = None

    @property
    def filler(self) -> Path:
        """The file that fills the disk."""
        return self.layout.where.servers / "filler"

    def link(self, role: str) -> psycopg.Connection:
        """A connection as this role."""
        return psycopg.connect(self.layout.dsn(f"ethops_{role}"), autocommit=True)

    def fill(self) -> None:
        """Take what room there is."""
        with self.filler.open("wb", buffering=0) as out:
            for size in (1024 * 1024, 4096, 1):
                try:
                    while out.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def has_recorded(self) -> bool:
        """Tell whether all is recorded; who has given up is started again, as by a supervisor."""
        if self.server.poll() is not None:
            assert self.layout.postgres is not None
            self.server, _ = self.layout.postgres.start()
        found = trust.recording()
        return found.waiting == 0 and found.state == "recording"

    def record(self) -> None:
        """Start the recorder."""
        self.recorder = Recorder(self.layout.dsn("ethops_audit_writer"))
        self.thread = threading.Thread(target=self.recorder.run)
        self.thread.start()

    def stop(self) -> None:
        """End what was started."""
        if self.recorder is not None and self.thread is not None:
            self.recorder.stop()
            self.thread.join(30)


@pytest.fixture
def house(tmp_path: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker
          ) -> Iterator[SmallHouse]:  # fmt: skip
    """The small house, migrated."""
    if os.geteuid() != 0 or not Path("/bin/mount").exists():
        pytest.skip("only root makes a file system")
    layout = Layout(
        state=tmp_path / "state",
        ports=free_ports(),
        postgres_settings={"min_wal_size": "32MB", "max_wal_size": "48MB"},
    )
    places.make(layout.where)
    disk = str(layout.where.servers)
    made_room = ["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk]
    if subprocess.run(made_room, check=False).returncode:
        pytest.skip("no file system can be made here")
    before = dict(connections["default"].settings_dict)
    made = None
    try:
        places.make(layout.where)
        assert layout.postgres is not None
        server, _ = layout.postgres.start()
        made = SmallHouse(layout, server)
        roles.bootstrap(layout.postgres.superuser_dsn(), DATABASE, layout.secrets.role_passwords)
        with django_db_blocker.unblock():
            _point(layout, "owner")
            call_command("migrate", interactive=False, verbosity=0)
            _point(layout, "app")
            yield made
    finally:
        connections.close_all()
        connections["default"].settings_dict.update(before)
        if made is not None:
            made.stop()
            stop(made.server, seconds=10)
        subprocess.run(["/bin/umount", "-l", disk], check=False)
        places.remove(layout.where)


def _point(layout: Layout, name: str) -> None:
    role = f"ethops_{name}"
    connections.close_all()
    connections["default"].settings_dict.update(
        NAME=DATABASE, USER=role, PASSWORD=layout.secrets.role_passwords[role],
        HOST="127.0.0.1", PORT=str(layout.ports.postgres),
    )  # fmt: skip


def until(so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not _quietly(so):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def _quietly(so: Callable[[], bool]) -> bool:
    try:
        return so()
    except (DatabaseError, psycopg.Error):  # the database may be away meanwhile
        connections.close_all()
        return False


def write_facts(house: SmallHouse) -> None:
    """Facts that need more room than there will be, and an effect that waits for its entry."""
    with house.link("owner") as owner:
        owner.execute(
            "INSERT INTO audit_work (kind, queue, state)"
            " VALUES ('effect', 'executor.light', 'waiting')"
        )
        for number in range(FACTS):
            owner.execute(
                "SELECT audit.put_pending('person.noted', %s, '', %s,"
                " (SELECT id FROM audit_work WHERE %s))",
                [str(number), f'{{"x": "{secrets.token_hex(30_000)}"}}', number == FACTS - 1],
            )


def test_a_full_disk_stops_effects_and_all_goes_on_by_itself(house: SmallHouse) -> None:
    house.record()
    until(lambda: trust.recording().state == "recording")
    house.stop()
    write_facts(house)
    house.fill()
    house.record()

    until(lambda: house.server.poll() is not None or trust.recording().state != "recording")
    # A server that has stopped by itself, or just does, answers nothing; one that answers says so.
    with suppress(psycopg.OperationalError), house.link("owner") as owner:
        waiting = owner.execute("SELECT state FROM audit_work WHERE kind = 'effect'").fetchone()
        assert waiting == ("waiting",)

    house.filler.unlink()
    until(house.has_recorded)
    with house.link("owner") as owner:
        ended = owner.execute(
            "SELECT (SELECT state FROM audit_work WHERE kind = 'effect'),"
            " (SELECT count(*) FROM audit_entry), (SELECT seq FROM audit_head)"
        ).fetchone()
    assert ended == ("ready", FACTS, FACTS)
