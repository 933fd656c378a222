"""`manage.py ledger prove`: a proof of an entry, or of all that a ticket caused, in a file."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from audit.ledger import bundles, proofs
from audit.verify import File
from ethops.management.commands._ledger_files import new_file

USAGE = "name an entry by its number, or a ticket with --ticket, and then the file"


def add_arguments(parser: ArgumentParser) -> None:
    """What to prove, and where to."""
    parser.add_argument("entry", nargs="?", help="number of an entry")
    parser.add_argument("file", type=Path, help="where to; *.tlog-proof is written as C2SP says")
    parser.add_argument("--ticket", metavar="REF", help="all that this ticket caused")
    parser.add_argument(
        "--since", type=int, metavar="SIZE", help="and that the tree goes on from this earlier head"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(write: Callable[[str], object], options: dict[str, Any]) -> int:
    """Write the proof, check it by the verifier's own code, and say who stands behind it.

    Raises:
        CommandError: the words contradict each other, or the file cannot be written.
        NoProofError: there is nothing to prove yet.
    """
    file: Path = options["file"]
    if file.suffix == ".tlog-proof":
        _write(file, proofs.tlog_proof(_number(options)))
        write(f"proof of entry #{_number(options)} in {file}. Check it anywhere: "
              f"python audit/verify.py {file} --key VKEY")  # fmt: skip
        return 0
    made = _bundle(options)
    _write(file, json.dumps(made) + "\n")
    report = File(made, Namespace(key="", witness=[], quorum=0, head=[])).bundle()
    if options["json"]:
        write(json.dumps({"whole": report.whole, **made["about"], **vars(report)}))
    else:
        late = made["about"].get("not_covered_yet", 0)
        said = _said(file, report.entries, report.size, report.administrators, late)
        write("\n".join([said, *report.findings]))
    return 0 if report.whole else 1


def _bundle(options: dict[str, Any]) -> dict[str, Any]:
    if options["ticket"] is None:
        return bundles.of_entry(_number(options), since=options["since"])
    if options["entry"] is not None:
        raise CommandError(USAGE, returncode=2)
    return bundles.of_ticket(options["ticket"], since=options["since"])


def _number(options: dict[str, Any]) -> int:
    said = (options["entry"] or "").removeprefix("#")
    if options["ticket"] is not None or not said.isdecimal():
        raise CommandError(USAGE, returncode=2)
    return int(said)


def _write(file: Path, text: str) -> None:
    with new_file(file) as out:
        out.write(text)


def _said(file: Path, entries: int, size: int, administrators: list[str], late: int) -> str:
    stand = len(administrators)
    who = f": {', '.join(administrators)}" if administrators else ""
    lines = [
        f"{entries} entries in the tree of {size} are proven in {file}.",
        f"{stand} independent administrators stand behind it{who}.",
        f"Check it anywhere: python audit/verify.py {file}",
    ]
    if late:
        lines.insert(1, f"{late} entries are newer than this tree head and left out.")
    return "\n".join(lines)
