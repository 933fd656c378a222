"""Stop the stack of this state folder."""

import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from ethops import env
from ethops.stack.errors import StackError
from ethops.stack.places import is_locked
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Screen, form_for, shown
from ethops.stack.status import StackStatus, is_alive, read_status

LONGEST_SECONDS = 90.0


class Command(BaseCommand):
    """`manage.py down`."""

    help = "Stop everything that `up` started, in reverse order."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command."""
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, **options: Any) -> None:
        """Run the command; nothing to stop is well, too."""
        screen = Screen(form_for(as_json=options["json"]))
        said = env.load()
        began = time.monotonic()
        found = read_status(said.state)
        if found is None and not is_locked(said.state):
            screen.line(Line(Mark.OK, "down", f"nothing runs in {shown(said.state)}"))
            return
        while found is None and time.monotonic() - began < 5:  # it has only just begun
            time.sleep(0.1)
            found = read_status(said.state)
        if found is not None:
            os.kill(found.pid, signal.SIGTERM)
        while _runs(said.state, found) and time.monotonic() - began < LONGEST_SECONDS:
            time.sleep(0.1)
        if is_locked(said.state):
            fault = StackError(
                f"the supervisor of {shown(said.state)} does not end",
                hint="See `manage.py status`; end it with kill -9: nothing outlives it.",
                log=said.state / "log" / "up.log",
            )
            screen.line(Line(Mark.NO, "down", str(fault)))
            screen.refusal(fault, verdict="It still runs.")
            sys.exit(1)
        count = len(found.processes) if found else 0
        fact = f"{count} processes ended, no one left"
        screen.line(Line(Mark.OK, "down", fact, time.monotonic() - began))


def _runs(state: Path, found: StackStatus | None) -> bool:
    return is_locked(state) or (found is not None and is_alive(found.pid))
