"""`manage.py ledger verify`: walk the chain and the tree, and say what was found."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from audit.errors import UnkeptError
from audit.ledger import verification
from audit.verify import Report
from ethops.management.commands._ledger_progress import Progress


def add_arguments(parser: ArgumentParser) -> None:
    """Where to begin, and which key is the log's."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--since", type=int, default=0, metavar="ENTRY", help="only entries after this one"
    )
    where.add_argument(
        "--incremental", action="store_true", help="only what came since all was found whole"
    )
    parser.add_argument("--key", default="", metavar="VKEY", help="the log's key, as you know it")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(write: Callable[[str], object], options: dict[str, Any]) -> int:
    """Verify, keep what was found, and return 1 where the ledger is broken.

    Raises:
        NoProofError: there is no entry to begin after.
    """
    began = time.monotonic()
    try:
        report = _verified(options)
    except UnkeptError as unkept:
        report = unkept.report
        sys.stderr.write(f"{unkept} ({unkept.code}). {unkept.hint}\n")
    write(_said(report, time.monotonic() - began, as_json=options["json"]))
    return 0 if report.whole else 1


def _verified(options: dict[str, Any]) -> Report:
    key, tell = options["key"], Progress("verified")
    if options["incremental"]:
        return verification.check_on(key=key, tell=tell)
    return verification.check_and_keep(since=options["since"], key=key, tell=tell)


def _said(report: Report, took: float, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"whole": report.whole, "seconds": round(took, 3), **vars(report)})
    tree = f", tree head of {report.size}" if report.size else ", no tree head yet"
    if report.whole:
        return f"whole: {report.entries} entries to #{report.last}{tree}, {took:.1f} s"
    return "\n".join([f"broken: {len(report.findings)} findings", *report.findings])
