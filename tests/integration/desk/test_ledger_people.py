"""What people say about the ledger, by the commands that they type."""

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.ledger import pending, trust
from audit.models import BreakGlass, Entry
from audit.recorder import Recorder
from tests.conftest import point_django


@pytest.fixture(autouse=True)
def house(monkeypatch, servers, database_name, tmp_path):
    """The commands meet this test's database and a state folder of its own."""
    monkeypatch.setenv("DATABASE_URL", servers.dsn("ethops_app", database_name))
    monkeypatch.setenv("ETHOPS_STATE", str(tmp_path))


@pytest.fixture
def record(role, clean_db):
    """Record what waits."""
    link = role("audit_writer")

    def write():
        origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
        while Recorder("").record(link, origin):
            pass

    return write


@pytest.fixture
def deeds(tmp_path):
    """A file of deeds, and what shows the first."""
    (tmp_path / "shell.log").write_text("systemctl restart postgresql\n")
    file = tmp_path / "deeds.yaml"
    file.write_text(
        "- who: bob\n  what: Restarted PostgreSQL.\n  at: 2026-01-02T03:04:05Z\n"
        "  evidence: shell.log\n"
    )
    return file


def run(*words):
    try:
        call_command("ledger", *words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def broken(role):
    role("verifier").execute("SELECT audit.keep_check(0, 1, NULL, 0, '[\"#1: broken\"]', 1)")


def test_damage_is_acknowledged(broken):
    run("acknowledge", "--by", "ada", "--why", "seen")
    assert trust.damage().acknowledged_by == "ada"


def test_there_is_nothing_to_acknowledge(clean_db):
    assert run("acknowledge", "--by", "ada", "--why", "seen") == 1


def test_deeds_are_brought_in_with_the_digest_of_what_shows_them(clean_db, deeds):
    run("break-glass", "import", str(deeds), "--by", "bob")
    digest = hashlib.sha256((deeds.parent / "shell.log").read_bytes()).hexdigest()
    assert BreakGlass.objects.get().evidence_sha256 == digest


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- who: bob\n", "deeds.yaml:1"),
        ("- {who: bob, what: x, at: 2026-01-02T03:04:05Z}\n", "without evidence"),
        ("- {who: bob, what: x, at: 2026-01-02T03:04:05, evidence: a}\n", "deeds.yaml:1"),
        ("- {who: bob, what: x, at: 2999-01-02T03:04:05Z, evidence: shell.log}\n", "future"),
        ("- {who: bob, what: x, at: 2026-01-02T03:04:05Z, evidence: none}\n", "cannot be read"),
        ("- {who: a b, what: x, at: 2026-01-02T03:04:05Z, evidence: shell.log}\n", "deeds.yaml:1"),
    ],
    ids=["half", "no evidence", "no zone", "future", "no file", "no name"],
)
def test_a_bad_file_brings_in_nothing(clean_db, deeds, text, what):
    deeds.write_text(text)
    with pytest.raises(CommandError, match=what):
        run("break-glass", "import", str(deeds))


def test_the_doer_is_refused_in_words(clean_db, deeds):
    run("break-glass", "import", str(deeds), "--by", "bob")
    deed = str(BreakGlass.objects.get().id)
    with pytest.raises(CommandError, match="another person"):
        run("break-glass", "acknowledge", deed, "--by", "bob", "--why", "x")


def test_a_single_operator_is_declared_by_the_site(role, clean_db, deeds):
    role("owner").execute("UPDATE approvals_profile SET single = true")
    run("break-glass", "import", str(deeds), "--by", "bob")
    deed = str(BreakGlass.objects.get().id)
    run("break-glass", "acknowledge", deed, "--by", "bob", "--why", "x")
    assert BreakGlass.objects.get().independent is False


def test_an_archive_holds_what_is_let_go(role, record, clean_db, tmp_path):
    for number in range(5):
        pending.note(kind="person.noted", subject=str(number), body={})
    record()
    head = "INSERT INTO audit_treehead (size, root, note) VALUES (5, '', '')"
    role("owner").execute(head)
    words = ["--to", "3", "--policy", "p", "--days", "0", "--by", "ada", "--why", "w"]
    run("retain", str(tmp_path / "archive"), *words)
    record()
    said = json.loads(bytes(Entry.objects.get(kind="ledger.pruned").body))["body"]
    archive = (tmp_path / "archive").read_bytes()
    assert (archive.count(b"\n"), said["archive_sha256"]) == (
        3,
        hashlib.sha256(archive).hexdigest(),
    )


def test_no_archive_is_written_over_another(clean_db, tmp_path):
    (tmp_path / "archive").write_text("kept")
    words = ["--to", "3", "--policy", "p", "--days", "0", "--by", "ada", "--why", "w"]
    with pytest.raises(CommandError, match="Nothing is overwritten"):
        run("retain", str(tmp_path / "archive"), *words)
    assert (tmp_path / "archive").read_text() == "kept"


def test_the_owner_prunes(servers, database_name, role, record, clean_db, tmp_path):
    test_an_archive_holds_what_is_let_go(role, record, clean_db, tmp_path)
    role("owner").execute("INSERT INTO audit_treehead (size, root, note) VALUES (6, '', '')")
    point_django(servers, database_name, "ethops_owner")
    try:
        run("prune")
    finally:
        point_django(servers, database_name, "ethops_app")
    assert Entry.objects.filter(kind="pruned").count() == 3


def test_an_epoch_needs_a_known_head(clean_db):
    with pytest.raises(CommandError, match="--known-size"):
        run("epoch", "--by", "ada", "--why", "restored")


def test_an_epoch_is_declared(record, clean_db):
    words = ["--known-size", "9", "--known-root", "ab" * 32, "--by", "ada", "--why", "restored"]
    run("epoch", *words)
    record()
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin::text FROM audit.head()")
        (origin,) = cursor.fetchone()
    assert Entry.objects.get(kind="ledger.epoch").subject == origin
