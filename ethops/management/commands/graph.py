"""The graph's copy: bring it up to date, and see how it stands."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from adapters.errors import AdapterError
from ethops.desk import graph_copy
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py graph copy|state`."""

    help = (
        "Where the graph answers from a copy of the CMDB's relations: bring it up to date, see it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two subcommands."""
        parts = parser.add_subparsers(dest="part", required=True)
        copy = parts.add_parser("copy", help="write what differs in the copy, now")
        state = parts.add_parser("state", help="how old the copy is, and how large")
        for part in (copy, state):
            part.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, part: str, **options: Any) -> None:
        """Do one of them."""
        try:
            written = {"differed": graph_copy.keep()} if part == "copy" else {}
            said = {**written, **graph_copy.stands()}
        except AdapterError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if options["json"]:
            self.stdout.write(json.dumps(said))
        elif "age_s" not in said:
            self.stdout.write("The graph answers from the relations themselves: there is no copy.")
        else:
            self.stdout.write("  ".join(f"{name}={value}" for name, value in said.items()))
