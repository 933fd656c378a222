"""Stop all agents: nothing new is claimed, whatever else still works."""

import getpass
import json
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
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, why: str, by: str, **options: Any) -> None:
        """Stop, by the file alone where the database does not answer."""
        as_json = bool(options.get("json"))
        if options["units"] is not None:
            self._write_units(options["units"], as_json=as_json)
            return
        fault = _press(by, why)
        if as_json:
            said = {"stopped": True, "by": by, "why": why, "row": not fault}
            self.stdout.write(json.dumps({**said, "file": stop.by_file(), "fault": fault}))
        elif fault:
            file = conf.executor().stop_file
            told = f"Stopped by file alone ({file}): the database does not answer. {fault}"
            self.stdout.write(self.style.WARNING(told))
        else:
            self.stdout.write(
                "Stopped. Nothing new is begun; `manage.py resume --by NAME` goes on."
            )

    def _write_units(self, folder: Path, *, as_json: bool) -> None:
        units = stop_units.units(conf.executor().stop_file.resolve())
        for name, text in units.items():
            try:
                (folder / name).write_text(text, encoding="utf-8")
            except OSError as fault:
                raise CommandError(f"{folder / name} cannot be written: {fault}") from fault
        written = [str(folder / name) for name in units]
        if as_json:
            self.stdout.write(json.dumps({"units": written, "target": stop_units.TARGET_UNIT}))
            return
        self.stdout.write("\n".join(written))
        self.stdout.write(
            f"Next: systemctl daemon-reload, then systemctl start {stop_units.TARGET_UNIT}"
        )


def _press(by: str, why: str) -> str:
    """Stop; returns what kept the row from being pressed, empty where nothing did."""
    try:
        stop.press(by=by, why=why)
    except DatabaseError as fault:
        if not stop.by_file():
            raise CommandError(
                f"Nothing was stopped: no file could be written, and {fault}"
            ) from fault
        return str(fault) or type(fault).__name__
    return ""
