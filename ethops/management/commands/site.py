"""Bring what is declared in files into the database: site, cards, catalogue."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from adapters import conf, site, site_rows
from audit.ledger import pending
from gpu import loading as gpu
from gpu.errors import BadProfileError
from personas import loading, witnesses
from personas.errors import BadDeclarationError


class Command(BaseCommand):
    """`manage.py site load`, run as owner: the gate's tables are closed to everybody else."""

    help = "Load the declared site, the role cards and the catalogue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The one subcommand and its output."""
        parts = parser.add_subparsers(dest="part", required=True)
        load = parts.add_parser("load", help="make the rows equal to the files")
        load.add_argument("--json", action="store_true", help="print what changed as JSON")

    def handle(self, *, part: str, **options: Any) -> None:
        """Load everything in one transaction, on record."""
        del part
        try:
            changed = load()
        except (BadDeclarationError, BadProfileError) as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if options.get("json"):
            self.stdout.write(json.dumps({"changed": changed}))
        elif options.get("verbosity", 1):
            self.stdout.write("\n".join(changed) or "Nothing has changed.")


@transaction.atomic
def load() -> list[str]:
    """Load site, cards, catalogue and the GPU's slots; returns what changed, one line each."""
    loaded = loading.load()
    changed = [*loaded.changed, *_load_site(), *gpu.load(), *witnesses.load()]
    if changed:
        pending.note(kind="site.loaded", subject="site", body={"changed": list(changed)})
    return changed


def _load_site() -> list[str]:
    path = conf.site_path()
    if path is None:
        return []
    found = site.read(path)
    if found.value is None:
        raise BadDeclarationError("; ".join(str(fault) for fault in found.faults))
    applied = site_rows.apply(found.value)
    words = {"added": applied.added, "changed": applied.changed, "retired": applied.retired}
    return [f"{word} {ref}" for word, refs in words.items() for ref in refs]
