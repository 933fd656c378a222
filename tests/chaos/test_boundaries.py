"""A kill at each boundary of a run and its effects; each time the ticket ends the same."""

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

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("boundaries")]

FINGERPRINT = "00000000000000aa"
LOADED = "ethops_boundaries"
TIMES = re.compile(r"Ledger: (?:no )?entry.*?(?=\\n|\"|$)|\d+(?:\.\d+)?")
OBSERVED_CI, REPAIRED_CI = "other", "spool"

MANY = {"act": (1, 4, 5), "step": (1, 2, 3, 4, 5), "finish": (1, 2, 3, 4, 5), "propose": (1, 2, 3)}
"""The first effect assigns the ticket, the fourth escalates it, the fifth tells a person; there are
five steps in two runs."""

OBSERVED = [
    Death(moment, what, nth)
    for what, moments in {
        "step": ("before", "after"),
        "propose": ("before", "after"),
        "finish": ("before", "after"),
        "record": ("before", "within", "after"),
        "claim": ("before", "after"),
        "act": ("before", "after"),
        "settle": ("before", "after"),
    }.items()
    for moment in moments
    for nth in MANY.get(what if what != "act" or moment == "after" else "", (1,))
]

REPAIRED = [Death("before", "act", 3), Death("after", "act", 3), Death("after", "settle", 3)]
"""The third effect is the playbook."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One fresh database with one alert, and where its effects show."""

    site: Site
    sink: Sink
    owner: psycopg.Connection

    def play(self, death: Death | None = None) -> None:
        """Work until death, if there is one, and then until nothing is left."""
        for fate in [death, None] if death else [None]:
            process = _context().Process(target=machine.run, args=(self.site, fate))
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


def _context() -> multiprocessing.context.ForkServerContext:
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
        _connect(servers, name, "ethops_owner")
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
) -> Iterator[Callable[[str], AbstractContextManager[Scene]]]:
    """`stage(ci)` is a fresh scene with one alert about that CI."""
    name = f"{loaded}_now"

    @contextmanager
    def make(ci: str) -> Iterator[Scene]:
        servers.clone(loaded, name)
        sink.posts.clear()
        shutil.rmtree(state / "plays", ignore_errors=True)
        fill(state / "spool")
        roles = ("app", "agent", "executor", "audit_writer")
        dsns = {role: servers.dsn(f"ethops_{role}", name) for role in roles}
        with django_db_blocker.unblock():
            _connect(servers, name, "ethops_app")
            body = delivery("DirectoryTooFull", FINGERPRINT, symptom="over_threshold", ci=ci)
            intake.accept(sender="chaos", raw=json.dumps(body).encode())
            # Left on no database: the children have connections of their own.
            _connect(servers, database_name, "ethops_app")
        with psycopg.connect(servers.dsn("ethops_owner", name), autocommit=True) as owner:
            yield Scene(Site(dsns, state), sink, owner)

    yield make
    servers.drop(name)


@pytest.fixture(scope="module")
def undisturbed(stage: Callable[[str], AbstractContextManager[Scene]]) -> dict[str, dict]:
    """CI -> what comes of its alert when nobody dies."""
    found = {}
    for ci in (OBSERVED_CI, REPAIRED_CI):
        with stage(ci) as scene:
            scene.play()
            assert scene.wrong() == ()
            found[ci] = scene.outcome()
    return found


def _connect(servers: Servers, database: str, role: str) -> None:
    connections.close_all()
    connections["default"].settings_dict.update(
        NAME=database, USER=role, PASSWORD=servers.layout.secrets.role_passwords[role]
    )


def test_the_undisturbed_runs_are_what_they_should_be(undisturbed):
    states = [
        [json.loads(row)[2] for row in undisturbed[ci]["tickets"]]
        for ci in (OBSERVED_CI, REPAIRED_CI)
    ]
    assert states == [["escalated"], ["implemented", "resolved"]]


@pytest.mark.parametrize("death", OBSERVED, ids=str)
def test_the_ticket_ends_as_if_nobody_had_died(stage, undisturbed, death):
    with stage(OBSERVED_CI) as scene:
        scene.play(death)
        assert scene.outcome() == undisturbed[OBSERVED_CI]
        assert scene.wrong() == ()


@pytest.mark.parametrize("death", REPAIRED, ids=str)
def test_the_repair_ends_as_if_nobody_had_died(stage, undisturbed, death):
    with stage(REPAIRED_CI) as scene:
        scene.play(death)
        assert scene.outcome() == undisturbed[REPAIRED_CI]
        assert scene.wrong() == ()


def test_a_playbook_cut_off_in_the_middle_is_never_begun_again(stage):
    with stage(REPAIRED_CI) as scene:
        scene.play(Death("within", "act", 3))
        states = scene.owner.execute(
            "SELECT state FROM public.audit_work WHERE queue = 'executor.plays'"
        ).fetchall()
        begun = [*evidence.begun(scene.site.state / "plays")]
        wrong = scene.wrong()
    assert (states, len(begun) <= 1, wrong) == ([("in_doubt",)], True, ())
