"""Let agents go on after a stop; only a named person does."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from ethops.executor import stop
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py resume --by NAME --why TEXT`: first the row, then the file."""

    help = "Lift the stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who and why, for the record."""
        parser.add_argument("--by", required=True, help="your name")
        parser.add_argument("--why", default="resumed by command", help="goes on record")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, by: str, why: str, **options: Any) -> None:
        """Lift the row, and only then remove the file."""
        if not by.strip():
            raise CommandError("--by is empty: only a named person resumes.")
        try:
            stop.lift(by=by, why=why)
        except DatabaseError as fault:
            raise CommandError(
                f"The database does not answer, so the stop stays: {fault}"
            ) from fault
        except OSError as fault:
            raise CommandError(f"The file cannot be removed, so the stop stays: {fault}") from fault
        if options.get("json"):
            self.stdout.write(json.dumps({"stopped": False, "by": by, "why": why}))
        else:
            self.stdout.write(f"Resumed by {by}.")
