"""Who may deliver alerts: make a sender and its token, expect it to be heard, switch it off."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ethops.desk import senders
from ethops.desk.errors import SenderRefusedError
from ethops.desk.models import Sender
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py sender add | expect | off | list`."""

    help = "Senders of alerts and their bearer tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        for part, text in (("add", "make or renew a sender"), ("off", "refuse it from now on")):
            parts.add_parser(part, help=text).add_argument("name")
        expect = parts.add_parser("expect", help="tell a person where it falls silent")
        expect.add_argument("name")
        expect.add_argument("--every", type=int, metavar="SECONDS", help="not given: no more")
        expect.add_argument("--alert", default="", help="which must come, such as Watchdog")
        parts.add_parser("list", help="every sender, without its token")

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        if part == "add":
            token = senders.create(options["name"])
            self.stdout.write(f"Token of {options['name']}, shown this once:\n{token}")
        elif part == "expect":
            self._expect(options["name"], options["every"], options["alert"])
        elif part == "off":
            if not senders.switch_off(options["name"]):
                raise CommandError(f"There is no sender {options['name']}.")
            self.stdout.write(f"{options['name']} is refused from now on.")
        else:
            for sender in Sender.objects.order_by("name"):
                self.stdout.write(_line(sender))

    def _expect(self, name: str, every: int | None, alert: str) -> None:
        try:
            senders.expect(name, silent_after_s=every, watchdog=alert)
        except SenderRefusedError as fault:
            raise CommandError(f"{fault} {fault.hint}") from fault
        what = f"{alert or 'something'} every {every} s" if every else "nothing"
        self.stdout.write(f"{what[0].upper()}{what[1:]} is expected of {name}.")


def _line(sender: Sender) -> str:
    expected = f"{sender.watchdog or 'something'} every {sender.silent_after_s} s"
    said = expected if sender.silent_after_s else ""
    return f"{sender.name:<30} {'on' if sender.enabled else 'off':<4} {said}".rstrip()
