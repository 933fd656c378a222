"""Names of what a card does, what a job is, and how a piece of a card's time ended."""

from enum import StrEnum


class Doing(StrEnum):
    """What a card does just now."""

    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    HELD = "held"
    SICK = "sick"


class JobKind(StrEnum):
    """What is asked of the card."""

    CHAT = "chat"
    GENERATE = "generate"
    EMBED = "embed"
    QUESTION = "question"
    HOLD = "hold"
    PROBE = "probe"


class PieceKind(StrEnum):
    """What a piece of a card's time was spent on."""

    LOAD = "load"
    RUN = "run"
    HOLD = "hold"
    FAULT = "fault"


class Ending(StrEnum):
    """How a piece of a card's time ended."""

    FINISHED = "finished"
    PREEMPTED = "preempted"
    FAILED = "failed"
    CANCELLED = "cancelled"


DOINGS = tuple(str(doing) for doing in Doing)
JOB_KINDS = tuple(str(kind) for kind in JobKind)
PIECE_KINDS = tuple(str(kind) for kind in PieceKind)
ENDINGS = tuple(str(ending) for ending in Ending)

FOREIGN = "card"
"""The slot of foreign work: the whole card, with nothing of ours resident."""
