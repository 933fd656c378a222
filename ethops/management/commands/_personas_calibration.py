"""How far stated confidence held in what was really done, per card and engine."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from ethops import env
from personas.evaluation import outcomes
from personas.evaluation.outcomes import Standing

Write = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare how far to look back."""
    parser.add_argument("--days", type=int, default=90, choices=range(1, 3651), metavar="DAYS")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(write: Write, options: dict[str, Any]) -> None:
    """Print the figures."""
    since = datetime.now(UTC) - timedelta(days=options["days"])
    found = outcomes.standings(outcomes.acts(since))
    if options["json"]:
        write(json.dumps([_as_json(each) for each in found]))
    elif not found:
        write(f"No play of an ended run was settled within {options['days']} days.")
    else:
        _show(found)


def _as_json(each: Standing) -> dict[str, Any]:
    known = each.calibration
    return {
        "card": each.card,
        "engine": each.engine,
        "outcomes": known.outcomes,
        "brier": known.brier,
        "ece": known.ece,
        "calibrated": known.is_calibrated,
        "said": known.said,
    }


def _show(found: list[Standing]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("card", "engine", "outcomes", "Brier", "ECE", ""):
        right = heading in ("outcomes", "Brier", "ECE")
        table.add_column(heading, justify="right" if right else "left")
    for each in found:
        known = each.calibration
        figures = ("" if value is None else f"{value:.3f}" for value in (known.brier, known.ece))
        table.add_row(each.card, each.engine, str(known.outcomes), *figures, known.said)
    plain = env.plain_terminal()
    Console(highlight=False, no_color=plain, width=130 if plain else None).print(table)
