"""Bring what is declared in files into the database: site, cards, catalogue."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from adapters import conf, site, site_rows
from adapters.declared import Read
from adapters.site import Site
from audit.canonical import JSON
from audit.ledger import pending
from ethops.logins import people
from ethops.notify import loading as notify
from ethops.sla import loading as levels
from gpu import loading as gpu
from gpu.errors import BadProfileError
from personas import conf as personas
from personas import entries, environments, loading, offered, witnesses
from personas.approvals import trees
from personas.approvals.models import Profile
from personas.autonomy import loading as autonomy
from personas.cards import read_cards
from personas.errors import BadDeclarationError


class Command(BaseCommand):
    """`manage.py site load`, run as owner: the gate's tables are closed to everybody else."""

    help = "Load the declared site, the role cards and the catalogue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The one subcommand and its output."""
        parts = parser.add_subparsers(dest="part", required=True)
        load = parts.add_parser("load", help="make the rows equal to the files")
        load.add_argument("--json", action="store_true", help="print what changed as JSON")
        load.add_argument(
            "--by", default="", help="who wrote what is loaded: he approves none of what it does"
        )

    def handle(self, *, part: str, **options: Any) -> None:
        """Load everything, on record."""
        del part
        try:
            changed = load(by=options.get("by") or "")
        except (BadDeclarationError, BadProfileError) as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if options.get("json"):
            self.stdout.write(json.dumps({"changed": changed}))
        elif options.get("verbosity", 1):
            self.stdout.write("\n".join(changed) or "Nothing has changed.")


def load(*, by: str = "") -> list[str]:
    """Load site, cards, catalogue and the GPU's slots; returns what changed, one line each."""
    return [*_load(by), *_load_environments(by)]


@transaction.atomic
def _load(by: str) -> list[str]:
    loaded = loading.load()
    _keep_for_approvers(loaded.changed, by)
    changed = [
        *loaded.changed,
        *_load_site(),
        *gpu.load(),
        *autonomy.load_evaluated(),
        *witnesses.load(),
        *people.load(),
    ]
    _note(changed, by)
    return changed


@transaction.atomic
def _load_environments(by: str) -> list[str]:
    """Load them apart: admission holds their rows, and wants those of cards that a load holds."""
    found = _site()
    changed = environments.load(found.value.environments) if found and found.value else []
    _note(changed, by)
    return changed


def _note(changed: Sequence[str], by: str) -> None:
    if changed:
        body: dict[str, JSON] = {"changed": list(changed), **({"by": by} if by else {})}
        pending.note(kind="site.loaded", subject="site", body=body)


def _keep_for_approvers(changed: Sequence[str], by: str) -> None:
    """Keep the files behind each hash, and who is known to have written what is new."""
    for one in entries.read()[0]:
        trees.keep([one], entries.root_of(one.document.model_dump()))
    new = [line.split() for line in changed]
    if by:
        trees.note_authors(
            by,
            trees=[words[-1] for words in new if words[0] == "entry"],
            cards=[words[-1] for words in new if words[0] == "card"],
        )


def _site() -> Read[Site] | None:
    """Return the site file, None where there is none.

    Raises:
        BadDeclarationError: it has faults.
    """
    path = conf.site_path()
    if path is None:
        return None
    found = site.read(path)
    if found.value is None:
        raise BadDeclarationError("; ".join(str(fault) for fault in found.faults))
    return found


def _load_site() -> list[str]:
    found = _site()
    if found is None or found.value is None:
        return []
    cards, _ = read_cards(personas.cards_folder())
    unable = list(offered.faults(found, [card.document for card in cards]))
    if unable:
        raise BadDeclarationError("; ".join(map(str, unable)))
    applied = site_rows.apply(found.value)
    numbers = autonomy.load_policy(found.value.autonomy.numbers())
    words = {"added": applied.added, "changed": applied.changed, "retired": applied.retired}
    return [
        *(f"{word} {ref}" for word, refs in words.items() for ref in refs),
        *_load_profile(found.value),
        *numbers,
        *levels.load(found.value.service_levels),
        *notify.load(found.value.contacts, found.value.notification_rules),
    ]


def _load_profile(declared: Site) -> list[str]:
    values = {
        "single": declared.operators == "single",
        **declared.approvals.model_dump(),
    }
    if not Profile.objects.exclude(**values).exists():
        return []
    Profile.objects.update(**values)
    return [f"approvals by {declared.operators}: {declared.approvals}"]
