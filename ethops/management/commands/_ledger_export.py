"""`manage.py ledger export`: the whole ledger in a file for `verify.py`, or as tiles."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from audit.ledger import exports
from ethops.management.commands._ledger_files import new_file
from ethops.management.commands._ledger_progress import Progress


def add_arguments(parser: ArgumentParser) -> None:
    """Where to."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("file", type=Path, nargs="?", help="one object per line; - for output")
    where.add_argument("--tiles", type=Path, metavar="DIR", help="C2SP tlog-tiles, for other tools")


def run(write: Callable[[str], object], options: dict[str, Any]) -> None:
    """Write it.

    Raises:
        CommandError: it cannot be written.
        NoProofError: there is no tree head for tiles yet.
    """
    try:
        if options["tiles"] is not None:
            folder: Path = options["tiles"]
            head = exports.write_tiles(folder, Progress("written"))
            write(f"{head.size} entries, their tiles and the signed tree head are in {folder}")
        elif str(options["file"]) == "-":
            for line in exports.lines():
                write(line)
        else:
            write(_file(options["file"]))
    except OSError as fault:
        message = f"{fault.filename} cannot be written: {fault.strerror}. Nothing is overwritten."
        raise CommandError(message, returncode=2) from fault


def _file(file: Path) -> str:
    tell, lines = Progress("written"), exports.lines()
    with new_file(file) as out:
        first = next(lines)
        said = json.loads(first)
        entries, before = said["seq"], said["heads"] + said["values"]
        out.write(first + "\n")
        for written, line in enumerate(lines, start=1):
            out.write(line + "\n")
            tell(max(written - before, 0), entries)
    return f"{entries} entries in {file}. Check them anywhere: python audit/verify.py {file}"
