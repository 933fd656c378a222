"""Stop all agents: nothing new is claimed, whatever else still works."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from ethops import conf
from personas import gate


class Command(BaseCommand):
    """`manage.py stop --why TEXT`: first the file, which needs nothing, then the row."""

    help = "Stop all agents and effects at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who and why, for the record."""
        parser.add_argument("--why", default="stopped by command", help="goes on record")
        parser.add_argument("--by", default=getpass.getuser(), help="your name")

    def handle(self, *, why: str, by: str, **options: Any) -> None:
        """Write the file, then the row."""
        del options
        file = conf.house().state / "STOP"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{by}: {why}\n", encoding="utf-8")
        try:
            gate.press_stop(by=by, why=why)
        except DatabaseError as fault:
            self.stdout.write(
                self.style.WARNING(
                    f"Stopped by file alone ({file}): the database does not answer. {fault}"
                )
            )
            return
        self.stdout.write("Stopped. Nothing new is begun; `manage.py resume --by NAME` goes on.")
