"""Why something was done: the chain from the alert to what came of it, as text or for programs."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from ethops.world import why
from ethops.world.why import Chain, Link

Write = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what is asked about."""
    parser.add_argument("about", metavar="EFFECT|RUN|TICKET", help="an id, or a ticket's ref")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(write: Write, options: dict[str, Any]) -> None:
    """Print the chain of one effect, or of everything that a run or a ticket led to.

    Raises:
        CommandError: nothing has this name.
    """
    about = options["about"]
    chains = _found(about)
    if not chains:
        raise CommandError(f"Nothing was asked for by {about}: there is no such action or ticket.")
    if options["json"]:
        write(json.dumps([_as_json(chain) for chain in chains]))
        return
    for number, chain in enumerate(chains):
        if number:
            write("")
        for link in chain.links:
            write(_line(link))


def _found(about: str) -> list[Chain]:
    try:
        known = UUID(about)
    except ValueError:
        return why.of_ticket(about.replace("\0", ""))
    one = why.of_action(known)
    return [one] if one is not None else why.of_run(known)


def _line(link: Link) -> str:
    at = link.at.strftime("%Y-%m-%d %H:%M:%S") if link.at else ""
    entry = f"#{link.seq}" if link.seq is not None else "-"
    broken = "  its bytes do not give its hash" if link.holds is False else ""
    facts = ", ".join(f"{name} {_text(value)}" for name, value in link.facts.items())
    told = f"  ({facts})" if facts else ""
    return (
        f"{at:19}  {entry:>8}  {link.stage:9}  {_plain(link.what)}{_plain(told)}{broken}".rstrip()
    )


def _text(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(text: str) -> str:
    """Return text from outside as one line without control characters: it goes to a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _as_json(chain: Chain) -> dict[str, Any]:
    return {
        "action": str(chain.action.id),
        "ticket": chain.action.ticket_ref,
        "links": [
            {
                "stage": link.stage,
                "what": link.what,
                "at": link.at.isoformat() if link.at else None,
                "id": link.id,
                "seq": link.seq,
                "holds": link.holds,
                **link.facts,
            }
            for link in chain.links
        ],
    }
