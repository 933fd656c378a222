"""A database of its own with the real cards, the real catalogue and a site that tempts."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connections
from psycopg.rows import dict_row

from audit.commitments import commitment, new_salt
from audit.recorder import Recorder
from personas import loading
from personas.incarnation import Incarnation, Signed
from tests.conftest import TEMPLATE, _make_template, point_django
from tests.doubles.agent import PROPOSE, finish, said
from tests.doubles.calibrated import calibrate
from tests.hostile import declared
from tests.hostile.oracle import PULLS_PER_TICKET, TOUCHING, Asked, Ci, Life, Site
from tests.servers import Servers

ATTRIBUTES: dict[str, object] = {
    "unit": "web.service",
    "pidfile": "/run/web/web.pid",
    "command": "ethops.demo.service --name web",
    "path": "/var/spool/web",
    "clean_pattern": "*.log",
    "clean_older_than_minutes": "10",
    "catalog": "/lake/main.duckdb",
    "project": "lab/maze",
    "serve_config": "/etc/serve/policy.yaml",
}
"""What the catalogue's playbooks take from a CI, as an honest owner declares it."""
HOSTILE: tuple[object, ...] = (
    "/run/web.pid; reboot", "/run/web.pid\n", "{{ lookup('pipe', 'id') }}", "$(reboot)", "../x",
    "", 7, None, ["/run/web.pid"], "/run/" + "x" * 400, "\u0430", "/run/web.pid\u2028",
)  # fmt: skip
"""What somebody who can write to the CMDB would declare."""


