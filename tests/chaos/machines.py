"""A fresh database with one alert, and one process of all loops that works it off or dies on it."""

import json
import multiprocessing
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.core.management import call_command
from django.db import connections

from ethops.desk import intake
from tests.chaos import evidence
from tests.chaos.history import check
from tests.chaos.world import MOST_FILES, Sink, delivery, fill
from tests.doubles import machine
from tests.doubles.machine import Death, Site
from tests.servers import Servers

FINGERPRINT = "00000000000000aa"
LOADED = "ethops_boundaries"
TIMES = re.compile(r"Ledger: (?:no )?entry.*?(?=\\n|\"|$)|\d+(?:\.\d+)?")
OBSERVED_CI, REPAIRED_CI = "other", "spool"


@dataclass(frozen=True, slots=True)
class Scene:
    """One fresh database with one alert, and where its effects show."""

    site: Site
    sink: Sink
    owner: psycopg.Connection

    def play(self, death: Death | None = None) -> None:
        """Work until death, if there is one, and then until nothing is left."""
        for fate in [death, None] if death else [None]:
            process = forkserver().Process(target=machine.run, args=(self.site, fate))
            process.start()
            process.join(70)
            code = process.exitcode
            process.close()
            assert code == (-signal.SIGKILL if fate else 0), f"{fate or 'healthy'}: exit {code}"

    def outcome(self) -> dict[str, Any]:
        """The final tickets and what led to them, without times, ids and the order of siblings."""
        tickets = self.owner.execute(
            "SELECT ref, ticket_class, state, priority, team, title, solution, repeats"
            " FROM public.tickets_ticket ORDER BY ref"
        ).fetchall()
        lines = self.owner.execute(
            "SELECT ticket_id, author, author_kind, visibility, text FROM public.tickets_logline"
        ).fetchall()
        actions = self.owner.execute(
            "SELECT principal LIKE 'rule:%', verb, entry, target, verdict, guard, outcome"
            " FROM public.personas_action"
        ).fetchall()
        runs = self.owner.execute(
            "SELECT card_id, state, steps, actions, summary FROM public.personas_run"
        ).fetchall()
        found = {"tickets": tickets, "lines": lines, "actions": actions, "runs": runs}
        return {
            name: sorted(TIMES.sub("0", json.dumps(row)) for row in rows)
            for name, rows in found.items()
        }

    def state_of_ticket(self) -> str:
        """Where the one incident stands."""
        rows = self.owner.execute("SELECT state FROM public.tickets_ticket WHERE ref LIKE 'INC%'")
        return str(rows.fetchall()[0][0])

    def lines(self) -> list[str]:
        """What its worklog says."""
        rows = self.owner.execute(
            "SELECT text FROM public.tickets_logline WHERE ticket_id LIKE 'INC%' ORDER BY n"
        )
        return [str(row[0]) for row in rows]

    def begun(self) -> list[str]:
        """Which plays have begun, by the id of their action."""
        return [path.parent.name for path in (self.site.state / "plays").glob("*/started")]

    def files(self) -> int:
        """How many files the repair has left."""
        return sum(path.is_file() for path in (self.site.state / "spool").iterdir())

    def wrong(self) -> tuple[str, ...]:
        """What the history checker has to say."""
        history = evidence.gather(
            self.owner,
            accepted=[FINGERPRINT],
            posts=self.sink.posts,
            plays=self.site.state / "plays",
            restarts={},
        )
        chain = evidence.verify_chain(self.owner)
        return (*chain.findings, *check(history).wrong)


