"""Say what runs in this state folder."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from ethops import env
from ethops.stack.child import State
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Screen, form_for, shown
from ethops.stack.status import ProcessStatus, read_status

MARKS = {
    State.UP: Mark.OK,
    State.STARTING: Mark.BUSY,
    State.RESTARTING: Mark.BUSY,
    State.STOPPED: Mark.WAITS,
    State.GIVEN_UP: Mark.NO,
}


class Command(BaseCommand):
    """`manage.py status`."""

    help = "Every process with pid and age; exit 0 all up, 1 some are not, 3 nothing runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command."""
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, **options: Any) -> None:
        """Run the command."""
        said = env.load()
        found = read_status(said.state)
        if options["json"]:
            whole = {"running": found is not None, **(asdict(found) if found else {})}
            self.stdout.write(json.dumps(whole))
        else:
            screen = Screen(form_for(as_json=False))
            screen.title("ethops status", [f"state in {shown(said.state)}"])
            if found is None:
                screen.line(Line(Mark.WAITS, "nothing runs", "start it with `make up`"))
            for process in found.processes if found else ():
                screen.line(Line(MARKS[State(process.state)], process.name, _fact(process)))
        if found is None:
            sys.exit(3)
        if any(process.state != State.UP for process in found.processes):
            sys.exit(1)


def _fact(process: ProcessStatus) -> str:
    if process.pid is None:
        return f"{process.state}, {process.restarts} restarts"
    minutes, seconds = divmod(int(process.up_seconds), 60)
    hours, minutes = divmod(minutes, 60)
    age = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
    again = f", {process.restarts} restarts" if process.restarts else ""
    return f"{process.state} for {age}, pid {process.pid}{again}"
