"""Idle memory of a whole stack: PSS, so that what processes share is counted once."""

from collections.abc import Iterator

import psutil

from tests.bench.stack import Stack

MIB = 2**20


def measure(stack: Stack) -> dict[str, float]:
    """Process -> MiB with all its children; the supervisor is one of them."""
    status = stack.status()
    named = {p.name: p.pid for p in status.processes if p.pid}
    sizes = {name: sum(_pss(process) for process in _family(pid)) for name, pid in named.items()}
    return {**sizes, "supervisor": _pss(psutil.Process(status.pid))}


def _family(pid: int) -> Iterator[psutil.Process]:
    process = psutil.Process(pid)
    yield process
    yield from process.children(recursive=True)


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / MIB
    except psutil.NoSuchProcess:
        return 0.0
