"""The CMDB: bring CIs from a file, see what is proposed; an iTop's: read it, see it, confirm."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from adapters.errors import AdapterError
from ethops.desk import mirroring
from ethops.management.commands import _cmdb_import, _cmdb_proposals, _persons
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py cmdb import|proposals|sync|status|confirm`."""

    help = (
        "Bring CIs from a file; see what was found and is no CI; read an iTop's CMDB, see how the"
        " copy stands, confirm what is gone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Five subcommands."""
        parts = parser.add_subparsers(dest="part", required=True)
        _cmdb_import.options(parts.add_parser("import", help="bring CIs from a file of yours"))
        _cmdb_proposals.options(
            parts.add_parser("proposals", help="what was found that the CMDB does not have")
        )
        sync = parts.add_parser("sync", help="read what has changed there")
        sync.add_argument("--whole", action="store_true", help="read every class from end to end")
        status = parts.add_parser("status", help="how each class stands")
        for part in (sync, status):
            part.add_argument("--json", action="store_true", help="print the result as JSON")
        gone = parts.add_parser("confirm", help="what is missing of a class is gone indeed")
        gone.add_argument("itop_class", help="the class as iTop calls it")
        _persons.signed(gone)

    def handle(self, *, part: str, **options: Any) -> None:
        """Do one of them."""
        if part == "import":
            _cmdb_import.run(self.stdout, options)
            return
        if part == "proposals":
            _cmdb_proposals.run(self.stdout, options)
            return
        if part == "confirm":
            with _persons.refused():
                gone = mirroring.confirm(
                    itop_class=options["itop_class"], person=options["by"], why=options["why"]
                )
            self.stdout.write(f"{gone} taken away; the class is read again.")
            return
        try:
            if part == "sync":
                said = [asdict(one) for one in mirroring.bring(whole=options["whole"])]
            else:
                said = [dict(one) for one in mirroring.stands()]
        except AdapterError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if options["json"]:
            self.stdout.write(json.dumps(said, default=str))
            return
        for one in said:
            self.stdout.write("  ".join(f"{name}={value}" for name, value in one.items()))
