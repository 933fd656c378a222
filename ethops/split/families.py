"""Who is who to the operating system: families of processes, what each owns and reaches. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SHARED_GROUP: Final = "ethops-stop"
"""Who is in it may lay the stop file into the state folder; everybody sees it there."""
FORGE: Final = "forge"
"""Of the state folder: the embedded forge, which the executor alone writes."""
FORGE_GROUP: Final = "ethops-forge"
"""Who is in it reads what lies there: the desk, which indexes what people have merged."""


class Egress(StrEnum):
    """Where a family may open connections to."""

    OPEN = "open"
    CLOSED = "closed"
    """To this host itself, and to the addresses of PostgreSQL, Redis and the GPU's servers."""


@dataclass(frozen=True, slots=True)
class Family:
    """One user of the operating system, and the kinds of processes that run as it."""

    user: str
    title: str
    kinds: tuple[str, ...]
    egress: Egress
    folder: str = ""
    """Of the state folder, its alone."""
    acts: bool = False
    """It changes this host on purpose, so it is not shut off from it."""
    devices: bool = False
    """It asks a GPU of this host how much memory is taken."""


FAMILIES: Final = (
    Family("ethops-web", "desk and dispatcher",
           ("web", "control", "beat", "flower", "telemetry"), Egress.OPEN),
    Family("ethops-agent", "agents", ("agent",), Egress.CLOSED),
    Family("ethops-exec", "executor", ("executor",), Egress.OPEN, folder="plays", acts=True),
    Family("ethops-gpu", "workers of GPU cards", ("gpu",), Egress.CLOSED, devices=True),
    Family("ethops-audit", "recorder, signer and verifier",
           ("recorder", "checkpointer", "witnessing", "verifier"), Egress.OPEN, folder="ledger"),
)  # fmt: skip


def family_of(kind: str) -> Family:
    """Return the family of a kind of process.

    Raises:
        KeyError: no family has it: every process belongs to one.
    """
    for family in FAMILIES:
        if kind in family.kinds:
            return family
    raise KeyError(kind)
