"""The GPU from the command line: what it does, keys, foreign work, replays."""

import os
from argparse import REMAINDER, ArgumentParser, _SubParsersAction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adapters.errors import AdapterError
from ethops.management.commands import _gpu_cards, _gpu_keys, _gpu_replay, _gpu_run
from ethops.stack.errors import StackError
from ethops.stack.matrix import gpu_worker
from gpu.errors import GpuError
from gpu.policy.chosen import POLICIES
from gpu.replay.trace import BadTraceError
from gpu.tiers import Tier


class Command(BaseCommand):
    """`manage.py gpu cards|unpin|worker|key|run|simulate|replay`."""

    help = "Cards and slots, keys of the proxy, foreign work on the card, replays."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand per thing."""
        parts = parser.add_subparsers(dest="part", required=True)
        cards = parts.add_parser("cards", help="what each card does and which slots there are")
        cards.add_argument("--json", action="store_true", help="for programs")
        unpin = parts.add_parser("unpin", help="let a slot take the digest its model has now")
        unpin.add_argument("slot")
        worker = parts.add_parser("worker", help="serve a card of another host, in front")
        worker.add_argument("card")
        _add_keys(parts)
        _add_run(parts)
        _add_simulation(parts)

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them; faults of ours are told with their mend."""
        try:
            status = {
                "cards": _gpu_cards.show,
                "unpin": _gpu_cards.unpin,
                "worker": _worker,
                "key": _gpu_keys.run,
                "run": _gpu_run.run,
                "simulate": _gpu_replay.simulate,
                "replay": _gpu_replay.replay,
            }[part](self.stdout.write, options)
        except (GpuError, StackError, AdapterError) as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        except BadTraceError as fault:
            raise CommandError(str(fault)) from fault
        if status:
            raise SystemExit(status)


def _worker(write: Any, options: dict[str, Any]) -> int:
    del write
    command = gpu_worker(options["card"]).command
    os.execv(command[0], command)  # noqa: S606 - this process becomes the worker


def _add_keys(parts: "_SubParsersAction[Any]") -> None:
    key = parts.add_parser("key", help="keys for programs that use the proxy")
    acts = key.add_subparsers(dest="act", required=True)
    add = acts.add_parser("add", help="make a key; it is shown once")
    add.add_argument("name")
    add.add_argument("--tier", choices=[str(t) for t in Tier], default=str(Tier.RESEARCH))
    add.add_argument("--slot", action="append", default=[], help="only these; may be repeated")
    add.add_argument("--max-waiting", type=int, default=16)
    off = acts.add_parser("off", help="a key that is taken back")
    off.add_argument("name")
    listed = acts.add_parser("list", help="who has a key, and for what")
    listed.add_argument("--json", action="store_true", help="for programs")


def _add_run(parts: "_SubParsersAction[Any]") -> None:
    run = parts.add_parser("run", help="run a command that has the card for itself")
    run.add_argument("--tier", choices=[str(t) for t in Tier], default=str(Tier.RESEARCH))
    run.add_argument(
        "--preemptible", action="store_true", help="operations may end it (SIGTERM, then 30 s)"
    )
    run.add_argument("--max-hours", type=float, default=12.0, help="wait and run in all")
    run.add_argument("command", nargs=REMAINDER, help="-- CMD ARG...")


def _add_simulation(parts: "_SubParsersAction[Any]") -> None:
    simulate = parts.add_parser("simulate", help="a simulated Ollama with a simulated card")
    simulate.add_argument("--port", type=int, default=11434)
    simulate.add_argument("--scale", type=float, default=1.0, help="0.05: twenty times faster")
    simulate.add_argument("--profile", default="simulated", help="a name, or a path")
    simulate.add_argument("--events", type=Path, help="write what the card does into this file")
    simulate.add_argument("--seed", type=int, default=0)
    replay = parts.add_parser("replay", help="play a trace through the queue")
    replay.add_argument("--trace", type=Path, required=True)
    replay.add_argument("--events", type=Path, required=True, help="the log to write")
    replay.add_argument("--policy", choices=sorted(POLICIES), default="best")
    how = replay.add_mutually_exclusive_group()
    how.add_argument("--virtual", action="store_true", help="the policy alone, in virtual time")
    how.add_argument("--scale", type=float, default=0.05, help="through Celery and Redis, so fast")
    replay.add_argument("--here", action="store_true", help="into the stack of the environment")
