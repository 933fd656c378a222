"""The world behind the gate, with a card that has commands and with rules of a test's own."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from personas import loading
from tests.integration.personas.conftest import World

SCOPES = {
    "look": ("none", [["tool", "get", "*"], ["tool", "show", "?"]], ["-n", "--size=*"]),
    "change": ("low", [["tool", "set", "?", "{key}"]], []),
}
ATTRIBUTES = {"key": "blue", "environment": "production"}


@dataclass
class Commands:
    """Shortcuts of a card with two scopes, on the CI box-01."""

    world: World

    def ask(self, *argv: str, scope: str = "look", target: str = "box-01", **inputs: Any) -> Any:
        """Let a new run ask for a command; returns the verdict."""
        return self.ask_text(json.dumps(argv), scope=scope, target=target, **inputs)

    def ask_text(
        self, argv: str, scope: str = "look", target: str = "box-01", **inputs: Any
    ) -> Any:
        self.run(**inputs)
        return self.world.propose(self.world.step(), "command.run", scope, target, argv=argv)

    def run(self, **inputs: Any) -> None:
        self.world.value(
            "app",
            "SELECT gate.dispatch('responder', 'INC-' || gen_random_uuid(), 2, '[\"box-01\"]',"
            " 'joined', %s, gen_random_uuid()::text)",
            json.dumps(inputs),
        )

    def end(self) -> None:
        """Let everything that was permitted be over."""
        self.world.as_role("owner").execute("UPDATE personas_action SET outcome = 'done'")

    def rule(self, effect: str, **parts: Any) -> None:
        """Load one rule, as the owner."""
        self.world.as_role("owner").execute(
            'INSERT INTO guardrails_rule (id, effect, applies, "when", "unless", say, source,'
            " digest) VALUES ('r-' || gen_random_uuid(), %s, %s, %s, %s, 'so it is', 'x:1', 'd')",
            [effect, *(json.dumps(parts.get(name, {})) for name in ("applies", "when", "unless"))],
        )


@pytest.fixture
def commands(world: World) -> Commands:
    """The card `responder` with two scopes of commands, promoted for both on boxes."""
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, source)"
        " VALUES ('box-01', 'Box', 'box', %s, 2, 2, 'test')",
        [json.dumps(ATTRIBUTES)],
    )
    for name, (risk, patterns, options) in SCOPES.items():
        owner.execute(
            "INSERT INTO personas_grant (card_id, verb, entry, ci_class)"
            " VALUES ('responder', 'command.run', %s, 'box')",
            [name],
        )
        owner.execute(
            "INSERT INTO guardrails_commandscope (card_id, name, risk, commands, options,"
            " timeout_s, max_per_ticket, max_per_hour)"
            " VALUES ('responder', %s, %s, %s, %s, 5, 2, 50)",
            [name, risk, json.dumps(patterns), json.dumps(options)],
        )
        world.promote("box", name)
    return Commands(world)


@pytest.fixture
def owner(clean_db: None, servers: Any) -> Any:
    """Django's own connection is the owner's, as in `site load`."""
    connections.close_all()
    found = connections["default"].settings_dict
    before = (found["USER"], found["PASSWORD"])
    found.update(
        USER="ethops_owner", PASSWORD=servers.layout.secrets.role_passwords["ethops_owner"]
    )
    yield loading
    connections.close_all()
    found.update(USER=before[0], PASSWORD=before[1])
