"""What is asked for with a run besides words: a command within a scope, and flags for the rules.

Nobody is given a right by it: the gate judges the command like any, and mostly a person approves
it. What it would deny in any case is refused here, so that whoever asks hears it at once.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters import registry
from adapters.json_value import JSON
from personas.agentops.errors import CommandRefusedError, UnknownFlagError, UnknownScopeError
from personas.commands import BadArgvError, read_argv
from personas.guardrails import queries

OURS: Final = frozenset(
    {"first_question", "slot", "escalates_to", "alert", "request", "command", "fulfil",
     "parent_run", "asked_by"}
)  # fmt: skip
"""What an intent holds of ours: nobody says these with a request."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that somebody wants done on one CI, within a scope of the card."""

    scope: str
    argv: tuple[str, ...]
    ci: str

    def document(self) -> Mapping[str, JSON]:
        """Return it as the intent holds it, and the gate compares it."""
        return {"scope": self.scope, "argv": list(self.argv), "ci": self.ci}


def read(scope: str, argv: Sequence[str], ci: str) -> Command:
    """Return a command.

    Raises:
        CommandRefusedError: it is no argument vector that anybody would run.
    """
    try:
        return Command(scope, read_argv(json.dumps(list(argv))), ci)
    except BadArgvError as fault:
        raise CommandRefusedError(f"{str(fault)[:1].upper()}{str(fault)[1:]}.") from fault


def check(card: str, command: Command) -> None:
    """Refuse what the gate would deny in any case.

    Raises:
        UnknownScopeError: the card has no such scope.
        CommandRefusedError: the CI is not there or not of its classes, or no pattern covers it.
    """
    scope = queries.scope(card, command.scope)
    if scope is None:
        raise UnknownScopeError(f"{card} has no scope of commands {command.scope}.")
    found = registry.reader("cmdb").by_refs([command.ci])
    if not found:
        raise CommandRefusedError(f"{command.ci} is not in the CMDB.")
    if not queries.is_granted(scope, found[0].ci_class):
        raise CommandRefusedError(
            f"{card} has no right to {command.scope} on a CI of class {found[0].ci_class}."
        )
    if not queries.covers(scope, command.argv, found[0].attributes):
        raise CommandRefusedError(f"{command.scope} covers no such command on {command.ci}.")


def check_flags(card: str, flags: Collection[str]) -> None:
    """Refuse what no rule would hear, so that nobody believes that it was heard.

    Raises:
        UnknownFlagError: no rule about this card asks for it.
    """
    known = queries.flags(card) - OURS
    for flag in flags:
        if flag not in known:
            named = ", ".join(sorted(known)) or "none"
            raise UnknownFlagError(f"No rule about {card} knows {flag}; known: {named}.")
