"""Start the whole stack, say where everything is, and keep it running."""

import signal
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.text import Text

from ethops import env
from ethops.stack import detached
from ethops.stack.checks import refuse_faults
from ethops.stack.ends import say_ready
from ethops.stack.errors import StackError
from ethops.stack.follow import Follower
from ethops.stack.layout import Layout, from_environment
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Screen, form_for, shown
from ethops.stack.supervisor import Supervisor


class Command(BaseCommand):
    """`manage.py up`."""

    help = "Start servers and processes and keep them running; -v 2 shows every log, too."
    # They run as the first stage of the start, where a fault is shown as one.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command."""
        parser.add_argument("--detach", action="store_true", help="return when all is ready")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *, detach: bool, verbosity: int, **options: Any) -> None:
        """Run the command; exit 1 if anything was refused."""
        screen = Screen(form_for(as_json=options["json"]))
        layout = from_environment(env.load())
        stop = "manage.py down" if detach else "Ctrl-C"
        screen.title("ethops up", [f"state in {shown(layout.state)}", f"stop with {stop}"])
        try:
            if detach:
                _in_background(screen, layout)
            else:
                _in_front(screen, layout, show_logs=verbosity > 1)
        except StackError as fault:
            screen.refusal(fault)
            sys.exit(1)


def _in_background(screen: Screen, layout: Layout) -> None:
    began = time.monotonic()
    said = detached.start(layout.state, screen)
    screen.event("ready", admin_made=said["admin_made"])
    say_ready(screen, layout, seconds=time.monotonic() - began, admin_made=said["admin_made"])


def _in_front(screen: Screen, layout: Layout, *, show_logs: bool) -> None:
    began = time.monotonic()
    supervisor = Supervisor(layout, check=refuse_faults)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.request_stop())
    supervisor.start(screen.line)
    screen.event("ready", admin_made=supervisor.admin_made)
    took = time.monotonic() - began
    say_ready(screen, layout, seconds=took, admin_made=supervisor.admin_made)
    follower = None
    if show_logs:
        follower = Follower(
            layout.where.logs,
            lambda name, line: screen.console.print(Text(f"{name:<10}| {line}", "dim")),
        )
    began = time.monotonic()
    supervisor.follow(screen.line)
    if follower is not None:
        follower.stop()
    screen.line(Line(Mark.OK, "stopped", f"after {time.monotonic() - began:.0f} s; no one left"))
