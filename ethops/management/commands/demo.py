"""Break a small site on purpose and show how it is noticed, mended and proven."""

import os
import sys
import time
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from ethops import env
from ethops.demo import places, site
from ethops.demo.course import Demo
from ethops.demo.places import DemoPorts, Places
from ethops.stack.errors import StackError
from ethops.stack.layout import from_environment
from ethops.stack.ports import Ports
from ethops.stack.screen import Screen, form_for


class Command(BaseCommand):
    """`manage.py demo`."""

    help = "Five real incidents on a small site of its own; exit 1 if one did not truly happen."
    # They run as the first stage of the start, where a fault is shown as one.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command."""
        parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--state", type=Path, help="folder of the demo, made anew each time")
        parser.add_argument(
            "--port-base", type=int, default=Ports().web, help="first of its ports (%(default)s)"
        )
        parser.add_argument(
            "--patience", type=float, default=120.0, help="seconds for each part (%(default)s)"
        )
        parser.add_argument("--prepared", type=float, help=SUPPRESS)

    def handle(self, **options: Any) -> None:
        """Run the command."""
        screen = Screen(form_for(as_json=options["json"]))
        ports = places.ports(options["port_base"])
        try:
            if options["prepared"] is None:
                _prepare(options, ports)
            layout = from_environment(env.load())
            demo = Demo(
                screen=screen,
                layout=layout,
                places=Places(layout.state),
                ports=ports,
                keep=options["keep"],
                patience_s=options["patience"],
                began=options["prepared"],
            )
            happened = demo.run()
        except StackError as fault:
            screen.refusal(fault)
            sys.exit(1)
        sys.exit(0 if happened else 1)


def _prepare(options: dict[str, Any], ports: DemoPorts) -> None:
    """Make the folder, then begin again within its environment: settings are read once."""
    began = time.monotonic()
    state = (options["state"] or env.load().state / "demo").absolute()
    made = places.make_anew(state)
    ports.require_free()
    site.write(made, ports)
    words = ["demo", "--prepared", str(began)]
    words += [f"--port-base={options['port_base']}", f"--patience={options['patience']}"]
    words += [f"--{name}" for name in ("keep", "json") if options[name]]
    environment = {
        **env.inherited(),
        "ETHOPS_STATE": str(state),
        "ETHOPS_SITE": str(made.site_file),
        # The demo tells nobody but its own inbox.
        "ETHOPS_NOTIFY": "",
        "ETHOPS_WEB_PORT": str(ports.stack.web),
        "ETHOPS_FLOWER_PORT": str(ports.stack.flower),
        "ETHOPS_PG_PORT": str(ports.stack.postgres),
        "ETHOPS_REDIS_PORT": str(ports.stack.redis),
    }
    command = [sys.executable, str(env.CLONE / "manage.py"), *words]
    os.execve(sys.executable, command, environment)  # noqa: S606 - ourselves, by full path