@dataclass
class Run:
    """A run that the hostile model has taken, and what the oracle knows of it."""

    life: Life
    step: dict[str, Any]
    live_token: str
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key -> (action id, verdict) of what was asked under it."""
    last: Signed | None = None


@dataclass
class House:
    """The doors by role, and the world as the oracle sees it."""

    servers: Servers
    database: str
    site: Site
    dice: random.Random
    links: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    tickets: list[str] = field(default_factory=list)
    others: list[Run] = field(default_factory=list)

    def link(self, role: str) -> psycopg.Connection[Any]:
        """A connection as this role, made once."""
        if role not in self.links:
            self.links[role] = psycopg.connect(
                self.servers.dsn(f"ethops_{role}", self.database),
                autocommit=True,
                row_factory=dict_row,
            )
        return self.links[role]

    def do(self, role: str, statement: str, *values: object) -> None:
        """Run a statement."""
        self.link(role).execute(statement.encode(), values or None)

    def one(self, role: str, statement: str, *values: object) -> Any:
        """Its first row, None where there is none."""
        return self.link(role).execute(statement.encode(), values or None).fetchone()

    def value(self, role: str, statement: str, *values: object) -> Any:
        """The first column of its first row."""
        row = self.one(role, statement, *values)
        return None if row is None else next(iter(row.values()))

    def all(self, role: str, statement: str, *values: object) -> list[Any]:
        """All its rows."""
        return self.link(role).execute(statement.encode(), values or None).fetchall()

    # ------------------------------------------------------------ runs

    def ticket(self) -> str:
        """A ticket that nobody has had yet."""
        ref = f"INC-{self.dice.randrange(10**11, 10**12)}"
        self.tickets = [*self.tickets[-20:], ref]
        return ref

    def run(self, card: str, *cis: str, joined: str = "joined", ticket: str = "") -> Run:
        """Bear a run for a ticket of its own, and take its first step as the agent."""
        life = Life(card, ticket or self.ticket(), cis, joined)
        born = self.value(
            "app",
            "SELECT gate.dispatch(%s, %s, 2, %s, %s, '{}', %s)",
            card, life.ticket, json.dumps(cis), joined, uuid4().hex,
        )  # fmt: skip
        assert born, f"no run was born for {card}"
        step = self.step()
        assert step, f"{card} has no step to take"
        assert step["run_id"] == born, "another's step lay in the queue"
        return Run(life, step, step["token"])

    def step(self) -> Any:
        """Take the next step as the agent."""
        signer = Incarnation.mint()
        row = self.one(
            "agent",
            "SELECT * FROM gate.claim_step('hostile', 300, %s, %s)",
            signer.id, signer.public_key,
        )  # fmt: skip
        return row and {**row, "signer": signer}

    def finish(self, run: Run, next_: str = "done") -> str:
        """End its step."""
        return finish(self.link("agent"), {**run.step, "token": run.live_token}, next_)

    # ------------------------------------------------------------ asking

    def ask(self, run: Run, asked: Asked, key: str = "") -> Any:
        """Send an attempt through the agent's door; the SQL error where it is no request."""
        step, salt, key = run.step, new_salt(), key or uuid4().hex
        words = {
            **said(step, "propose"), "key": key, "verb": asked.verb, "entry": asked.entry,
            "target": asked.target, "asked_digest": commitment(salt, asked.args),
        }  # fmt: skip
        signed = self._signed(run, words, asked.signing)
        sent = (signed.statement, signed.signature) if signed else (None, None)
        try:
            row = self.one(
                "agent", PROPOSE,
                *(step["run_id"], step["token"], step["number"], key, asked.verb, asked.entry),
                *(asked.target, asked.args, salt.hex(), *sent),
            )  # fmt: skip
        except psycopg.Error as fault:
            return fault
        if row["counted"] and signed:
            step["signer"].counted(signed)
            run.last = signed
        return row

    def _signed(self, run: Run, words: dict[str, Any], how: str) -> Signed | None:
        signer: Incarnation = run.step["signer"]
        true = signer.sign(words)
        ways = {
            "none": lambda: None,
            "other words": lambda: signer.sign({**words, "target": "INC-0"}),
            "other key's chain": lambda: Incarnation.mint().sign(words),
            "replayed": lambda: run.last or signer.sign({**words, "key": "before"}),
            "cut": lambda: Signed(true.statement, true.signature[:-2]),
            "no hex": lambda: Signed(true.statement, "z" * 128),
            "other run's": lambda: signer.sign({**words, "run": str(uuid4())}),
            "next": lambda: Incarnation(
                signer.id, signer.key, signer.signed + 1, signer.last
            ).sign(words),
        }  # fmt: skip
        return ways[how]() if how in ways else true

    # ------------------------------------------------------------ time and record

    def an_hour_passes(self) -> None:
        """Let what was authorised lie more than an hour back, for the gate and the oracle."""
        self.do(
            "owner",
            "UPDATE personas_action SET decided_at = decided_at - interval '61 minutes'"
            " WHERE entry <> '' AND verdict = 'authorised'"
            " AND decided_at > clock_timestamp() - interval '1 hour'",
        )
        self.site.an_hour_passes()

    def risks_as_declared(self) -> None:
        """Let each entry of the catalogue have the risk of its file again."""
        for entry in self.site.declared.entries.values():
            self.do(
                "owner", "UPDATE personas_catalogueentry SET risk = %s WHERE name = %s",
                entry.risk, entry.name,
            )  # fmt: skip

    def record(self) -> None:
        """Let the recorder write down all that waits."""
        if "recorder" not in self.links:
            # It reads plain tuples.
            self.links["recorder"] = psycopg.connect(
                self.servers.dsn("ethops_audit_writer", self.database), autocommit=True
            )
        link = self.links["recorder"]
        row = link.execute("SELECT origin FROM audit.head()").fetchone()
        while Recorder("").record(link, str(row[0])):
            pass

    def close(self) -> None:
        """Leave the database."""
        for link in self.links.values():
            link.close()
        self.links.clear()


