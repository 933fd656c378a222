"""A small world behind the gate: one card, two entries, four CIs, and the doors of each role."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from audit.recorder import Recorder
from personas.incarnation import Incarnation
from tests.doubles import approver
from tests.doubles.agent import finish, propose
from tests.doubles.calibrated import calibrate

HASH = "a" * 64
CIS = {
    "web-01": ("service", False, {"pidfile": "/run/web.pid"}),
    "old-01": ("cache", False, {"pidfile": "/run/old.pid"}),
    "db-01": ("database", False, {"pidfile": "/run/db.pid"}),
    "dns-01": ("service", True, {"pidfile": "/run/dns.pid"}),
    "odd-01": ("service", False, {"pidfile": "/run/x.pid; reboot"}),
}
PARAMETERS = {"pidfile": {"from": "pidfile", "pattern": "/[a-z./]+", "required": True}}


@dataclass
class World:
    """The doors by role, and shortcuts through them."""

    connect: Callable[[str], psycopg.Connection[Any]]
    links: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    def as_role(self, name: str) -> psycopg.Connection[Any]:
        if name not in self.links:
            self.links[name] = self.connect(name)
            self.links[name].row_factory = dict_row
        return self.links[name]

    def one(self, role: str, statement: str, *values: object) -> Any:
        return self.as_role(role).execute(statement, values).fetchone()

    def value(self, role: str, statement: str, *values: object) -> Any:
        row = self.one(role, statement, *values)
        return None if row is None else next(iter(row.values()))

    def run(self, *scope: str, joined: str = "joined", ticket: str = "") -> Any:
        """Bear a run; returns its id."""
        return self.value(
            "app",
            "SELECT gate.dispatch('responder', %s, 2, %s, %s, '{}', %s)",
            ticket or f"INC-{uuid4().hex[:8]}",
            json.dumps(list(scope)),
            joined,
            uuid4().hex,
        )

    def step(self) -> Any:
        """Claim the next step as an agent."""
        signer = Incarnation.mint()
        row = self.one(
            "agent",
            "SELECT * FROM gate.claim_step('test', 300, %s, %s)",
            signer.id,
            signer.public_key,
        )
        return row and {**row, "signer": signer}

    def propose(
        self, step: Any, verb: str, entry: str = "", target: str = "", key: str = "k", **args: str
    ) -> Any:
        return propose(self.as_role("agent"), step, key, verb, entry, target, args)

    def finish(self, step: Any, next_: str = "continue") -> str:
        return finish(self.as_role("agent"), step, next_)

    def record(self) -> None:
        """Let the recorder write down all that waits."""
        link, going = self.connect("audit_writer"), 1
        while going:
            origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
            going = Recorder("").record(link, origin)

    def claim(self, queue: str = "executor.plays", lease: float = 30) -> Any:
        """Claim an effect as the executor."""
        return self.one("executor", "SELECT * FROM gate.claim_effect(%s, 'test', %s)", queue, lease)

    def settle(self, claim: Any, outcome: str = "done") -> str:
        return str(
            self.value(
                "executor",
                "SELECT gate.settle(%s, %s, %s, '{}')",
                claim["action_id"],
                claim["fence"],
                outcome,
            )
        )

    def promote(self, ci_class: str, entry: str = "restart") -> None:
        self.value(
            "app",
            "SELECT gate.set_autonomy('responder', %s, %s, 'act', 'ada', 'test', true)",
            entry,
            ci_class,
        )

    def authorised(self, ci: str = "web-01", ticket: str = "") -> Any:
        """A play that was proposed and authorised, not yet recorded; by a person where need be."""
        self.run(ci, ticket=ticket)
        found = self.propose(self.step(), "playbook.run", "restart", ci)
        if found["verdict"] == "proposed":
            said = approver.approve(self.as_role("owner"), self.as_role("app"), found["action_id"])
            assert said[0] == "ok", said
        return found

    def work(self, work_id: object) -> Any:
        return self.one("app", "SELECT * FROM audit_work WHERE id = %s", work_id)


@pytest.fixture
def world(role: Callable[[str], psycopg.Connection[Any]]) -> World:
    """The small world, with `act` on services."""
    made = World(role)
    owner = role("owner")
    limits = json.dumps({"max_steps": 5, "max_actions": 6, "max_duration_s": 300})
    owner.execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " VALUES ('responder', 'R', 'p', 't', 'd', %s, '{}')",
        [limits],
    )
    owner.execute(
        "INSERT INTO guardrails_cardapproval (card, digest, prompt_digest, by, why)"
        " VALUES ('responder', 'd', '', 'ada', 'test')"
    )
    grants = [("ticket.comment", "", ""), ("ticket.resolve", "", "")]
    grants += [("playbook.run", "restart", name) for name in ("service", "cache")]
    for verb, entry, ci_class in grants:
        owner.execute(
            "INSERT INTO personas_grant (card_id, verb, entry, ci_class)"
            " VALUES ('responder', %s, %s, %s)",
            [verb, entry, ci_class],
        )
    for entry, approved in (("restart", HASH), ("changed", "b" * 64)):
        owner.execute(
            "INSERT INTO personas_catalogueentry (name, title, risk, tree_hash, approved_hash,"
            " parameters, timeout_s, max_per_ticket, max_per_hour, document)"
            " VALUES (%s, 't', 'low', %s, %s, %s, 60, 1, 50, '{}')",
            [entry, HASH, approved, json.dumps(PARAMETERS)],
        )
    owner.execute(
        "INSERT INTO personas_grant (card_id, verb, entry, ci_class)"
        " VALUES ('responder', 'playbook.run', 'changed', 'service')"
    )
    for ref, (ci_class, lifeline, attributes) in CIS.items():
        owner.execute(
            "INSERT INTO cmdb_ci"
            " (ref, name, ci_class, attributes, impact, urgency, lifeline, source)"
            " VALUES (%s, %s, %s, %s, 2, 2, %s, 'test')",
            [ref, ref, ci_class, json.dumps(attributes), lifeline],
        )
    calibrate(owner, "responder")
    made.promote("service")
    made.promote("service", "changed")
    return made
