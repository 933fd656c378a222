"""What may happen to a ledger without damage: it stays whole, in the database and as an export."""

import json
import subprocess
import sys

import psycopg
import pytest
from django.db import connections

from audit import checkpointer
from audit.checkpointer import Tree
from audit.ledger import exports, retention, verification
from audit.ledger.logkeys import KeyFile
from ethops.env import CLONE


@pytest.fixture
def house(world, tmp_path):
    """A signed ledger with a run, denials, an outcome and values in it."""
    made = House(world, KeyFile(tmp_path / "ledger" / "log.key"), tmp_path / "export.jsonl")
    world.run("web-01")
    step = world.step()
    world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    world.propose(step, "playbook.run", "restart", "web-01", key="p")
    world.propose(step, "playbook.run", "restart", "db-01", key="q")
    world.finish(step)
    made.write()
    claim = world.claim()
    world.value(
        "executor", "SELECT gate.settle(%s, %s, 'done', %s)", claim["action_id"], claim["fence"],
        '{"said": "pid 7"}',
    )  # fmt: skip
    made.write()
    yield made
    connections.close_all()


class House:
    """The world, its signer, and both ways to verify."""

    def __init__(self, world, keys, file):
        self.world, self.keys, self.file = world, keys, file
        self.signer = world.connect("audit_signer")

    def write(self):
        """Record what waits, and sign."""
        self.world.record()
        tree = Tree.resume(self.signer, self.keys)
        while tree.sign_next(self.signer):
            pass

    def findings(self):
        """What the database's verification finds, and the offline ones."""
        self.file.unlink(missing_ok=True)
        with self.file.open("w") as out:
            out.writelines(line + "\n" for line in exports.lines())
        offline = [
            subprocess.run([sys.executable, "-m", module, str(self.file)], cwd=CLONE,
                           capture_output=True, text=True, check=False)
            for module in ("audit.verify", "audit.statements")
        ]  # fmt: skip
        said = [each.stdout for each in offline if each.returncode]
        return [*verification.check().findings, *said]

    def value(self, kind):
        """The commitment of an entry's first value."""
        body = self.world.value(
            "app", "SELECT body FROM audit_entry WHERE kind = %s ORDER BY seq LIMIT 1", kind
        )
        return next(iter(json.loads(body)["body"]["values"].values()))

    def last(self):
        """The number of the newest entry."""
        return self.world.value("app", "SELECT max(seq) FROM audit_entry")


def test_an_ordinary_day_is_whole(house):
    assert house.findings() == []


def test_a_redaction_is_whole(house):
    digest = house.value("action.outcome")
    house.world.value("app", "SELECT gate.redact(%s, 'ada', 'a name')", digest)
    house.write()
    assert house.findings() == []


def test_a_redacted_outcome_is_not_kept_with_its_action_either(house):
    digest = house.value("action.outcome")
    house.world.value("app", "SELECT gate.redact(%s, 'ada', 'a name')", digest)
    said = house.world.value(
        "app", "SELECT result::text FROM personas_action WHERE outcome = 'done'"
    )
    assert "pid 7" not in said


def test_an_open_action_keeps_its_arguments(house):
    digest = house.value("action.authorised")
    with pytest.raises(psycopg.errors.CheckViolation, match="still open"):
        house.world.value("app", "SELECT gate.redact(%s, 'ada', 'a name')", digest)


def test_declared_retention_is_whole(house):
    upto = house.last() - 1
    retention.declare_pruning(
        first=1, last=upto, policy="p", days=0, archive_sha256="ab" * 32, by="ada", why="w"
    )
    house.write()
    house.world.value("owner", "SELECT audit.prune(1000)")
    gone = house.world.value("app", "SELECT count(*) FROM audit_entry WHERE kind = 'pruned'")
    # Entries about the ledger stay: the log's first key is one.
    assert (upto - gone, house.findings()) == (1, [])


def test_a_declared_epoch_is_whole(house):
    origin = retention.declare_epoch(by="ada", why="w", known_size=99, known_root="")
    assert checkpointer.rotate(house.keys, f"ethops/{origin}") == 0
    house.write()
    house.world.run("web-01")
    house.write()
    assert house.findings() == []


def test_an_undeclared_hole_is_damage(house, servers, database_name):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        evil.execute(
            "UPDATE audit_entry SET body = sha256('\\x00'::bytea || body), kind = 'pruned',"
            " subject = '', ticket_ref = '' WHERE seq = 2"
        )
        evil.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    assert "#2: its bytes are missing, and no entry says why" in house.findings()
