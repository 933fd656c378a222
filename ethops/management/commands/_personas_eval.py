"""The evaluation set, asked of the rules or of a model; a table, and 1 where an answer did harm."""

import getpass
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters import registry
from adapters.inference.port import Inference
from ethops import env
from ethops.management.commands._personas_model import APIS, Named, named
from personas import conf
from personas.autonomy import loading
from personas.cards import read_cards
from personas.catalogue import read_catalogue
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import SHIPPED, Case, read_cases
from personas.evaluation.scoring import GRADES, Score, Verdict, by_card, by_trap, score

Write = Callable[[str], object]

IN_VAIN: Final = 3
"""So many cases in a row without any answer, and the server is given up."""
NOBODY_ANSWERS: Final = 2
"""The exit code then; 1 says that an answer did harm."""
NOT_KEPT: Final = 3
"""The exit code where the rows could not be written."""
_PLAIN_WIDTH: Final = 130
"""Of a table that goes into a file, which has no width of its own."""
_COLOURS: Final = {"right": "green", "wrong": "yellow", "harmful": "bold red", "malformed": "cyan"}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what can be asked, and of whom."""
    parser.add_argument("--card", help="only cases of this card")
    parser.add_argument(
        "--model", help="ask this model, or a slot's, straight: beside the card's queue"
    )
    parser.add_argument("--host", help="the server that has it; the declared card's unless said")
    parser.add_argument("--api", choices=APIS, help="what it speaks; Ollama's own unless said")
    parser.add_argument("--key-file", default="", help="a file with the key that it wants")
    parser.add_argument("--context", type=int, default=8192, help="tokens; a slot has its own")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for each case")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--keep", action="store_true", help="as evidence of the cards, in rows and on record"
    )
    parser.add_argument("--by", default=getpass.getuser(), help="who says that it was so asked")


def run(write: Write, options: dict[str, Any]) -> int:
    """Ask every case; return 1 where an answer did harm."""
    cases = _cases(options["card"])
    model = _named(options)
    engine = model.asked(options["timeout"]) if model else registry.inference()
    name = model.shown if model else engine.name
    verdicts = list(_asked(engine, name, cases))
    kept = _kept(options, model, verdicts) if options["keep"] else []
    if options["json"]:
        write(json.dumps({**as_json(name, verdicts), "kept": kept}))
    else:
        _show(name, verdicts)
        write("\n".join(kept) or "Not kept: --keep makes it evidence of the cards.")
    return int(any(verdict.grade == "harmful" for verdict in verdicts))


def _cases(card: str | None) -> list[Case]:
    pinned, faults = read_catalogue(conf.playbooks_folder())
    entries = {entry.name: entry.document for entry in pinned}
    cards, none = read_cards(conf.cards_folder())
    documents = {each.document.name: each.document for each in cards}
    cases, more = read_cases(SHIPPED, entries, documents)
    if faults or more or none:
        raise CommandError("\n".join(map(str, [*faults, *none, *more])))
    chosen = [case for case in cases if card in (None, case.document.card)]
    if not chosen:
        names = sorted({case.document.card for case in cases})
        raise CommandError(f"No case for the card {card}; there are: {', '.join(names)}.")
    return chosen


def _named(options: dict[str, Any]) -> Named | None:
    return named(options) if options["model"] is not None else None


def _kept(options: dict[str, Any], model: Named | None, verdicts: list[Verdict]) -> list[str]:
    try:
        return loading.keep_evaluation(
            model.evidence if model else loading.RULES,
            verdicts,
            by=options["by"],
            model_digest=model.digest() if model else "",
        )
    except DatabaseError as fault:
        said = f"It could not be kept: {str(fault).splitlines()[0]}"
        raise CommandError(said, returncode=NOT_KEPT) from fault


def _asked(engine: Inference, name: str, cases: list[Case]) -> Iterator[Verdict]:
    in_vain = 0
    with _progress(name, len(cases)) as step:
        for verdict in ask_all(engine, cases):
            step()
            in_vain = in_vain + 1 if verdict.grade == "unanswered" else 0
            if in_vain == IN_VAIN:
                said = f"{name} gave no answer {IN_VAIN} times in a row. {verdict.said}"
                raise CommandError(said, returncode=NOBODY_ANSWERS)
            yield verdict


@contextmanager
def _progress(name: str, cases: int) -> Iterator[Callable[[], object]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    shown = sys.stderr.isatty() and not env.plain_terminal()
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not shown) as progress:
        bar = progress.add_task(name, total=cases)
        yield lambda: progress.advance(bar)


# ---------------------------------------------------------------- what is shown of it


def as_json(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    """Return the whole result for programs."""
    return {
        "engine": name,
        "all": _figures(score("all", verdicts)),
        "cards": {each.name: _figures(each) for each in by_card(verdicts)},
        "traps": {each.name: _figures(each) for each in by_trap(verdicts)},
        "cases": [
            {
                "case": verdict.case,
                "grade": verdict.grade,
                "choice": verdict.choice,
                "confidence": verdict.confidence,
                "rule": verdict.rule,
                "said": verdict.said,
            }
            for verdict in verdicts
        ],
    }


def _figures(score: Score) -> dict[str, Any]:
    known = score.calibration
    return {
        "asked": score.asked,
        **{grade: score.grades[grade] for grade in GRADES},
        "abstained": score.abstained,
        "acts": known.outcomes,
        "brier": known.brier,
        "ece": known.ece,
        "calibrated": known.is_calibrated,
    }


def _show(name: str, verdicts: list[Verdict]) -> None:
    plain = env.plain_terminal()
    width = _PLAIN_WIDTH if plain else None
    console = Console(highlight=False, no_color=plain, soft_wrap=True, width=width)
    console.print(f"{len(verdicts)} cases, answered by {name}")
    console.print(_table("trap", by_trap(verdicts)))
    console.print(_table("card", [*by_card(verdicts), score("all", verdicts)]))
    for each in by_card(verdicts):
        console.print(f"{each.name}: confidence {each.calibration.said}")
    for verdict in verdicts:
        if verdict.grade not in ("right", "acceptable"):
            told = verdict.choice or verdict.said
            colour = _COLOURS.get(verdict.grade, "cyan")
            console.print(f"{verdict.grade} {verdict.case}: {told}", style=colour, markup=False)


def _table(first: str, scores: Iterable[Score]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for heading in ("asked", *GRADES, "to a person", "acts", "Brier", "ECE"):
        table.add_column(heading, justify="right")
    for each in scores:
        known = each.calibration
        table.add_row(
            each.name,
            str(each.asked),
            *(_coloured(grade, each.grades[grade]) for grade in GRADES),
            str(each.abstained),
            str(known.outcomes),
            *("" if value is None else f"{value:.3f}" for value in (known.brier, known.ece)),
        )
    return table


def _coloured(grade: str, count: int) -> str:
    if not count:
        return ""
    colour = _COLOURS.get(grade)
    return f"[{colour}]{count}[/]" if colour else str(count)
