"""Which process wrote a row, and whether it is known to be dead.

A pid comes again and a host's clock is set, so a process is known by its place (host, boot and pid
namespace), its pid, and the tick since boot in which it began (proc(5), `starttime`).
"""

import hashlib
import os
import re
import socket
from functools import cache
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_NAMED: Final = re.compile(r"(?P<place>[^:]+):(?P<pid>\d+):(?P<began>\d+)")


@cache
def identity() -> str:
    """Return who we are: `place:pid:began`, 50 characters at most."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_began(pid)}"


def is_dead(name: str) -> bool:
    """Tell whether a process of this very place is known not to live any more."""
    named = _NAMED.fullmatch(name)
    if named is None or named["place"] != _place():
        return False
    return _began(int(named["pid"])) != int(named["began"])


@cache
def _place() -> str:
    host = re.sub(r"[^0-9A-Za-z.-]", "-", socket.gethostname())[:20]
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    inside = (PROC / "self/ns/pid").readlink()
    return f"{host}-{hashlib.sha256(f'{host} {boot} {inside}'.encode()).hexdigest()[:8]}"


def _began(pid: int) -> int:
    """Return the tick in which a process began, 0 where there is none; a zombie is none."""
    try:
        told = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The name of the command stands in brackets and may hold anything.
    fields = told.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])
