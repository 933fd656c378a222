"""A ledger that grows, and witnesses of it as processes of their own."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from audit.ledger import notes
from tests.doubles.witness import Process
from tests.waiting import PATIENCE_SECONDS

DEADLINE_SECONDS = PATIENCE_SECONDS


@dataclass
class Ledger:
    """The doors by role, our own processes, and the witnesses that were declared."""

    connect: Callable[[str], psycopg.Connection[Any]]
    start: Callable[..., "subprocess.Popen[bytes]"]
    folder: Path
    witnesses: dict[str, Process] = field(default_factory=dict)
    links: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    def link(self, role: str) -> psycopg.Connection[Any]:
        """One connection per role."""
        if role not in self.links:
            self.links[role] = self.connect(role)
            self.links[role].row_factory = dict_row
        return self.links[role]

    def ask(self, role: str, statement: str, *values: object) -> Any:
        """All rows, as dictionaries."""
        return self.link(role).execute(statement, values).fetchall()

    def grow(self, count: int = 3) -> None:
        """Let rules note something; the recorder writes it down."""
        for n in range(count):
            self.link("app").execute(
                "SELECT audit.note('event.seen', %s, '', '{}')", [f"event {n}"]
            )

    def size(self) -> int:
        """The newest tree head's."""
        rows = self.ask("app", "SELECT coalesce(max(size), 0) AS size FROM audit_treehead")
        return int(rows[0]["size"])

    def vkey(self) -> str:
        """The key of the log, once it has one."""
        row = wait_for(lambda: self.ask("app", "SELECT vkey FROM audit_logkey"))
        return str(row[0]["vkey"])

    def witness(self, name: str, administrator: str, *logs: str, start: bool = True) -> Process:
        """Declare a witness as ledger.yaml would; it runs, unless it shall not yet."""
        state = self.folder / name.replace("/", "-") / "state.json"
        state.parent.mkdir()
        made = Process(state, list(logs) or [self.vkey()], name).start()
        self.witnesses[name] = made
        if not start:
            # Before anybody can ask it: what has signed once is asked again after minutes.
            made.kill()
        self.link("owner").execute(
            "INSERT INTO audit_witness (name, vkey, url, administrator) VALUES (%s, %s, %s, %s)",
            [name, made.vkey, made.url, administrator],
        )
        return made

    def stands(self, name: str) -> Any:
        """How a witness stands."""
        return self.ask("app", "SELECT * FROM audit_witness WHERE name = %s", name)[0]

    def wait_until(self, name: str, state: str, size: int = 0) -> Any:
        """Return how a witness stands once it does so."""
        return wait_for(
            lambda: (
                found
                if (found := self.stands(name))["state"] == state and found["size"] >= size
                else None
            ),
            lambda: json.dumps(self.stands(name), default=str),
        )

    def at_rest(self, name: str) -> int:
        """Return the size of it all once this witness has signed that: nobody is asked any more."""
        row = wait_for(
            lambda: self.ask(
                "owner",
                "SELECT w.size FROM audit_witness w, audit_head h WHERE w.name = %s"
                " AND w.state = 'well' AND w.size = h.seq AND NOT EXISTS (TABLE audit_pending)",
                name,
            ),
            lambda: json.dumps(self.stands(name), default=str),
        )
        return int(row[0]["size"])

    def signed(self, name: str, size: int) -> bool:
        """Tell whether the stored line is the witness's, below the stored tree head."""
        row = self.ask(
            "app",
            "SELECT c.line, h.note FROM audit_cosignature c JOIN audit_treehead h USING (size)"
            " WHERE size = %s AND witness = %s",
            size,
            name,
        )[0]
        note = notes.add_lines(row["note"], [notes.parse_line(row["line"])])
        _, verified = notes.open_note(
            note, [self.witnesses[name].key, notes.Key.parse(self.vkey())]
        )
        return len(verified) == 2


@pytest.fixture
def ledger(role, start_process, tmp_path) -> Iterator[Ledger]:
    """Recorder, checkpointer and witnessing run; nothing is declared yet."""
    made = Ledger(role, start_process, tmp_path)
    for name in ("recorder", "checkpointer", "witnessing"):
        start_process(name)
    made.grow()
    yield made
    for witness in made.witnesses.values():
        witness.close()


@pytest.fixture
def tamper(servers, database_name):
    """`tamper(table, statement)` does what only a superuser can, past the triggers."""

    def change(table: str, statement: str) -> None:
        with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
            kept = evil.execute(
                "SELECT tgname, tgenabled FROM pg_trigger"
                " WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                [table],
            ).fetchall()
            evil.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            evil.execute(statement)
            for name, enabled in kept:
                always = "ALWAYS " if enabled == "A" else ""
                evil.execute(f"ALTER TABLE {table} ENABLE {always}TRIGGER {name}")

    return change


def wait_for(condition: Callable[[], Any], told: Callable[[], str] = lambda: "") -> Any:
    """Return the first true value of the condition."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain {told()}"
        time.sleep(0.02)
    return value
