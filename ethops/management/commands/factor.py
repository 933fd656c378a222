"""Second factors of people: enrolled by who sits at the host, never by the web."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from ethops.management.quiet import QuietCommand
from personas.approvals import doors, enrolment
from personas.approvals.errors import EnrolmentError
from personas.approvals.models import Factor


class Command(QuietCommand):
    """`manage.py factor enrol | confirm | list | revoke`, run as owner of the tables."""

    help = "Second factors, without which nobody approves a change that is not standard."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        for name, says in (
            ("enrol", "make a secret, show it as a QR code, and confirm it"),
            ("confirm", "confirm a secret by the code that the authenticator shows"),
            ("revoke", "take a second factor away"),
        ):
            part = parts.add_parser(name, help=says)
            part.add_argument("person", help="the name he logs in with")
            if name == "confirm":
                part.add_argument("code")
            else:
                part.add_argument("--by", default=getpass.getuser())
        parts.add_parser("list", help="who has one")

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        getattr(self, f"_{part}")(options)

    def _enrol(self, options: dict[str, Any]) -> None:
        person = options["person"]
        if not User.objects.filter(username=person, is_active=True, is_staff=True).exists():
            raise CommandError(f"Nobody logs in as {person} at the desk.")
        secret = doors.enrol(person=person, by=options["by"])
        self.stdout.write(enrolment.drawn(person, secret))
        self.stdout.write(f"Or type it into your authenticator: {enrolment.typed(secret)}")
        self.stdout.write("It is shown this once. Nothing counts before it is confirmed.")
        if sys.stdin.isatty():
            self._confirm({"person": person, "code": input("The code it shows now: ")})
        else:
            self.stdout.write(f"Next: manage.py factor confirm {person} CODE")

    def _confirm(self, options: dict[str, Any]) -> None:
        said = doors.confirm(person=options["person"], code=str(options["code"]).replace(" ", ""))
        if said != "ok":
            fault = EnrolmentError(f"The code was not taken: {said}.")
            raise CommandError(f"{fault} {fault.hint}")
        self.stdout.write(f"{options['person']} has a second factor.")

    def _revoke(self, options: dict[str, Any]) -> None:
        if not doors.revoke(person=options["person"], by=options["by"]):
            raise CommandError(f"{options['person']} has none.")
        self.stdout.write(f"{options['person']} has no second factor any more.")

    def _list(self, options: dict[str, Any]) -> None:
        del options
        for one in Factor.objects.order_by("person").defer("secret"):
            confirmed = "confirmed" if one.confirmed_at else "not confirmed"
            self.stdout.write(f"{one.person}: {confirmed}, enrolled by {one.enrolled_by}")
