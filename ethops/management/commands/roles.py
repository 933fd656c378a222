"""Give a person his roles, or say what roles there are."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from ethops.logins import people
from ethops.logins.errors import LoginsError
from ethops.logins.roles import ROLES
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py roles PERSON operator approver --by ada`; without a person: the table."""

    help = "Give a person exactly these roles, or say what roles there are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom, what, and who says so."""
        parser.add_argument("person", nargs="?", default="", help="the login")
        parser.add_argument("roles", nargs="*", help="the roles; none takes all away")
        parser.add_argument("--by", default="", help="who gives them")

    def handle(self, *, person: str, roles: list[str], by: str, **_: Any) -> None:
        """Do it, in one transaction with its record."""
        if not person:
            self.stdout.write("\n".join(f"{name}: {_told(name)}" for name in ROLES))
            return
        if not by:
            raise CommandError("Say who gives them, with --by.")
        user = User.objects.filter(username=person).first()
        if user is None:
            raise CommandError(f"There is no login called {person}.")
        try:
            given = people.give(user, roles, by=by)
        except LoginsError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        self.stdout.write(f"{person}: {', '.join(given) or 'no role'}")


def _told(name: str) -> str:
    role = ROLES[name]
    place = "at the desk" if role.desk else "at the portal"
    does = "" if role.acts else ", looks and changes nothing"
    rights = f"; {len(role.rights)} rights" if role.rights else ""
    return f"{place}{does}{rights}; logged out after {role.idle_seconds // 60} min away"