def forkserver() -> multiprocessing.context.ForkServerContext:
    """Where processes come from that have Django imported already."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.doubles.machine"])
    return found


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Path:
    """A folder with a site of one directory that may be cleaned, and one that may be watched."""
    folder = tmp_path_factory.mktemp("boundaries")
    (folder / "spool").mkdir()
    cis = [
        {
            "ref": name, "name": name, "class": ci_class, "host": "localhost",
            "attributes": {
                "path": str(folder / "spool"), "clean_pattern": "*.log",
                "clean_older_than_minutes": "60",
            },
            "probes": [
                {
                    "kind": "directory", "name": f"{name}-size", "path": str(folder / "spool"),
                    "max_files": MOST_FILES, "interval_s": 0.5, "bad_after": 90, "good_after": 1,
                    "alertname": "DirectoryTooFull",
                }
            ],
        }
        for name, ci_class in ((REPAIRED_CI, "demo_directory"), (OBSERVED_CI, "directory"))
    ]  # fmt: skip
    declared = {
        "hosts": [{"name": "localhost", "connection": "local"}],
        "cis": cis,
        "notify": {"kind": "http", "url": sink.url},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, servers: Servers, worker_id: str, state: Path, django_db_blocker: Any
) -> Iterator[str]:
    """A database with that site; the responder may act on one class of it."""
    from tests.conftest import TEMPLATE

    name = f"{LOADED}_{worker_id}"
    servers.clone(TEMPLATE, name)
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        from django.conf import settings

        patch.setattr(settings, "ETHOPS_STATE", state)
        patch.setattr(settings, "ETHOPS_SITE", state / "site.yaml")
        connect(servers, name, "ethops_owner")
        call_command("site", "load", verbosity=0)
        connections.close_all()
        with psycopg.connect(servers.dsn("ethops_owner", name), autocommit=True) as link:
            link.execute(
                "SELECT gate.set_autonomy('incident_responder', 'clean_directory',"
                " 'demo_directory', 'act', 'chaos', 'a test', true)"
            )
            link.execute(
                "UPDATE public.personas_catalogueentry SET document = document ||"
                ' \'{"verification": {"window_s": 1, "patience_s": 6}}\''
            )
    yield name
    servers.drop(name)


@pytest.fixture(scope="module")
def stage(
    loaded: str,
    servers: Servers,
    state: Path,
    sink: Sink,
    database_name: str,
    django_db_blocker: Any,
) -> Iterator[Callable[..., AbstractContextManager[Scene]]]:
    """`stage(ci)` is a fresh scene with one alert about that CI; it may have further labels."""
    name = f"{loaded}_now"

    @contextmanager
    def make(ci: str, **labels: str) -> Iterator[Scene]:
        servers.clone(loaded, name)
        sink.posts.clear()
        shutil.rmtree(state / "plays", ignore_errors=True)
        fill(state / "spool")
        roles = ("app", "agent", "executor", "audit_writer")
        dsns = {role: servers.dsn(f"ethops_{role}", name) for role in roles}
        with django_db_blocker.unblock():
            connect(servers, name, "ethops_app")
            body = delivery(
                "DirectoryTooFull", FINGERPRINT, symptom="over_threshold", ci=ci, **labels
            )
            intake.accept(sender="chaos", raw=json.dumps(body).encode())
            # Left on no database: the children have connections of their own.
            connect(servers, database_name, "ethops_app")
        with psycopg.connect(servers.dsn("ethops_owner", name), autocommit=True) as owner:
            yield Scene(Site(dsns, state), sink, owner)

    yield make
    servers.drop(name)


def connect(servers: Servers, database: str, role: str) -> None:
    connections.close_all()
    connections["default"].settings_dict.update(
        NAME=database, USER=role, PASSWORD=servers.layout.secrets.role_passwords[role]
    )


@pytest.fixture
def person(
    django_db_blocker: Any,
) -> Callable[[Scene, str], AbstractContextManager[None]]:
    """`with person(scene, "ada"):` Django is the desk's of that scene, and ada a person of it."""

    @contextmanager
    def at(scene: Scene, name: str) -> Iterator[None]:
        scene.owner.execute(
            "INSERT INTO public.auth_user (username, password, is_staff, is_active, is_superuser,"
            " first_name, last_name, email, date_joined)"
            " VALUES (%s, '', true, true, false, '', '', '', now()) ON CONFLICT DO NOTHING",
            [name],
        )
        before = dict(connections["default"].settings_dict)
        with django_db_blocker.unblock():
            machine.as_role(scene.site, "app")
            try:
                yield
            finally:
                connections.close_all()
                connections["default"].settings_dict.update(before)

    return at
