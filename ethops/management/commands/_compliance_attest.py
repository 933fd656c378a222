"""The part of `manage.py compliance` by which a person says what was done for a safeguard."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from adapters import registry
from adapters.cmdb.errors import CINotFoundError
from adapters.compliance.safeguards import CIS, IG1
from adapters.text import one_line
from personas.approvals import doors
from personas.approvals.doors import Attested
from personas.approvals.errors import ApprovalRefusedError


def add_arguments(part: ArgumentParser) -> None:
    """Say what a word needs."""
    part.add_argument("safeguard", help="its number, such as 14.1")
    part.add_argument("--by", required=True, help="the name that you log in with")
    part.add_argument("--what", required=True, help="what was done, or why it no longer holds")
    part.add_argument("--document", required=True, help="the address where that is written")
    part.add_argument("--until", required=True, type=_day, help="the last day on which it holds")
    part.add_argument("--ci", default="", help="of this CI alone, and not of everything")
    part.add_argument(
        "--withdraw", action="store_true", help="take back what people have said of it"
    )
    part.add_argument("--code", help="of your second factor; asked for where it is left out")


def attest(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep the word; what it is about must be there.

    Raises:
        CommandError: nothing was kept, and why.
    """
    safeguard, ref = options["safeguard"], options["ci"]
    if safeguard not in IG1:
        raise CommandError(f"{CIS} has no safeguard {safeguard[:40]!r}; it begins with 1.1.")
    _check(ref)
    word = Attested(
        safeguard=safeguard,
        ci=ref,
        what=one_line(options["what"], 151),
        document=one_line(options["document"], 131),
        until=options["until"],
        holds=not options["withdraw"],
    )
    try:
        doors.attest(person=options["by"], said=word, code=options["code"] or _asked())
    except ApprovalRefusedError as fault:
        raise CommandError(f"{fault}\n{fault.hint}") from fault
    return {"attested": safeguard, "ci": ref, "holds": word.holds, "until": str(word.until)}


def _check(ref: str) -> None:
    try:
        if ref:
            registry.reader("cmdb").get(ref)
    except CINotFoundError as fault:
        raise CommandError(f"{fault}\n{fault.hint}") from fault


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text[:40]!r} is no day; write one as 2027-06-30") from error


def _asked() -> str:
    if not sys.stdin.isatty():
        raise CommandError("A person's word goes with his second factor: give its code by --code.")
    return input("The code of your second factor: ").replace(" ", "")
