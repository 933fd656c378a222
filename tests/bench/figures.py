"""Figures and how they are shown: one line each, with the target that it is held against."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

KEPT = "<!-- Written by hand from here on; `make bench` keeps it. -->"

HEAD = """\
# Figures

Written by `make bench` on {date} ({machine}; load {load:.1f} before it began).
One run, nothing else on purpose on the machine. Absolute values are this machine's;
compare ratios, and look at the load first.

| what | found | target |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    found: str
    target: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(milliseconds: Sequence[float], digits: int = 1) -> str:
    """p50, p99 and the longest."""
    return (
        f"p50 {percentile(milliseconds, 0.5):.{digits}f},"
        f" p99 {percentile(milliseconds, 0.99):.{digits}f},"
        f" longest {max(milliseconds):.{digits}f} ms"
    )


def cpu(process: psutil.Process) -> float:
    """The processor seconds that a process has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def machine() -> str:
    """The machine in general terms."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def page(figures: Sequence[Figure], load: float) -> str:
    """The whole page as Markdown."""
    date = datetime.now(UTC).date().isoformat()
    head = HEAD.format(date=date, machine=machine(), load=load)
    return head + "".join(f"| {f.what} | {f.found} | {f.target} |\n" for f in figures)


def write(path: Path, text: str) -> None:
    """Write the page; what people wrote below the mark stays."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    _, mark, kept = old.partition(KEPT)
    path.write_text(f"{text}\n{KEPT}{kept if mark else chr(10)}", encoding="utf-8")
