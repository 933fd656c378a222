"""A desk with people at it, each made for one case: who comes, with what, and what he does."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.doubles import authenticator
from tests.hostile.campaign import Campaign
from tests.hostile.duties import CLASSES, Person, must
from tests.hostile.house import House, Run
from tests.hostile.oracle import Asked, Life

CARD = "incident_responder"
CI = "service-01"
ENTRY = "restart_service"
PLAY = Asked("playbook.run", ENTRY, CI, "{}")
NAMES = {
    "nobody": "",
    "the card that asked": CARD,
    "the card that asked, with a login": CARD,
    "the executor": "executor:x",
}


@dataclass
class Desk:
    """The house, and whoever decides there."""

    house: House
    secrets: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Wherever its cards may act, people are asked first.
        self.house.do("owner", "UPDATE personas_autonomy SET level = 'propose'")
        self.login(CARD)
        self.helper = Person("helper")

    def leave(self) -> None:
        """Let the cards act again, and the entries be as risky as their files say."""
        self.house.do("owner", "UPDATE personas_autonomy SET level = 'act'")
        self.house.risks_as_declared()

    # ------------------------------------------------------------ people

    def login(self, name: str, *, superuser: bool = False, staff: bool = True,
              active: bool = True) -> None:  # fmt: skip
        """Give somebody a login of the desk."""
        self.house.do(
            "owner",
            "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name,"
            " email, is_staff, is_active, date_joined)"
            " VALUES (%s, '!', %s, '', '', '', %s, %s, now()) ON CONFLICT DO NOTHING",
            name, superuser, staff, active,
        )  # fmt: skip

    def permit(self, name: str) -> None:
        """Let him approve."""
        self.house.do(
            "owner",
            "INSERT INTO auth_user_user_permissions (user_id, permission_id)"
            " SELECT u.id, p.id FROM auth_user u, auth_permission p JOIN django_content_type t"
            " ON t.id = p.content_type_id WHERE u.username = %s AND p.codename = 'approve'"
            " AND t.app_label = 'approvals'",
            name,
        )

    def enrol(self, name: str) -> None:
        """Give him a confirmed second factor, whose newest code is not used up."""
        self.secrets[name] = bytes(
            self.house.value("owner", "SELECT gate.enrol_factor(%s, 'root')", name)
        )
        said = self.house.value(
            "owner", "SELECT gate.confirm_factor(%s, %s)", name, self.code(name)
        )
        assert said == "ok"
        self.house.do("owner", "UPDATE approvals_factor SET last_step = 0 WHERE person = %s", name)

    def now(self) -> int:
        """The step of the database's clock."""
        return int(
            self.house.value(
                "owner", "SELECT floor(extract(epoch FROM clock_timestamp()) / 30)::bigint"
            )
        )

    def comes(self, person: Person) -> str:
        """Make somebody of this kind; returns the name that he gives."""
        name = NAMES.get(person.kind, f"p{uuid4().hex[:10]}")
        if not person.human:
            return name
        superuser = "superuser" in person.kind
        self.login(
            name, superuser=superuser, staff="outside" not in person.kind,
            active="closed" not in person.kind,
        )  # fmt: skip
        if person.permitted and not superuser:
            self.permit(name)
        if person.factor:
            self.enrol(name)
        return name

    def code(self, name: str) -> str:
        """The code that his authenticator shows now."""
        secret = self.secrets.get(name)
        return authenticator.code(secret, self.now()) if secret else "123456"

    def near(self, name: str) -> set[str]:
        """The codes that his authenticator shows about now: any other is wrong for certain."""
        secret, now = self.secrets.get(name), self.now()
        steps = range(now - 3, now + 4) if secret else ()
        return {authenticator.code(secret or b"", step) for step in steps}

    # ------------------------------------------------------------ a proposal

    def proposal(self, change: str, name: str = "", kind: str = "") -> tuple[Run, Any]:
        """Let an agent propose a change of this class; returns its run and the approval's row.

        `name` stands behind it as `kind` says.
        """
        house = self.house
        house.an_hour_passes()
        house.do("owner", "UPDATE personas_catalogueentry SET risk = %s", CLASSES[change])
        ticket = house.ticket()
        house.do(
            "owner",
            "INSERT INTO tickets_ticket (ref, ticket_class, title, state, priority, impact,"
            " urgency) VALUES (%s, 'incident', 't', 'assigned', %s, 2, 2)",
            ticket, "P1" if change == "emergency" else "P3",
        )  # fmt: skip
        opener = name if kind == "who opened the ticket" else "opener"
        giver = name if kind == "who gave it to the agents" else "giver"
        for n, author in enumerate((opener, giver), 1):
            house.do(
                "owner",
                "INSERT INTO tickets_logline (ticket_id, n, author, author_kind, visibility, text)"
                " VALUES (%s, %s, %s, 'person', 'public', 'x')",
                ticket, n, author,
            )  # fmt: skip
        self._wrote(name, kind)
        inputs = {"asked_by": name} if kind == "who ordered the run" else {}
        house.do(
            "app", "SELECT gate.dispatch(%s, %s, 2, %s, 'joined', %s, %s)",
            CARD, ticket, json.dumps([CI]), json.dumps(inputs), uuid4().hex,
        )  # fmt: skip
        step = house.step()
        run = Run(Life(CARD, ticket, (CI,)), step, step["token"])
        answer = house.ask(run, PLAY)
        assert answer["verdict"] == "proposed", answer
        found = house.one(
            "app", "SELECT * FROM approvals_approval WHERE action_id = %s", answer["action_id"]
        )
        assert found["change_class"] == change, found
        return run, found

    def _wrote(self, name: str, kind: str) -> None:
        tree = "SELECT tree_hash FROM personas_catalogueentry WHERE name = %s"
        digests = {
            "who wrote the playbook": ("tree", tree, ENTRY),
            "who wrote the card": (
                "card",
                "SELECT digest FROM personas_card WHERE name = %s",
                CARD,
            ),
        }
        if kind in digests:
            what, statement, of = digests[kind]
            self.house.do(
                "owner", "INSERT INTO approvals_author (kind, digest, person) VALUES (%s, %s, %s)",
                what, self.house.value("owner", statement, of), name,
            )  # fmt: skip

    # ------------------------------------------------------------ deciding

    def approve(self, row: Any, name: str, code: str, **other: str) -> str:
        """Approve what waits; returns the gate's code."""
        facts = row["facts"] if isinstance(row["facts"], dict) else json.loads(row["facts"])
        said = self.house.one(
            "app", "SELECT * FROM gate.approve(%s, %s, %s, %s, %s, 'looks right')",
            row["action_id"], name, other.get("shown") or self.shown(row),
            str(facts.get("diff_sha256", "")), code,
        )  # fmt: skip
        return str(said["code"])

    def shown(self, row: Any) -> str:
        """What somebody who looks at it now is shown, by its hash."""
        statement = "SELECT sha256 FROM gate.shown_now(%s)"
        return str(self.house.value("app", statement, row["action_id"]) or "")

    def reject(self, row: Any, name: str) -> str:
        """Reject it."""
        said = self.house.one(
            "app", "SELECT * FROM gate.reject(%s, %s, 'not now')", row["action_id"], name
        )
        return str(said["code"])

    def settled_by_another(self, row: Any, move: str) -> None:
        """Let somebody who may decide first."""
        name = self.comes(self.helper)
        said = (
            self.reject(row, name) if "rejected" in move
            else self.approve(row, name, self.code(name))
        )  # fmt: skip
        assert said == "ok", said

    def given(self, code: str, name: str) -> str:
        """Return what is typed in as a code."""
        if code == "another's":
            while (typed := self.code(self.comes(self.helper))) in self.near(name):
                pass
            return typed
        if code == "wrong":
            near = self.near(name)
            return next(typed for n in range(8) if (typed := f"{n:06d}") not in near)
        if code == "used" and name in self.secrets:
            self.house.do(
                "owner", "UPDATE approvals_factor SET last_step = %s WHERE person = %s",
                self.now() + 1, name,
            )  # fmt: skip
            return self.code(name)
        return "" if code == "none" else self.code(name)

    def case(self, person: Person, change: str, move: str) -> list[str]:
        """Play a case; returns what is wrong with what came of it."""
        name = self.comes(person)
        run, row = self.proposal(change, name, person.kind)
        if person.kind == "the run":
            name = f"run:{run.step['run_id']}"
        try:
            said = self._move(name, run, row, move)
            return [*self._wrong(person, change, move, said), *self._hands(move, said)]
        finally:
            Campaign(self.house).end(run)

    def _move(self, name: str, run: Run, row: Any, move: str) -> str:
        if move.startswith("approve, code"):
            typed = self.given(move.removeprefix("approve, code "), name)
            return self.approve(row, name, typed)
        if move == "reject":
            return self.reject(row, name)
        if move in {"approve what was approved", "approve what was rejected",
                    "reject what was approved"}:  # fmt: skip
            self.settled_by_another(row, move)
            if move.startswith("reject"):
                return self.reject(row, name)
        if move == "approve what was not shown":
            return self.approve(row, name, self.code(name), shown="0" * 64)
        return self._otherwise(name, run, row, move)

    def _otherwise(self, name: str, run: Run, row: Any, move: str) -> str:
        do, back = OTHERWISE.get(move, ("", ""))
        if "over" in move:
            do = f"SELECT gate.take_over('{run.life.ticket}', 'ada', 'x')"
        tree = self.house.value(
            "owner", "SELECT tree_hash FROM personas_catalogueentry WHERE name = %s", ENTRY
        )
        for statement in filter(None, do.split(";")):
            self.house.do("owner", statement)
        try:
            return self.approve(row, name, self.code(name))
        finally:
            if back:
                self.house.do("owner", back.replace("{tree}", f"'{tree}'"))

    def must(self, person: Person, change: str, move: str) -> bool:
        """What the oracle says of this door."""
        return must(person, change, move)

    def _wrong(self, person: Person, change: str, move: str, said: str) -> list[str]:
        if (said == "ok") is self.must(person, change, move):
            return []
        return [f"{person.kind}, {change}, {move}: {said}"]

    def _hands(self, move: str, said: str) -> list[str]:
        """Hold what the executor is given against what was approved."""
        self.house.record()
        found = self.house.one("executor", "SELECT * FROM gate.claim_effect('executor.plays',"
                               " 'executor:x', 30)")  # fmt: skip
        if found is not None:
            self.house.do(
                "executor", "SELECT gate.settle(%s, %s, 'done', '{}')",
                found["action_id"], found["fence"],
            )  # fmt: skip
        approved = move in {"approve what was approved", "reject what was approved"} or (
            move.startswith("approve") and said == "ok"
        )
        if (found is not None) is approved:
            return []
        return [f"{move}: {said}, and the executor was given {found and found['target']}"]


EXPIRED = (
    "ALTER TABLE approvals_approval DISABLE TRIGGER guard_approval;"
    "UPDATE approvals_approval SET expires_at = now() - interval '1 s' WHERE state = 'waiting';"
    "ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER guard_approval"
)
_HASHES = (
    "UPDATE personas_catalogueentry SET tree_hash = {hash}, approved_hash = {hash}"
    " WHERE name = 'restart_service'"
)
OTHERWISE = {
    "approve what has expired": (EXPIRED, ""),
    "approve while stopped": (
        "SELECT gate.press_stop('ada', 'x')", "SELECT gate.lift_stop('ada', 'x')",
    ),
    "approve another playbook than was proposed": (
        _HASHES.replace("{hash}", "repeat('c', 64)"), _HASHES.replace("{hash}", "{tree}"),
    ),
}  # fmt: skip
"""Move -> what happens before it, and what takes that back."""
