"""Walk a recorded run through today's code, and show the first decision that differs."""

import dataclasses
import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from adapters import registry
from personas import recordings
from personas.errors import RunMissingError
from personas.runtime.replaying import Difference, RecordedRun, first_difference

Write = Callable[[str], object]
DIFFERS = 1
NO_RUN = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which run, and for whom it is printed."""
    parser.add_argument("run", type=UUID)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(write: Write, options: dict[str, Any]) -> int:
    """Print what differs; returns 0 where nothing does, 1 where something does.

    Raises:
        CommandError: there is no such run; the exit code is 2.
    """
    try:
        recorded = recordings.recorded_run(options["run"])
    except RunMissingError as fault:
        raise CommandError(f"{fault}. {fault.hint}", returncode=NO_RUN) from fault
    found = first_difference(recorded, registry.inference())
    write(json.dumps(_document(recorded, found)) if options["json"] else _said(recorded, found))
    return DIFFERS if found else 0


def _document(recorded: RecordedRun, found: Difference | None) -> dict[str, Any]:
    return {
        "run": recorded.id,
        "card": recorded.card,
        "ticket": recorded.ticket_ref,
        "steps": len(recorded.steps),
        "same": found is None,
        "difference": dataclasses.asdict(found) if found else None,
    }


def _said(recorded: RecordedRun, found: Difference | None) -> str:
    asked = sum(len(step.actions) for step in recorded.steps)
    whole = f"run {recorded.id} of {recorded.card}: {len(recorded.steps)} steps, {asked} proposals"
    if found is None:
        return f"same: {whole}, and today's code would go the same way"
    return (
        f"differs: {whole}\n"
        f"  step {found.step}, {found.what}\n"
        f"  recorded: {found.recorded or 'nothing'}\n"
        f"  today:    {found.today or 'nothing'}"
    )
