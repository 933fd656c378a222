"""Links that let a requester without a login follow one ticket."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from adapters.registry import reader
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.port import Ticket
from ethops import conf
from ethops.guests import links
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py portal link REF | revoke REF`."""

    help = "Links that open one ticket to who asked for it, until they expire or are taken back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        for name, says in (
            ("link", "print a link to a ticket for its requester; it is shown this once"),
            ("revoke", "take back every link to a ticket"),
        ):
            part = parts.add_parser(name, help=says)
            part.add_argument("ref")
            part.add_argument("--by", default=getpass.getuser())
            if name == "link":
                part.add_argument(
                    "--days",
                    type=int,
                    default=links.DAYS,
                    help=f"how long it is good, {links.LONGEST_DAYS} at most",
                )

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        ticket = self._ticket(options["ref"])
        by = str(options["by"])[:150]
        if part == "revoke":
            number = links.revoke(ref=ticket.ref, by=by)
            self.stdout.write(f"{number} link{'' if number == 1 else 's'} taken back.")
            return
        if not ticket.requester:
            raise CommandError(f"Nobody has asked for {ticket.ref}: there is nobody to let in.")
        if not 1 <= options["days"] <= links.LONGEST_DAYS:
            raise CommandError(f"--days: a whole number from 1 to {links.LONGEST_DAYS}.")
        token = links.make(ref=ticket.ref, person=ticket.requester, by=by, days=options["days"])
        self.stdout.write(f"{conf.house().url}/portal/l/{token}/")

    def _ticket(self, ref: str) -> Ticket:
        try:
            return reader("tickets").get(ref)
        except TicketNotFoundError as fault:
            raise CommandError(f"{fault} {fault.hint}") from fault
