"""The other side of the ledger: from a host's log to an incident, with real rows."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml
from django.db import connections

from adapters import site, site_rows
from adapters.registry import collector, reader
from ethops.desk import observers, telemetry
from ethops.desk.models import KeyUse
from ethops.env import CLONE
from personas.models import CatalogueEntry
from tests.doubles import other_side
from tests.doubles.other_side import AUTHORITY, NAMED, OURS, RETIRED, Story

SETTLED = """
    WITH w AS (
        INSERT INTO audit_work (id, kind, queue, state, subject, claimed_at, settled_at, holder)
        VALUES (%(id)s, 'effect', 'executor.plays', %(state)s, %(target)s, %(begin)s, %(end)s, 'x'))
    INSERT INTO personas_action (id, key, principal, ticket_ref, verb, entry, target, verdict,
        work_id, outcome, result)
    VALUES (%(id)s, %(key)s, 'rule:test', 'INC-1', 'playbook.run', %(entry)s, %(target)s,
        'authorised', %(id)s, %(state)s, %(result)s)
"""


@dataclass
class Scene:
    """Hosts with logs that are read, keys of ours, and permits that were used."""

    folder: Path
    owner: psycopg.Connection[Any]
    become: Callable[[str], None]
    begin: datetime

    def declare(self, hosts: dict[str, str], keys: dict[str, str]) -> None:
        document = {
            "hosts": [
                {"name": name, "connection": "ssh", "address": "10.9.0.1", "user": user}
                for name, user in hosts.items()
            ],
            "cis": [
                {"ref": f"ci-{name}", "name": name, "class": "web", "host": name} for name in hosts
            ],
            "keys": [
                {
                    "name": name,
                    "fingerprint": fingerprint,
                    "accounts": ["ethops", "deploy"] if name == "executor" else ["ethops"],
                    "from": ["10.9.0.0/24", "fd00::/64"] if name == "executor" else [],
                    "authority": name == "signer",
                }
                for name, fingerprint in keys.items()
            ],
            "observers": [
                {"host": name, "source": "file", "path": str(self.log(name))} for name in hosts
            ],
        }
        file = self.folder / "site.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        found = site.read(file)
        assert found.value is not None, found.faults
        self.become("owner")
        site_rows.apply(found.value)
        self.become("app")

    def log(self, host: str) -> Path:
        path = self.folder / f"{host}.log"
        path.touch()
        return path

    def watch_since(self, moment: datetime) -> None:
        """Let the observers have begun then, with nothing to read yet."""
        collector().collect()
        self.owner.execute(
            "UPDATE telemetry_observer SET began_at = %s, read_at = %s", [moment] * 2
        )

    def write(self, host: str, *lines: str) -> None:
        with self.log(host).open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines)

    def say(self, host: str, message: str, *, ago: float = 0, program: str = "sshd[5]") -> None:
        at = datetime.now(UTC) - timedelta(seconds=ago)
        self.write(host, f"{at.isoformat()} {host} {program}: {message}")

    def login(self, host: str, *, ago: float, port: int = 5000, print_: str = OURS) -> None:
        key = f"ED25519 {print_}"
        self.say(
            host, f"Accepted publickey for ethops from 10.9.0.5 port {port} ssh2: {key}", ago=ago
        )

    def permit(
        self, host: str, begin: datetime, end: datetime, *, id_: UUID | None = None,
        state: str = "done", entry: str = "free",
    ) -> UUID:  # fmt: skip
        ident = id_ or uuid4()
        self.owner.execute(SETTLED, self.row(host, begin, end, ident, state, entry))
        return ident

    def row(
        self, host: str, begin: datetime, end: datetime, ident: UUID, state: str, entry: str
    ) -> dict[str, Any]:
        return {
            "id": ident, "key": str(ident), "target": f"ci-{host}", "begin": begin, "end": end,
            "state": state, "entry": entry, "result": json.dumps({"host": host}),
        }  # fmt: skip

    def permit_ago(self, host: str, ago: float, seconds: float, **values: Any) -> UUID:
        begin = datetime.now(UTC) - timedelta(seconds=ago)
        return self.permit(host, begin, begin + timedelta(seconds=seconds), **values)

    def join(self) -> int:
        collector().collect()
        return telemetry.join_all()

    def verdicts(self) -> dict[str, str]:
        return dict(KeyUse.objects.values_list("subject", "verdict"))

    def noted(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self.owner.execute(
            "SELECT subject, ticket_ref, body FROM audit_pending WHERE kind = 'event.key_use'"
            " ORDER BY n"
        )
        return rows.fetchall()


@pytest.fixture
def scene(
    clean_db: None, role: Callable[[str], psycopg.Connection[Any]], servers: Any, tmp_path: Path
) -> Scene:
    def become(name: str) -> None:
        connections.close_all()
        connections["default"].settings_dict.update(
            USER=f"ethops_{name}",
            PASSWORD=servers.layout.secrets.role_passwords[f"ethops_{name}"],
        )

    made = Scene(tmp_path, role("owner"), become, datetime.now(UTC) - timedelta(days=6))
    become("owner")
    for name, sudo in (("named", [NAMED]), ("free", None)):
        CatalogueEntry.objects.create(
            name=name, title=name, risk="low", tree_hash="x", approved_hash="x", parameters={},
            timeout_s=3600, max_per_ticket=1, max_per_hour=1, document={"sudo": sudo},
        )  # fmt: skip
    become("app")
    return made


@pytest.fixture
def web(scene: Scene) -> Scene:
    """Two hosts that have been watched for an hour."""
    scene.declare({"web": "ethops", "db": "ethops"}, {"executor": OURS})
    scene.watch_since(datetime.now(UTC) - timedelta(hours=1))
    return scene


def test_a_login_within_a_permit_is_explained_both_ways(web: Scene) -> None:
    ident = web.permit_ago("web", 300, 20)
    web.login("web", ago=290)
    web.say("web", "nothing", program="cron[1]", ago=100)
    assert web.join() == 0
    assert web.verdicts() == {
        f"use:{reader('telemetry').uses('web', web.begin)[0].id}": "permitted",
        f"permit:{ident}": "seen",
    }


def test_a_key_used_without_a_permit_is_one_incident_with_its_evidence(web: Scene) -> None:
    web.login("web", ago=290)
    assert [web.join(), web.join()] == [1, 0]
    ((subject, ref, body),) = web.noted()
    ticket = reader("tickets").get(ref)
    assert (ticket.state, ticket.team) == ("escalated", "people")
    assert OURS in ticket.description
    assert (body["verdict"], body["host"], body["fingerprint"]) == ("no_permit", "web", OURS)
    assert KeyUse.objects.get(subject=subject).ticket_ref == ref


def test_mismatches_of_one_kind_on_one_host_are_one_ticket_and_an_entry_each(web: Scene) -> None:
    for number in range(3):
        web.login("web", ago=290 + number, port=number + 1)
    assert web.join() == 3
    assert len({ref for _, ref, _ in web.noted()}) == 1
    assert len(web.noted()) == 3


def test_a_mismatch_after_its_ticket_was_closed_is_a_new_ticket(web: Scene) -> None:
    web.login("web", ago=290, port=1)
    web.join()
    web.owner.execute("UPDATE tickets_ticket SET state = 'closed'")
    web.login("web", ago=190, port=2)
    web.join()
    assert len({ref for _, ref, _ in web.noted()}) == 2


def test_an_act_that_its_host_did_not_see_waits_for_the_host_s_next_line(web: Scene) -> None:
    ident = web.permit_ago("web", 300, 20)
    assert web.join() == 0
    assert web.verdicts() == {}
    web.say("web", "nothing", program="cron[1]", ago=100)
    assert web.join() == 1
    assert web.verdicts() == {f"permit:{ident}": "no_session"}


def test_an_act_before_anybody_watched_is_called_unobserved(web: Scene) -> None:
    ident = web.permit_ago("web", 7200, 20)
    assert web.join() == 0
    assert web.verdicts() == {f"permit:{ident}": "unobserved"}


def test_an_act_in_a_gap_is_called_unobserved(web: Scene) -> None:
    web.say("web", "nothing", program="cron[1]", ago=500)
    web.join()
    ident = web.permit_ago("web", 300, 20)
    web.log("web").unlink()
    web.say("web", "nothing", program="cron[1]", ago=100)
    assert web.join() == 0
    assert web.verdicts() == {f"permit:{ident}": "unobserved"}


def test_a_play_that_still_runs_explains_its_logins(web: Scene) -> None:
    ident = uuid4()
    web.owner.execute(
        "INSERT INTO audit_work (id, kind, queue, state, subject, claimed_at, lease_until, holder)"
        " VALUES (%s, 'effect', 'executor.plays', 'leased', 'ci-web', now() - interval '20 s',"
        " now() + interval '9 s', 'x')",
        [ident],
    )
    web.owner.execute(
        "INSERT INTO personas_action (id, key, principal, verb, entry, target, verdict, work_id)"
        " VALUES (%s, 'k', 'rule:test', 'playbook.run', 'free', 'ci-web', 'authorised', %s)",
        [ident, ident],
    )
    web.login("web", ago=10)
    assert web.join() == 0
    assert list(web.verdicts().values()) == ["permitted"]


def test_a_play_on_this_very_host_explains_no_login(web: Scene) -> None:
    web.owner.execute("UPDATE cmdb_host SET connection = 'local' WHERE name = 'web'")
    web.permit_ago("web", 300, 20)
    web.login("web", ago=290)
    assert web.join() == 1
    assert list(web.verdicts().values()) == ["no_permit"]


def test_a_login_that_ends_late_is_found_when_it_ends(web: Scene) -> None:
    web.permit_ago("web", 3000, 20)
    web.login("web", ago=2990)
    assert web.join() == 0
    web.say("web", "Disconnected from user ethops 10.9.0.5 port 5000", ago=60)
    assert web.join() == 1
    assert "outlived" in web.verdicts().values()


def test_a_silent_observer_is_an_alarm_of_its_own_and_no_mismatch(web: Scene) -> None:
    web.permit_ago("web", 300, 20)
    web.owner.execute(
        "UPDATE telemetry_observer SET heard_until = now() - interval '2 hours',"
        " silent_after_s = 3600 WHERE host = 'web'"
    )
    web.say("db", "nothing", program="cron[1]")
    assert web.join() == 0
    for _ in range(2):
        observers.watch()
    titles = [row[0] for row in web.owner.execute("SELECT title FROM tickets_ticket")]
    assert titles == ["What our keys do on web is not seen as it should be"]


def test_a_sweep_is_made_once_per_occasion(web: Scene) -> None:
    web.login("web", ago=290)
    for _ in range(3):
        telemetry.sweep()
    assert len(web.noted()) == 1


def test_one_that_cannot_be_written_down_does_not_hold_up_the_others(web: Scene) -> None:
    web.owner.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
    )
    web.owner.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON desk_keyuse FOR EACH ROW"
        " WHEN (NEW.host = 'db') EXECUTE FUNCTION refuse()"
    )
    try:
        web.login("db", ago=290)
        web.login("web", ago=280)
        assert web.join() == 1
    finally:
        web.owner.execute("DROP FUNCTION refuse CASCADE")
    assert web.join() == 1
    assert [body["host"] for _, _, body in web.noted()] == ["web", "db"]


JOIN = """
import django
django.setup()
from ethops.desk import telemetry
while True:
    telemetry.join_all()
