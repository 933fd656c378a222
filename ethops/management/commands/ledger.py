"""Check the ledger, or write it out for somebody who trusts neither us nor our database."""

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.ledger import verification
from audit.witness import program
from ethops import env
from ethops.management.commands import (
    _ledger_people,
    _ledger_receipts,
    _ledger_witness,
    _ledger_witnesses,
)
from ethops.stack import database

PARTS = {"witnesses": _ledger_witnesses.run, "receipts": _ledger_receipts.run}


class Command(BaseCommand):
    """Its parts; most start the embedded database where it does not run."""

    help = "Verify the ledger, or export it for audit/verify.py."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        verify = parts.add_parser("verify", help="walk the chain and compare what is shown")
        verify.add_argument("--since", type=int, default=0, help="only entries after this one")
        verify.add_argument("--json", action="store_true", help="print the report as JSON")
        export = parts.add_parser("export", help="write every entry, one JSON object per line")
        export.add_argument("file", type=Path, help="where to; - for standard output")
        program.add_arguments(parts.add_parser("witness", help="sign the heads of others' ledgers"))
        listed = parts.add_parser("witnesses", help="who signs our tree heads, and our own key")
        listed.add_argument("--json", action="store_true", help="for programs")
        kept = parts.add_parser("receipts", help="compare with what tickets remember")
        kept.add_argument("--json", action="store_true", help="for programs")
        _ledger_people.add(parts)

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        if part == "witness":
            _ledger_witness.run(options)
        with database.running(env.load()):
            if part in PARTS:
                sys.exit(PARTS[part](self.stdout.write, options))
            if part == "verify":
                self._verify(since=options["since"], as_json=options["json"])
            elif part == "export":
                self._export(options["file"])
            elif status := _ledger_people.run(part, self.stdout.write, options):
                sys.exit(status)

    def _verify(self, *, since: int, as_json: bool) -> None:
        began = time.monotonic()
        report = verification.check_and_keep(since=since)
        took = time.monotonic() - began
        if as_json:
            self.stdout.write(json.dumps({"whole": report.whole, **asdict(report)}))
        elif report.whole:
            text = f"whole: {report.entries} entries to #{report.last}, {took:.1f} s"
            self.stdout.write(self.style.SUCCESS(text))
        else:
            self.stdout.write(self.style.ERROR(f"broken: {len(report.findings)} findings"))
            self.stdout.write("\n".join(report.findings))
        if not report.whole:
            sys.exit(1)

    def _export(self, file: Path) -> None:
        if str(file) == "-":
            for line in verification.export():
                self.stdout.write(line)
            return
        try:
            with file.open("x", encoding="utf-8") as out:
                lines = sum(bool(out.write(line + "\n")) for line in verification.export())
        except OSError as fault:
            raise CommandError(f"{file} cannot be written: {fault.strerror}") from fault
        self.stdout.write(
            f"{lines - 1} entries in {file}. Check them anywhere: python audit/verify.py {file}"
        )