def site(found: declared.Declared) -> Site:
    """CIs of every class that any card has a right on, and those that nobody may touch."""
    cis = [Ci(f"{name.replace('_', '-')}-01", name, dict(ATTRIBUTES)) for name in found.classes]
    cis += [replace(cis[0], ref="other-01"), Ci("vault-01", "vault", dict(ATTRIBUTES))]
    tempting = [name for name in found.classes if name in {"service", "directory", "host"}]
    for name in tempting or found.classes[:1]:
        cis.append(Ci(f"lifeline-{name}", name, dict(ATTRIBUTES), lifeline=True))
        cis.append(Ci(f"retired-{name}", name, dict(ATTRIBUTES), retired=True))
    for number, value in enumerate(HOSTILE):
        changed = dict.fromkeys(("pidfile", "path", "clean_pattern"), value)
        cis.append(Ci(f"odd-{number:02}", found.classes[0], {**ATTRIBUTES, **changed}))
    cis.append(Ci("bare-01", found.classes[0], {}))
    levels = {
        (card.name, right.entry, right.ci_class): "act"
        for card in found.cards.values()
        for right in card.rights
        if right.verb in TOUCHING and right.ci_class != "cache"
    }
    return Site(found, {ci.ref: ci for ci in cis}, levels)


@contextmanager
def house(servers: Servers, database: str, seed: int) -> Iterator[House]:
    """Make the database, load it as its owner does, and throw it away afterwards."""
    if not servers.has_database(TEMPLATE):
        _make_template(servers)
    servers.clone(TEMPLATE, database)
    made = House(servers, database, site(declared.read()), random.Random(seed))
    before = dict(connections["default"].settings_dict)
    try:
        point_django(servers, database, "ethops_owner")
        loading.load()
        furnish(made)
        yield made
    finally:
        made.close()
        connections.close_all()
        connections["default"].settings_dict.update(before)
        servers.drop(database)


def furnish(made: House) -> None:
    """Write the site's CIs, and promote as far as the oracle believes.

    The breaker would open at the first of so many denials and failures: only the scene that is
    about it does.
    """
    for card in made.site.declared.cards:
        calibrate(made.link("owner"), card)
    for name in ("breaker_denied", "breaker_abandoned", "breaker_failed"):
        made.do("owner", "INSERT INTO autonomy_policy VALUES (%s, 1000000)", name)
    made.do("owner", "INSERT INTO autonomy_policy VALUES ('ticket_pulls', %s)", PULLS_PER_TICKET)
    made.do("owner", "INSERT INTO autonomy_policy VALUES ('pulls_per_hour', 1000000)")
    for ci in made.site.cis.values():
        made.do(
            "owner",
            "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, lifeline,"
            " source, retired) VALUES (%s, %s, %s, %s, 2, 2, %s, 'test', %s)",
            ci.ref, ci.ref, ci.ci_class, json.dumps(ci.attributes), ci.lifeline, ci.retired,
        )  # fmt: skip
    for (card, entry, ci_class), level in made.site.levels.items():
        made.do(
            "app",
            "SELECT gate.set_autonomy(%s, %s, %s, %s, 'ada', 'so that it may be tempted', true)",
            card, entry, ci_class, level,
        )  # fmt: skip


def void(house: House) -> None:
    """Let nothing of an example before be open: what it left would stand in the next one's way."""
    house.do(
        "owner",
        "UPDATE audit_work SET state = 'cancelled', lease_until = NULL"
        " WHERE state IN ('waiting', 'ready', 'leased')",
    )
    house.do("owner", "UPDATE audit_work SET state = 'failed' WHERE state = 'in_doubt'")
    house.do(
        "owner",
        "UPDATE personas_action SET outcome = 'void' WHERE outcome = ''"
        " AND verdict IN ('authorised', 'proposed')",
    )
    house.do(
        "owner",
        "UPDATE personas_run SET state = 'cancelled', ended_at = clock_timestamp()"
        " WHERE ended_at IS NULL",
    )
    house.an_hour_passes()
