"""The small world behind the gate, with people at its desk who may decide."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.doubles import authenticator
from tests.integration.personas.conftest import World, world

__all__ = ["world"]

PEOPLE = ("ada", "grace", "lin")
"""Two who may approve, and one who may only look."""


@dataclass
class House:
    """The world, its people, and their second factors."""

    world: World
    secrets: dict[str, bytes] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def level(self, level: str, entry: str = "restart", ci_class: str = "service") -> None:
        self.as_role("owner").execute(
            "INSERT INTO personas_autonomy (card_id, entry, ci_class, level, set_by, why)"
            " VALUES ('responder', %s, %s, %s, 'ada', 'test')"
            " ON CONFLICT (card_id, entry, ci_class) DO UPDATE SET level = excluded.level",
            [entry, ci_class, level],
        )

    def risk(self, risk: str) -> None:
        self.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = %s", [risk])

    def single(self) -> None:
        self.as_role("owner").execute("UPDATE approvals_profile SET single = true, delay_s = 30")

    def enrol(self, person: str) -> None:
        """Give a person a confirmed second factor; its newest code is not used up by that."""
        self.secrets[person] = bytes(
            self.value("owner", "SELECT gate.enrol_factor(%s, 'root')", person)
        )
        said = self.value("owner", "SELECT gate.confirm_factor(%s, %s)", person, self.code(person))
        assert said == "ok"
        self.as_role("owner").execute(
            "UPDATE approvals_factor SET last_step = 0 WHERE person = %s", [person]
        )

    def step_now(self) -> int:
        return int(
            self.value("owner", "SELECT floor(extract(epoch FROM clock_timestamp()) / 30)::bigint")
        )

    def code(self, person: str) -> str:
        return authenticator.code(self.secrets[person], self.step_now())

    def proposal(self, ci: str = "web-01", ticket: str = "") -> Any:
        """What an agent proposes as its first step; returns what the gate has said."""
        self.run(ci, ticket=ticket)
        step = self.step()
        said = self.propose(step, "playbook.run", "restart", ci)
        self.finish(step)
        return said

    def approval(self, action: object) -> Any:
        return self.one("app", "SELECT * FROM approvals_approval WHERE action_id = %s", action)

    def action(self, action: object) -> Any:
        return self.one("app", "SELECT * FROM personas_action WHERE id = %s", action)

    def approve(self, action: object, person: str = "ada", code: str = "", **other: str) -> str:
        """Approve what waits, as it is shown; returns the gate's code."""
        found = self.approval(action)
        said = self.one(
            "app",
            "SELECT * FROM gate.approve(%s, %s, %s, %s, %s, 'looks right')",
            action,
            person,
            other.get("shown") or self.shown(action),
            other.get("diff", str(_facts(found).get("diff_sha256", ""))),
            code,
        )
        return str(said["code"])

    def shown(self, action: object) -> str:
        """What a person who looks at it now is shown, by its hash."""
        return str(self.value("app", "SELECT sha256 FROM gate.shown_now(%s)", action) or "")

    def reject(self, action: object, person: str = "ada", why: str = "not now") -> str:
        said = self.one("app", "SELECT * FROM gate.reject(%s, %s, %s)", action, person, why)
        return str(said["code"])

    def entries(self, kind: str) -> list[Any]:
        self.record()
        rows = self.as_role("owner").execute(
            "SELECT body FROM audit_entry WHERE kind = %s ORDER BY seq", [kind]
        )
        return [json.loads(bytes(row["body"])) for row in rows]


def _facts(row: Any) -> dict[str, Any]:
    facts = row["facts"]
    return facts if isinstance(facts, dict) else json.loads(facts)


@pytest.fixture
def house(world: World) -> House:
    """At level propose, with people."""
    made = House(world)
    owner = world.as_role("owner")
    for name in PEOPLE:
        owner.execute(
            "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email,"
            " is_staff, is_active, date_joined)"
            " VALUES (%s, '!', %s, '', '', '', true, true, now())",
            [name, name != "lin"],
        )
    made.level("propose")
    return made
