"""Adapters from the command line: which there are, whether they hold, and what they need."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from adapters.errors import AdapterError
from ethops.management.commands import (
    _adapters_check,
    _adapters_itop,
    _adapters_list,
    _adapters_preflight,
)
from ethops.management.quiet import QuietCommand


class Command(QuietCommand):
    """`manage.py adapters list|check|provision|unprovision|preflight`."""

    help = "Adapters of the contracts: listed, checked; what another system needs, made there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand per thing."""
        parts = parser.add_subparsers(dest="part", required=True)
        _adapters_list.add_arguments(parts)
        _adapters_check.add_arguments(parts)
        _adapters_itop.add_arguments(parts)
        _adapters_preflight.add_arguments(
            parts.add_parser("preflight", help="what will not work at an iTop as it is, and why")
        )

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them; faults of ours are told with their mend."""
        try:
            status = {
                "list": _adapters_list.run,
                "check": _adapters_check.run,
                "provision": _adapters_itop.provision,
                "unprovision": _adapters_itop.unprovision,
                "preflight": _adapters_preflight.run,
            }[part](self.stdout.write, options)
        except AdapterError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if status:
            raise SystemExit(status)
