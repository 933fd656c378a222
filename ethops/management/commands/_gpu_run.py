"""`manage.py gpu run -- CMD`: the whole card for a command of somebody's."""

import getpass
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ethops import env
from ethops.jobs.foreign import Foreign
from gpu import relay, rows
from gpu.models import Card
from gpu.rows import Request
from gpu.states import FOREIGN, JobKind
from gpu.tiers import Tier, queue_name

Write = Callable[[str], object]


def run(write: Write, options: dict[str, Any]) -> int:
    """Queue the command, run it when the card is free, and end with its status."""
    del write
    command = asked(options["command"])
    if not command:
        sys.stderr.write("Name the command: manage.py gpu run -- python train.py\n")
        return 2
    if not Card.objects.filter(enabled=True, serves={}).exists():
        # A server that holds its own models gives its memory to nobody.
        _tell("No card is declared that is ours to give. `manage.py gpu cards` says how.")
        return 2
    tier = Tier(options["tier"])
    request = Request(
        tier=tier,
        slot=FOREIGN,
        kind=JobKind.HOLD,
        principal=f"person:{getpass.getuser()}",
        body={"command": command[0], "preemptible": bool(options["preemptible"])},
        deadline_s=float(options["max_hours"]) * 3600,
    )
    job_id = rows.submit(request)
    relay.publish(queue_name(tier, FOREIGN), job_id)
    _tell(f"Waiting for the card as {tier}; job {job_id}. Ctrl-C leaves the queue.")
    return Foreign(job_id, command, env.inherited(), _tell).run()


def asked(words: Sequence[str]) -> list[str]:
    """Return the command as it was typed; of its words only the first `--` is ours."""
    return list(words[1:] if words[:1] == ["--"] else words)


def _tell(words: str) -> None:
    # Standard output is the command's own.
    sys.stderr.write(f"gpu: {words}\n")
