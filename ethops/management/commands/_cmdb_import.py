"""`manage.py cmdb import FILE`: shows what would be, and with --yes makes it so."""

import getpass
import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, OutputWrapper

from adapters import conf, site
from adapters.cmdb.comparison import Plan
from ethops.imports import cis
from ethops.imports.errors import ImportRefusedError

SHOWN: Final = 200
"""So many lines of each kind are written; `--json` has them all."""


def options(parser: ArgumentParser) -> None:
    """Declare the file and how it is meant."""
    parser.add_argument("file", type=Path, help="YAML, CSV or an Ansible inventory (INI or YAML)")
    parser.add_argument(
        "--as",
        dest="name",
        default="file",
        help="name of the import: what it brought before and does not name now is gone",
    )
    parser.add_argument("--format", choices=cis.FORMATS, help="where its name does not say")
    parser.add_argument("--yes", action="store_true", help="write it; else it is only shown")
    parser.add_argument("--gone", type=int, help="so many are gone indeed, where that is asked")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--by", default=getpass.getuser(), help="your name")
    parser.add_argument("--why", default="", help="goes on record; needed with --yes")


def run(out: OutputWrapper, said: dict[str, Any]) -> None:
    """Compare, and write where that was said.

    Raises:
        CommandError: nothing was written.
    """
    path: Path = said["file"]
    if said["yes"] and not said["why"].strip():
        raise CommandError("Nothing is written without a reason.\nSay --why.")
    try:
        plan = cis.bring(
            path,
            name=said["name"],
            form=said["format"] or cis.guessed(path),
            accounts=_accounts(),
            write=cis.Signed(said["by"], said["why"]) if said["yes"] else None,
            gone=said["gone"],
        )
    except ImportRefusedError as refused:
        raise CommandError(f"{refused}\n{refused.hint}") from refused
    if said["json"]:
        out.write(json.dumps({**asdict(plan), "written": said["yes"]}))
        return
    _show(out, plan, written=said["yes"])


def _show(out: OutputWrapper, plan: Plan, *, written: bool) -> None:
    for word, rows in (("new", plan.new), ("changed", plan.changed), ("gone", plan.gone)):
        for row in rows[:SHOWN]:
            out.write(f"{word:8} {row}")
        if len(rows) > SHOWN:
            out.write(f"{word:8} and {len(rows) - SHOWN} more")
    if plan.nothing:
        out.write("All of it is so already.")
        return
    rows_changed = len({change.what for change in plan.changed})
    out.write(f"{len(plan.new)} new, {rows_changed} changed, {len(plan.gone)} gone.")
    if written:
        out.write("Written.")
    elif plan.asks:
        out.write(
            "Nothing is written. Much would be gone: look whether the file is whole, then say"
            f" --yes --gone {len(plan.gone)}."
        )
    else:
        out.write("Nothing is written; --yes writes it.")


def _accounts() -> frozenset[str]:
    """Return the accounts that keys of the site file have."""
    path = conf.site_path()
    declared = site.read(path).value if path is not None else None
    keys = declared.keys if declared is not None else ()
    return frozenset(account for key in keys for account in key.accounts)
