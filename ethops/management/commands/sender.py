"""Who may deliver alerts: make a sender and its token, or switch one off."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ethops.desk import senders
from ethops.desk.models import Sender


class Command(BaseCommand):
    """`manage.py sender add | off | list`."""

    help = "Senders of alerts and their bearer tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        for part, text in (("add", "make or renew a sender"), ("off", "refuse it from now on")):
            parts.add_parser(part, help=text).add_argument("name")
        parts.add_parser("list", help="every sender, without its token")

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        if part == "add":
            token = senders.create(options["name"])
            self.stdout.write(f"Token of {options['name']}, shown this once:\n{token}")
        elif part == "off":
            if not senders.switch_off(options["name"]):
                raise CommandError(f"There is no sender {options['name']}.")
            self.stdout.write(f"{options['name']} is refused from now on.")
        else:
            for sender in Sender.objects.order_by("name"):
                self.stdout.write(f"{sender.name:<30} {'on' if sender.enabled else 'off'}")
