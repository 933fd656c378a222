"""Lets lines of a host's journal in: `journalctl -f -o json | manage.py telemetry push HOST`."""

import json
import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from adapters import registry
from adapters.errors import AdapterError
from ethops import pulse
from ethops.desk.feed import Feed
from ethops.management.quiet import QuietCommand

Said = dict[str, Any]


class Command(QuietCommand):
    """`manage.py telemetry position|push|publish HOST`, and `hear` for what was published."""

    help = "Take lines of `journalctl -o json` from standard input, as those of one host."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to go on, going on by a call or over a bus, and hearing that bus."""
        parts = parser.add_subparsers(dest="part", required=True)
        for name, what in (
            ("position", "print the journal cursor to go on after; nothing where it begins"),
            ("push", "take lines until standard input ends"),
            ("publish", "send lines over the bus until standard input ends; needs no database"),
        ):
            part = parts.add_parser(name, help=what)
            part.add_argument("host", help="the host as the site file names it")
            part.add_argument("--json", action="store_true", help="print the result as JSON")
            if name == "publish":
                part.add_argument(
                    "--position-file",
                    type=Path,
                    required=True,
                    help="where the cursor of what was sent is kept, to go on after it",
                )
        parts.add_parser("hear", help="hear the bus until told to stop, as a process of the house")

    def handle(self, *, part: str, host: str = "", **options: Any) -> None:
        """Print the position, or take lines until the end of input, or hear."""
        try:
            said = self._did(part, host, options)
        except AdapterError as fault:
            raise CommandError(f"{fault} {fault.hint}") from fault
        if options.get("json"):
            self.stdout.write(json.dumps(said))
        elif part == "position":
            self.stdout.write(said["position"])

    def _did(self, part: str, host: str, options: Said) -> Said:
        if part == "hear":
            return hear()
        if part == "publish":
            return publish(host, sys.stdin.fileno(), options["position_file"])
        if part == "push":
            return push(host, sys.stdin.fileno())
        return {"position": registry.receiver().position(host)}


def push(host: str, handle: int) -> Said:
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


def publish(host: str, handle: int, kept: Path) -> Said:
    """Publish what comes over a pipe until it ends; where a broker took it, its cursor is kept.

    Raises:
        BusError: the bus is away. Started again, it goes on after the kept cursor.
    """
    position = kept.read_text(encoding="utf-8").strip() if kept.exists() else ""
    lines = 0
    with registry.publisher() as publisher:
        for batch in Feed(handle, position).batches():
            publisher.publish(
                host, batch.lines, after=position, position=batch.position, complete=batch.complete
            )
            position = batch.position
            lines += len(batch.lines)
            half = kept.with_name(f"{kept.name}.new")
            half.write_text(position, encoding="utf-8")
            half.replace(kept)
    return {"lines": lines, "position": position}


def hear() -> Said:
    """Hear the bus until a signal says stop."""
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    beating = pulse.begin("telemetry")
    try:
        registry.listener().run(stop)
    finally:
        beating.set()
    return {}
