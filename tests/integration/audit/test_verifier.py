"""The process that verifies the ledger, and who else may say how it stands."""

import os
import subprocess
import sys

import psycopg
import pytest

from audit.errors import UnkeptError
from audit.ledger import pending, trust, verification
from audit.models import Check, Heartbeat
from ethops.env import CLONE
from tests.doubles.recording import write_down
from tests.waiting import eventually


@pytest.fixture
def broken(role, clean_db, tamper):
    """A ledger whose second entry is shown otherwise than it says."""
    for number in range(3):
        pending.note(kind="person.noted", subject=str(number), body={})
    write_down(role("audit_writer"))
    tamper("audit_entry", "UPDATE audit_entry SET kind = 'x' WHERE seq = 2")


@pytest.mark.processes
def test_the_process_finds_damage_and_says_that_it_lives(broken, start_process):
    start_process("verifier")
    eventually(Check.objects.exists)
    eventually(Heartbeat.objects.filter(name="verifier").exists)
    assert trust.damage().findings == ["#2: shows kind 'x', but its bytes say 'person.noted'"]


@pytest.mark.processes
def test_the_process_outlives_its_connections(broken, start_process, servers, database_name):
    ours = start_process("verifier")
    eventually(Check.objects.exists)
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        link.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'ethops_verifier' AND datname = current_database()"
        )
        ended = link.execute("SELECT clock_timestamp()").fetchone()[0]
    eventually(Heartbeat.objects.filter(name="verifier", at__gt=ended).exists)
    assert ours.poll() is None


def test_the_desk_may_look_and_its_verdict_does_not_count(broken):
    with pytest.raises(UnkeptError) as unkept:
        verification.check_and_keep()
    assert not unkept.value.report.whole
    assert not Check.objects.exists()


def verified_as(servers, database_name, role):
    """`manage.py ledger verify`, as a person types it, with the login of this role."""
    return subprocess.run(
        [sys.executable, "manage.py", "ledger", "verify"],
        cwd=CLONE,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ethops.settings",
            "DATABASE_URL": servers.dsn(role, database_name),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_a_person_found_is_kept(broken, servers, database_name):
    done = verified_as(servers, database_name, "ethops_verifier")
    assert (done.returncode, done.stderr) == (1, "")
    assert Check.objects.get().findings


def test_who_may_not_say_it_is_told_so_and_still_sees_what_was_found(
    broken, servers, database_name
):
    done = verified_as(servers, database_name, "ethops_app")
    assert done.returncode == 1
    assert "shows kind 'x'" in done.stdout
    assert "ledger.unkept" in done.stderr
    assert not Check.objects.exists()