"""


@pytest.mark.processes
def test_killed_while_it_joins_it_tells_of_each_mismatch_once(
    web: Scene, servers: Any, database_name: str, tmp_path: Path
) -> None:
    for number in range(60):
        web.login("web", ago=290 + number, port=number + 1)
    collector().collect()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ethops.settings",
        "ETHOPS_PROCESS": "control",
        "ETHOPS_STATE": str(tmp_path),
        "DATABASE_URL": servers.dsn("ethops_app", database_name),
        "ETHOPS_DATABASE_POOL": "0",
    }
    for wanted in (1, 20, 40):
        with subprocess.Popen([sys.executable, "-c", JOIN], cwd=CLONE, env=environment) as child:
            try:
                end = time.monotonic() + 60
                while len(web.noted()) < wanted:
                    assert time.monotonic() < end
            finally:
                child.kill()
    web.join()
    subjects = [subject for subject, _, _ in web.noted()]
    assert len(subjects) == len(set(subjects)) == 60
    assert {ref for _, ref, _ in web.noted()} == {"INC-00001"}


# ---------------------------------------------------------------- a thousand


def load(scene: Scene, story: Story) -> None:
    """Bring a story into the logs and the rows of this house."""
    users = {host: permits[0].account for host, permits in story.world.permits.items()}
    keys = {"executor": OURS, "signer": AUTHORITY, "former": RETIRED}
    scene.declare(users, keys)
    scene.declare(users, {name: keys[name] for name in ("executor", "signer")})
    before = scene.begin - timedelta(days=1)
    scene.watch_since(before)
    scene.owner.execute("UPDATE telemetry_key SET retired_at = %s WHERE name = 'former'", [before])
    rows = [
        scene.row(
            host, permit.begin, permit.end or permit.begin, permit.id,
            "done" if permit.shows else "failed", "named" if permit.commands else "free",
        )
        for host, permits in story.world.permits.items()
        for permit in permits
    ]  # fmt: skip
    with scene.owner.cursor() as cursor:
        cursor.executemany(SETTLED, rows)
    now = datetime.now(UTC).isoformat()
    for host, said in other_side.lines(story).items():
        scene.write(host, *said, f"{now} {host} CRON[1]: still alive")
    for host in set(users) - set(other_side.lines(story)):
        scene.write(host, f"{now} {host} CRON[1]: still alive")


def named(story: Story) -> dict[tuple[str, str], str]:
    """Return what was planted, by what can be told of it from outside: host and moment."""
    by_id = {str(use.id): use for use in story.uses}
    ends = {str(p.id): p for permits in story.world.permits.values() for p in permits}
    found: dict[tuple[str, str], str] = {}
    for subject, kind in story.planted.items():
        what, _, ident = subject.partition(":")
        row = ends[ident] if what == "permit" else by_id[ident]
        at = row.end if what == "permit" else row.at  # type: ignore[union-attr]
        assert at
        found[row.host, f"{what}:{at.isoformat()}"] = kind
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_planted_mismatches_are_found_and_nothing_else(scene: Scene) -> None:
    story = other_side.make(11, hosts=100, plants=1000, episodes=12, astray=0, begin=scene.begin)
    load(scene, story)
    assert scene.join() == 1000
    wrong = KeyUse.objects.exclude(faults=[])
    found = {
        (use.host, f"{use.subject.partition(':')[0]}:{use.happened_at.isoformat()}")
        for use in wrong
    }
    assert found == set(named(story))
    assert len(scene.noted()) == 1000
    assert scene.join() == 0
