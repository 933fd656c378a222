"""Stop all agents: nothing new is claimed, whatever else still works."""

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ethops.executor import conf, stop, stop_units


class Command(BaseCommand):
    """`manage.py stop --why TEXT`: first the file, which needs nothing, then the row."""

    help = "Stop all agents and effects at once."
    # A fault in a declared file must not keep anybody from stopping.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who and why, for the record."""
        parser.add_argument("--why", default="stopped by command", help="goes on record")
        parser.add_argument("--by", default=getpass.getuser(), help="your name")
        parser.add_argument(
            "--units", type=Path, metavar="FOLDER", help="stop nothing; write the systemd target"
        )

    def handle(self, *, why: str, by: str, **options: Any) -> None:
        """Stop, by the file alone where the database does not answer."""
        if options["units"] is not None:
            self._write_units(options["units"])
            return
        try:
            stop.press(by=by, why=why)
        except DatabaseError as fault:
            if not stop.by_file():
                raise CommandError(
                    f"Nothing was stopped: no file could be written, and {fault}"
                ) from fault
            file = conf.executor().stop_file
            said = f"Stopped by file alone ({file}): the database does not answer. {fault}"
            self.stdout.write(self.style.WARNING(said))
            return
        self._said()

    def _write_units(self, folder: Path) -> None:
        for name, text in stop_units.units(conf.executor().stop_file.resolve()).items():
            try:
                (folder / name).write_text(text, encoding="utf-8")
            except OSError as fault:
                raise CommandError(f"{folder / name} cannot be written: {fault}") from fault
            self.stdout.write(str(folder / name))
        self.stdout.write(
            f"Next: systemctl daemon-reload, then systemctl start {stop_units.TARGET_UNIT}"
        )

    def _said(self) -> None:
        self.stdout.write("Stopped. Nothing new is begun; `manage.py resume --by NAME` goes on.")
