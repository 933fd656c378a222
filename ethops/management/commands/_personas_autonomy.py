"""Levels, verdicts and the breaker, as acts of a person who says why."""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from ethops.management.commands._persons import refused, signed
from personas import gate
from personas.autonomy import doors

Write = Callable[[str], object]


def add_autonomy(parser: ArgumentParser) -> None:
    """Declare how a level is set."""
    for name in ("card", "entry", "ci_class", "level"):
        parser.add_argument(name)
    parser.add_argument("--ci", default="", help="for this CI of the class alone")
    signed(parser)
    parser.add_argument(
        "--against-the-figures",
        action="store_true",
        help="promote though the figures do not carry it; that goes on record",
    )


def add_verdict(parser: ArgumentParser) -> None:
    """Declare how a change is judged."""
    parser.add_argument("action", type=UUID)
    parser.add_argument("verdict", choices=["right", "false"])
    signed(parser)


def add_breaker(parser: ArgumentParser) -> None:
    """Declare what can be done with the breaker."""
    parser.add_argument("act", choices=["show", "open", "close"])
    parser.add_argument("--by", default=getpass.getuser())
    parser.add_argument("--why", default="")


def autonomy(write: Write, options: dict[str, Any]) -> None:
    """Set a level."""
    names = ("card", "entry", "ci_class", "level", "by", "why")
    with refused():
        gate.set_autonomy(
            **{name: str(options[name]) for name in names},
            against_the_figures=options["against_the_figures"],
            ci=options["ci"],
        )
    where = f"on {options['ci']}" if options["ci"] else f"x {options['ci_class']}"
    write(f"{options['card']} x {options['entry']} {where}: {options['level']}")


def verdict(write: Write, options: dict[str, Any]) -> None:
    """Judge a change."""
    with refused():
        said = doors.person_judges(
            action_id=options["action"],
            person=options["by"],
            verdict=options["verdict"],
            why=options["why"],
        )
    if said == "no change":
        raise CommandError(f"{options['action']} is no change that a run made or would have made.")
    write(f"{options['action']} was {options['verdict']}: {said}.")


def breaker(write: Write, options: dict[str, Any]) -> None:
    """Show, open or close the breaker."""
    if options["act"] == "show":
        doors.mind_breaker()
        found = doors.breaker()
        why = f": {found.reason}" if found.reason else ""
        write(f"{found.state.replace('_', ' ')}{why}")
        return
    act = doors.open_breaker if options["act"] == "open" else doors.close_breaker
    with refused():
        moved = act(by=options["by"], why=options["why"])
    write("Done." if moved else "It was so already.")
