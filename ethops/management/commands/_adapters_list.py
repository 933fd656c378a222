"""`manage.py adapters list`: contracts, their adapters, and what each of them cannot do."""

import json
from argparse import _SubParsersAction
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from adapters import kits
from ethops import env


def add_arguments(parts: "_SubParsersAction[Any]") -> None:
    """For people, or for programs."""
    part = parts.add_parser("list", help="which adapters each contract has, and which is in use")
    part.add_argument("--json", action="store_true", help="for programs")


def run(write: Callable[[str], Any], options: dict[str, Any]) -> int:
    """Print them."""
    known = kits.known()
    if options["json"]:
        write(json.dumps([asdict(one) for one in known]))
        return 0
    table = Table("Contract", "Adapter", "Cases", "Cannot", box=None, pad_edge=False)
    for one in known:
        name = f"{one.name} (in use)" if one.chosen else one.name
        table.add_row(one.contract, name, str(one.cases), ", ".join(one.cannot))
    plain = env.plain_terminal()
    Console(highlight=False, no_color=plain, width=100 if plain else None).print(table)
    return 0
