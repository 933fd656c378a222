"""When which process is killed: a plan from a seed, without I/O."""

import random
from dataclasses import dataclass

PROCESSES = (
    "postgres",
    "redis",
    "recorder",
    "checkpointer",
    "witnessing",
    "verifier",
    "control",
    "agent",
    "executor",
    "web",
    "beat",
)
WIPE = "FLUSHALL"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, and when, in seconds from the beginning."""

    at: float
    what: str


def plan(seed: int, seconds: float, *, wipes: int = 1) -> tuple[Fault, ...]:
    """Return a kill every one to three seconds, of each process before any again, and the wipes."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    each = seconds / wipes
    faults = [Fault((turn + chance.uniform(0.4, 0.6)) * each, WIPE) for turn in range(wipes)]
    at, bag = 0.0, list[str]()
    while (at := at + chance.uniform(1.0, 3.0)) < seconds:
        if not bag:
            bag = chance.sample(PROCESSES, len(PROCESSES))
        faults.append(Fault(at, bag.pop()))
    return tuple(sorted(faults, key=lambda fault: fault.at))
