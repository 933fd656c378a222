"""The process matrix of the house: what runs, as whom in the database, and how it is seen."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ethops.stack.ports import LOOPBACK, Ports


class Seen(StrEnum):
    """By what a process shows that it lives."""

    HEARTBEAT = "heartbeat"
    HTTP = "http"
    SQL = "sql"
    PING = "ping"


@dataclass(frozen=True, slots=True)
class Process:
    """One process of ours; its database role follows from its name (see ethops.env)."""

    name: str
    command: tuple[str, ...]
    seen: Seen
    path: str = ""
    """Asked over HTTP on the process's own port, where it is seen that way."""
    stop_group: int = 0
    """Groups are stopped in this order, each after the one before has ended."""
    card: str = ""
    """Which of the GPU's cards it serves, where it is a worker of one."""
    stands_back: bool = False
    """Where cores are short it leaves them to who waits for an answer, or for an effect."""

    @property
    def kind(self) -> str:
        """What it is called in the environment (ethops.env); workers of cards are of one kind."""
        return "gpu" if self.card else self.name


def processes(ports: Ports, cards: Sequence[str] = (), *, bus: bool = False) -> tuple[Process, ...]:
    """Every process of ours, in the order in which they start; one GPU worker per card.

    Where observers publish on a bus, one process hears it.
    """
    heard = (TELEMETRY,) if bus else ()
    return (*_house(ports), *heard, *(gpu_worker(card) for card in cards))


def gpu_worker(card: str) -> Process:
    """The one worker of a card; its queues come from the catalogue, its order from a policy."""
    name = f"gpu-{card}"
    command = (
        *("worker", "--hostname", f"{name}@%h", "--pool", "threads", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
    )
    return Process(name, _python("-m", "celery", "-A", "gpu.celery", *command), Seen.HEARTBEAT,
                   card=card)  # fmt: skip


TELEMETRY: Final = Process(
    "telemetry", (sys.executable, "-m", "django", "telemetry", "hear"), Seen.HEARTBEAT,
    stands_back=True,
)  # fmt: skip


def _house(ports: Ports) -> tuple[Process, ...]:
    return (
        Process("recorder", _python("-m", "audit.recorder"), Seen.HEARTBEAT, stop_group=1),
        Process("checkpointer", _python("-m", "audit.checkpointer"), Seen.HEARTBEAT, stop_group=1),
        Process("witnessing", _python("-m", "audit.witnessing"), Seen.HEARTBEAT),
        Process(
            "verifier", _python("-m", "django", "verifier"), Seen.HEARTBEAT, stands_back=True
        ),
        Process(
            "control", _worker("control", "control", threads=4), Seen.HEARTBEAT, stands_back=True
        ),
        Process("agent", _worker("agent", "agent", threads=4), Seen.HEARTBEAT, stands_back=True),
        Process(
            "executor",
            _worker("executor", "executor.light,executor.plays", threads=6),
            Seen.HEARTBEAT,
        ),
        Process(
            "web",
            _python(
                "-m", "uvicorn", "ethops.asgi:application", "--host", LOOPBACK,
                "--port", str(ports.web), "--lifespan", "off", "--loop", "uvloop",
                # It bounds what is kept of a head that does not end, which httptools does not.
                "--http", "h11",
                "--timeout-graceful-shutdown", "2", "--no-access-log", "--log-level", "warning",
            ),
            Seen.HTTP,
            path="/healthz",
        ),
        Process(
            "beat",
            _celery(
                "beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler",
                "--pidfile", "", "--loglevel", "WARNING",
            ),
            Seen.HEARTBEAT,
            stands_back=True,
        ),
        Process(
            "flower",
            _celery(
                "flower", f"--address={LOOPBACK}", f"--port={ports.flower}",
                # Workers send events anyway, and take no orders over Redis.
                "--enable_events=False", "--logging=warning",
            ),
            Seen.HTTP,
            path="/",
            stands_back=True,
        ),
    )  # fmt: skip


def _worker(name: str, queues: str, *, threads: int) -> tuple[str, ...]:
    return _celery(
        "worker", "--hostname", f"{name}@%h", "--queues", queues,
        "--pool", "threads", "--concurrency", str(threads),
        # No worker needs to know of the others.
        "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
    )  # fmt: skip


def _celery(*words: str) -> tuple[str, ...]:
    return _python("-m", "celery", "-A", "ethops.celery", *words)


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)
