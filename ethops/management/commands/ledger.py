"""Check the ledger, or write it out for somebody who trusts neither us nor our database."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from audit.errors import RecordError
from audit.witness import program
from ethops import env
from ethops.management.commands import (
    _ledger_export,
    _ledger_people,
    _ledger_prove,
    _ledger_receipts,
    _ledger_verify,
    _ledger_witness,
    _ledger_witnesses,
)
from ethops.management.quiet import QuietCommand
from ethops.stack import database
from ethops.stack.errors import StackError
from personas.checks import LEDGER

PARTS: dict[str, Callable[[Callable[[str], object], dict[str, Any]], int | None]] = {
    "verify": _ledger_verify.run,
    "prove": _ledger_prove.run,
    "export": _ledger_export.run,
    "witnesses": _ledger_witnesses.run,
    "receipts": _ledger_receipts.run,
}


class Command(QuietCommand):
    """Its parts; most start the embedded database where it does not run."""

    # Who checks us is not kept from it by a card or a site that we have spoilt.
    requires_system_checks = (LEDGER,)
    help = "Verify the ledger, prove parts of it, or export it for audit/verify.py."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        _ledger_verify.add_arguments(
            parts.add_parser("verify", help="walk chain and tree, and compare what is shown")
        )
        _ledger_prove.add_arguments(
            parts.add_parser("prove", help="prove an entry, or all that a ticket caused")
        )
        _ledger_export.add_arguments(
            parts.add_parser("export", help="every entry for others, as lines or as tiles")
        )
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
        try:
            with database.running(env.load()):
                run = PARTS.get(part)
                status = (
                    run(self.stdout.write, options)
                    if run
                    else _ledger_people.run(part, self.stdout.write, options)
                )
        except (RecordError, StackError) as fault:
            raise CommandError(f"{fault} ({fault.code}). {fault.hint}", returncode=2) from fault
        if status:
            sys.exit(status)
