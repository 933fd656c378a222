"""Lets lines of a host's journal in: `journalctl -f -o json | manage.py telemetry push HOST`."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adapters import registry
from adapters.telemetry.errors import TelemetryError
from ethops.desk.feed import Feed


class Command(BaseCommand):
    """`manage.py telemetry position|push HOST`, for the observer of a host that is declared."""

    help = "Take lines of `journalctl -o json` from standard input, as those of one host."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two subcommands: where to go on, and going on."""
        parts = parser.add_subparsers(dest="part", required=True)
        for name, what in (
            ("position", "print the journal cursor to go on after; nothing where it begins"),
            ("push", "take lines until standard input ends"),
        ):
            part = parts.add_parser(name, help=what)
            part.add_argument("host", help="the host as the site file names it")
            part.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, part: str, host: str, **options: Any) -> None:
        """Print the position, or push until the end of input."""
        try:
            if part == "position":
                said: dict[str, Any] = {"position": registry.receiver().position(host)}
            else:
                said = push(host, sys.stdin.fileno())
        except TelemetryError as fault:
            raise CommandError(f"{fault} {fault.hint}") from fault
        if options.get("json"):
            self.stdout.write(json.dumps(said))
        elif part == "position":
            self.stdout.write(said["position"])


def push(host: str, handle: int) -> dict[str, Any]:
    """Push what comes over a pipe until it ends; returns how much that was and where it ended."""
    receiver = registry.receiver()
    position = receiver.position(host)
    lines = uses = 0
    for batch in Feed(handle, position).batches():
        pushed = receiver.push(
            host, batch.lines, after=position, position=batch.position, complete=batch.complete
        )
        position = pushed.position
        lines += len(batch.lines)
        uses += pushed.uses
    return {"lines": lines, "uses": uses, "position": position}
