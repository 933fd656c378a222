"""Replays: a trace through the policy alone, or through Celery, Redis and a simulated card."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ethops.stack.rehearsal import rehearsal
from gpu import conf
from gpu.errors import BadProfileError
from gpu.policy.chosen import named
from gpu.profile import read_profile
from gpu.replay import events, sending, trace, virtual
from gpu.replay.trace import TraceJob
from gpu.simulated import serve
from gpu.simulated.card import card_of

Write = Callable[[str], object]


def simulate(write: Write, options: dict[str, Any]) -> int:
    """Serve a simulated Ollama until it is interrupted."""
    write(f"A simulated Ollama on http://127.0.0.1:{options['port']}; Ctrl-C ends it.")
    found = read_profile(options["profile"])
    if found.value is None:
        raise BadProfileError("; ".join(map(str, found.faults)))
    card = card_of(found.value, scale=options["scale"], seed=options["seed"])
    serve.serve(card, port=options["port"], events=options["events"])
    return 0


def replay(write: Write, options: dict[str, Any]) -> int:
    """Play a trace and write its event log."""
    jobs = trace.read(options["trace"])
    log: Path = options["events"].absolute()
    if options["here"]:
        return _send(jobs, log)
    log.unlink(missing_ok=True)
    if options["virtual"]:
        events.write(log, virtual.replay(jobs, named(options["policy"]), virtual.SIMULATED))
        write(f"{len(jobs)} jobs under {options['policy']}: {log}")
        return 0
    return _rehearse(write, options, jobs, log)


def _rehearse(write: Write, options: dict[str, Any], jobs: list[TraceJob], log: Path) -> int:
    began = "about" if jobs else ""
    last = max((job.at or 0.0 for job in jobs), default=0.0) * options["scale"]
    sys.stderr.write(f"{len(jobs)} jobs, {began} {last:.0f} s and what is left then\n")
    with rehearsal(scale=options["scale"], policy=options["policy"], events=log) as stage:
        status = stage.run(
            *("gpu", "replay", "--here", "--trace", str(Path(options["trace"]).absolute())),
            *("--events", str(log), "--policy", options["policy"]),
        )
    if status == 0:
        events.write(log, sorted(events.read(log), key=lambda event: event.at))
        write(f"{len(jobs)} jobs under {options['policy']} at scale {options['scale']:g}: {log}")
    return status


def _send(jobs: list[TraceJob], log: Path) -> int:
    columns = (TextColumn("jobs ended"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(jobs))
        try:
            sending.Sender(
                jobs, conf.scale(), log, lambda ended: progress.update(bar, completed=ended)
            ).send_all()
        except sending.StalledError as fault:
            sys.stderr.write(f"{fault}. See the worker's log.\n")
            return 1
    return 0
