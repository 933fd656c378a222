"""Look at runs and the queue, and steer a run or a card in a person's name."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from ethops.management.commands._persons import refused, signed
from personas import controls, intents
from personas.errors import PersonaError
from personas.models import Run
from personas.states import CONTROLS, LIVE, Control

Write = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the acts."""
    acts = parser.add_subparsers(dest="act", required=True)
    for name, says in (("list", "runs that are not over"), ("queue", "places and who waits")):
        acts.add_parser(name, help=says).add_argument("--json", action="store_true")
    for act in CONTROLS:
        one = acts.add_parser(act, help=f"{act} one run")
        one.add_argument("run", type=UUID)
        signed(one)
    for name, says in (
        ("isolate-card", "no new runs of a card; its live ones stand apart"),
        ("release-card", "a card may have runs again"),
    ):
        one = acts.add_parser(name, help=says)
        one.add_argument("card")
        signed(one)
    bound = acts.add_parser("environment", help="how many runs at once, and how many may wait")
    bound.add_argument("name")
    bound.add_argument("--at-once", type=int, required=True)
    bound.add_argument("--queued", type=int, required=True)
    signed(bound)


def run(write: Write, options: dict[str, Any]) -> None:
    """Do one act.

    Raises:
        CommandError: it was refused; the text says why.
    """
    act = str(options["act"])
    try:
        with refused():
            write(_READS[act](as_json=options["json"]) if act in _READS else _done(act, options))
    except PersonaError as fault:
        raise CommandError(f"{fault}. {fault.hint}") from fault


def _done(act: str, options: dict[str, Any]) -> str:
    person, why = options["by"], options["why"]
    if act == "isolate-card":
        count = controls.isolate_card(card=options["card"], person=person, why=why)
        return f"{options['card']} has no new runs; {count} stand apart."
    if act == "release-card":
        released = controls.release_card(card=options["card"], person=person, why=why)
        return f"{options['card']} {'may have runs again' if released else 'was not isolated'}."
    if act == "environment":
        intents.set_environment(
            name=options["name"],
            max_concurrent=options["at_once"],
            max_queued=options["queued"],
            person=person,
            why=why,
        )
        return f"{options['name']}: {options['at_once']} at once, {options['queued']} may wait."
    told: Control = next(each for each in CONTROLS if each == act)
    state = controls.control(run_id=options["run"], act=told, person=person, why=why)
    return f"Run {options['run']} is {state.replace('_', ' ')}."


def _list(*, as_json: bool) -> str:
    found = Run.objects.filter(state__in=[*LIVE, "isolated"]).order_by("created_at")
    rows = [
        {
            "run": str(one.id),
            "card": one.card_id,
            "ticket": one.ticket_ref,
            "state": one.state,
            "step": one.steps + 1,
            "retries": one.retries,
            "told_by": one.told_by,
            "why": one.why,
        }
        for one in found
    ]
    if as_json:
        return json.dumps(rows)
    lines = [
        f"{row['run']}  {row['state']:9} {row['card']:22} {row['ticket']}  step {row['step']}"
        + (f"  {row['told_by'] or 'retried'}: {row['why']}" if row["why"] else "")
        for row in rows
    ]
    return "\n".join(lines) or "No run is at work, held or waiting."


def _queue(*, as_json: bool) -> str:
    found = intents.queues()
    if as_json:
        return json.dumps(
            [
                {
                    "environment": one.environment,
                    "at_work": one.at_work,
                    "max_concurrent": one.max_concurrent,
                    "queued": one.queued,
                    "max_queued": one.max_queued,
                    "oldest": one.oldest.isoformat() if one.oldest else None,
                }
                for one in found
            ]
        )
    return "\n".join(
        f"{one.environment:16} {one.at_work} of {one.max_concurrent} at work,"
        f" {one.queued} of {one.max_queued} waiting"
        for one in found
    )


_READS: dict[str, Callable[..., str]] = {"list": _list, "queue": _queue}
