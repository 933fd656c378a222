"""What will not work at an iTop as it is: each finding with its place and its mend."""

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.tickets.itop.findings import SEVERITIES
from ethops.desk import preflight

Write = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what it is given."""
    parser.add_argument("adapter", choices=["itop"])
    parser.add_argument("--datamodel", type=Path, help="iTop's model as XML, whole or a change")
    parser.add_argument("--token-file", type=Path, help="the token of somebody who sees everything")
    parser.add_argument("--user", default="", help="whose password the file holds, and no token")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(write: Write, options: dict[str, Any]) -> int:
    """Print what was found; 1 where something will not work."""
    found = preflight.look(
        model=options["datamodel"], token_file=options["token_file"], user=options["user"]
    )  # fmt: skip
    wrong = any(one.severity == "error" for one in found)
    if options["json"]:
        write(json.dumps({"well": not wrong, "findings": [asdict(one) for one in found]}))
        return int(wrong)
    for one in found:
        write(f"{one.severity:<8} {one.topic}: {one.where}".rstrip(": "))
        write(f"         {one.what}")
        write(f"         {one.mend}")
    if options["datamodel"] is None:
        write("Without --datamodel nobody has looked at mandatory attributes and life cycles.")
    counts = Counter(one.severity for one in found)
    write(", ".join(_many(counts[severity], severity) for severity in SEVERITIES) + ".")
    return int(wrong)


def _many(n: int, of: str) -> str:
    return f"{n} {of}" if n == 1 else f"{n} {of}s"
