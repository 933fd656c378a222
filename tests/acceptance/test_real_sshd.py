"""A real sshd, real keys, and the lines it really writes: who had a permit, and who had none."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import yaml

from adapters import site, site_rows
from adapters.registry import collector, reader
from adapters.telemetry.port import Use
from ethops.desk import telemetry
from ethops.desk.models import KeyUse
from tests.conftest import point_django
from tests.doubles.sshd import ACCOUNT, Host, keygen, serving
from tests.servers import Servers

RUNNING = """
    WITH w AS (
        INSERT INTO audit_work (id, kind, queue, state, subject, claimed_at, lease_until, holder)
        VALUES (%(id)s, 'effect', 'executor.plays', 'leased', 'ci-here', clock_timestamp(),
                clock_timestamp() + interval '60 s', 'x'))
    INSERT INTO personas_action (id, key, principal, verb, entry, target, verdict, work_id)
    VALUES (%(id)s, %(id)s, 'rule:test', 'playbook.run', 'none', 'ci-here', 'authorised', %(id)s)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def watched(
    host: Host, clean_db: None, servers: Servers, database_name: str
) -> Callable[[dict[str, str]], None]:
    """`watched({name: fingerprint})` declares keys and begins to watch the host."""

    def declare(keys: dict[str, str]) -> None:
        document = {
            "hosts": [{"name": "here", "connection": "ssh", "address": "127.0.0.1",
                       "user": ACCOUNT, "port": host.port}],
            "cis": [{"ref": "ci-here", "name": "Here", "class": "web", "host": "here"}],
            "keys": [{"name": name, "fingerprint": found, "accounts": [ACCOUNT],
                      "from": ["127.0.0.0/8"], "authority": name == "authority"}
                     for name, found in keys.items()],
            "observers": [{"host": "here", "source": "file", "path": str(host.log)}],
        }  # fmt: skip
        file = host.folder / "site.yaml"
        file.write_text(yaml.safe_dump(document))
        found = site.read(file)
        assert found.value is not None, found.faults
        point_django(servers, database_name, "ethops_owner")
        site_rows.apply(found.value)
        point_django(servers, database_name, "ethops_app")
        collector().collect()

    return declare


def uses() -> tuple[Use, ...]:
    return reader("telemetry").uses("here", datetime(2026, 1, 1, tzinfo=UTC))


def joined() -> list[str]:
    collector().collect()
    telemetry.join_all()
    return [row.verdict for row in KeyUse.objects.order_by("at")]


@pytest.mark.processes
def test_a_login_is_explained_by_a_running_permit_and_is_an_incident_without_one(
    host: Host,
    watched: Callable[[dict[str, str]], None],
    role: Callable[[str], psycopg.Connection[Any]],
) -> None:
    watched({"executor": host.key("executor")})
    shutil.copy(host.folder / "executor.pub", host.folder / "authorized")
    assert host.enter("executor") == 0
    host.wait_for("Disconnected from user")
    assert joined() == ["no_permit"]
    (use,) = uses()
    assert (use.account, use.address, use.granted) == (ACCOUNT, "127.0.0.1", True)
    assert use.ended_at
    ticket = reader("tickets").get(KeyUse.objects.get().ticket_ref)
    assert (ticket.state, ticket.title) == (
        "escalated",
        "Ethops's keys on here: nothing was permitted there",
    )

    role("owner").execute(RUNNING, {"id": str(uuid4())})
    assert host.enter("executor") == 0
    host.wait_for("Disconnected from user", times=2)
    assert joined() == ["no_permit", "permitted"]


@pytest.mark.processes
def test_a_certificate_of_our_authority_is_ours_whatever_key_it_holds(
    host: Host, watched: Callable[[dict[str, str]], None]
) -> None:
    authority = keygen("-lf", str(host.folder / "authority.pub")).split()[1]
    watched({"authority": authority})
    held = host.key("held")
    identity = "job 7 from 10.0.0.1 port 1 ssh2"
    keygen("-q", "-s", str(host.folder / "authority"), "-I", identity, "-n", ACCOUNT,
           str(host.folder / "held.pub"))  # fmt: skip
    assert host.enter("held") == 0
    host.wait_for("Accepted publickey")
    assert joined() == ["no_permit"]
    (use,) = uses()
    assert (use.fingerprint, use.authority, use.address) == (held, authority, "127.0.0.1")


@pytest.mark.processes
def test_an_attempt_that_the_host_refused_is_seen_too(
    host: Host, watched: Callable[[dict[str, str]], None]
) -> None:
    watched({"former": host.key("former")})
    assert host.enter("former") != 0
    host.wait_for("Failed publickey")
    assert joined() == ["no_permit"]
    assert [use.granted for use in uses()] == [False]
