"""Bring a site's own playbooks into its catalogue, list them, take them away."""

import json
import tempfile
from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from adapters import conf as adapters_conf
from adapters import site
from audit.canonical import JSON
from audit.ledger import pending
from ethops.imports import address, linting, reading
from ethops.imports.errors import ImportRefusedError
from ethops.imports.fetching import fetch
from ethops.imports.laying import Ground
from ethops.imports.reading import Offered
from ethops.management.commands._persons import signed
from ethops.management.quiet import QuietCommand
from personas import conf, entries
from personas.catalogue import Origin, read_catalogue


class Command(QuietCommand):
    """`manage.py catalog import REPO@REV | remove NAME | list`."""

    help = "The catalogue: a site's own playbooks, from a repository at one commit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        bring = parts.add_parser("import", help="lay the entries of a commit down, unapproved")
        bring.add_argument("source", metavar="REPO@REV", help="REV is a tag or a whole commit id")
        bring.add_argument(
            "--accept-lint", action="store_true", help="take what the linter finds as known"
        )
        signed(bring)
        remove = parts.add_parser("remove", help="take an imported entry away")
        remove.add_argument("entry")
        signed(remove)
        listed = parts.add_parser("list", help="every entry: origin, review, whether as approved")
        listed.add_argument("--json", action="store_true")

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        try:
            getattr(self, f"_{part}")(options)
        except ImportRefusedError as refused:
            raise CommandError(f"{refused}\n{refused.hint}") from refused

    def _import(self, options: dict[str, Any]) -> None:
        source = address.parse(options["source"])
        address.check_allowed(source, _allowed())
        if source.scheme == "file":
            led = replace(source, repository=str(Path(source.repository).resolve()))
            address.check_allowed(led, _allowed())
        ground = Ground(conf.site_playbooks_folder())
        with tempfile.TemporaryDirectory(prefix="ethops-import-") as staging:
            fetched = fetch(source, Path(staging) / "repository")
            offered = reading.read(fetched, Path(staging))
            _check_names(offered, ground, source.repository)
            origins = {
                one.document.name: Origin(
                    repository=source.repository,
                    revision=source.revision,
                    commit=fetched.commit,
                    path=one.path,
                    lint=_lint(one, ground, accept=options["accept_lint"]),
                )
                for one in offered
            }
            with transaction.atomic():
                laid = [ground.lay(one, origins[one.document.name]) for one in offered]
                pending.note(
                    kind="site.imported",
                    subject=source.repository[:200],
                    body={
                        **_who(options),
                        "commit": fetched.commit,
                        "entries": [f"{one.name} {one.tree_hash} {one.what}" for one in laid],
                    },
                )
        for one in laid:
            self.stdout.write(f"{one.name}: {one.what}, tree {one.tree_hash[:12]}.")
        self.stdout.write(
            f"Laid down in {ground.folder}. Next: read them, `manage.py personas approve NAME`"
            " for each, then `manage.py site load`."
        )

    def _remove(self, options: dict[str, Any]) -> None:
        ground = Ground(conf.site_playbooks_folder())
        name = options["entry"]
        with transaction.atomic():
            ground.remove(name)
            pending.note(kind="site.removed", subject=name[:200], body=_who(options))
        self.stdout.write(f"{name} is gone. Next: `manage.py site load`.")

    def _list(self, options: dict[str, Any]) -> None:
        pinned, faults = entries.read()
        today = datetime.now(UTC).date()
        rows: list[dict[str, JSON]] = [
            {
                "name": one.name,
                "origin": str(o) if (o := one.document.origin) else "ethops",
                "commit": o.commit if o else "",
                "owner": one.document.owner,
                "review_by": one.document.review_by,
                "overdue": one.document.overdue(today),
                "approved": one.tree_hash == one.approved_hash,
                "tree": one.tree_hash,
            }
            for one in pinned
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"entries": rows, "faults": [str(f) for f in faults]}))
            return
        for row in rows:
            state = "as approved" if row["approved"] else "not approved"
            late = ", review is over" if row["overdue"] else ""
            self.stdout.write(
                f"{row['name']:24} {state:12} {row['review_by']}{late}  {row['origin']}"
                f" {str(row['commit'])[:12]}".rstrip()
            )
        for fault in faults:
            self.stderr.write(str(fault))


def _allowed() -> tuple[str, ...]:
    path = adapters_conf.site_path()
    found = site.read(path).value if path is not None else None
    return found.imports if found is not None else ()


def _check_names(offered: list[Offered], ground: Ground, repository: str) -> None:
    """Refuse a name that is somebody else's: of the house, or from another repository."""
    house = {one.name for one in read_catalogue(conf.playbooks_folder())[0]}
    ours = ground.origins()
    for one in offered:
        name = one.document.name
        if name in house:
            raise ImportRefusedError(f"{name} is an entry of ethops itself.", "Name yours anew.")
        if name in ours and ours[name].repository != repository:
            raise ImportRefusedError(
                f"{name} came from {ours[name].repository}.", "Remove that one first."
            )


def _lint(one: Offered, ground: Ground, *, accept: bool) -> tuple[str, ...]:
    """Return what the linter finds; what was not known before is refused, or accepted now."""
    found = linting.findings(one.folder)
    before = ground.origins().get(one.document.name)
    known = set(before.lint) if before else set()
    new = [finding for finding in found if finding not in known]
    if new and not accept:
        raise ImportRefusedError(
            f"{one.path}: the linter finds what is not in its baseline: {', '.join(new)}.",
            "Mend it, or take it as known with --accept-lint and a reason.",
        )
    return found


def _who(options: dict[str, Any]) -> dict[str, JSON]:
    return {"by": options["by"], "why": options["why"]}
