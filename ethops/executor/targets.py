"""To whom notices may go: what the environment and the site file name, and nobody else."""

from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from adapters import site
from adapters.site import NotifyTarget
from ethops.executor import conf

Pair: TypeAlias = tuple[str, str]


def declared() -> frozenset[Pair]:
    """Return the (kind, target) pairs that this installation declares."""
    settings = conf.executor()
    pairs: set[Pair] = set()
    if settings.notify:
        pairs.add(of_url(settings.notify))
    if settings.site is not None:
        pairs |= _of_file(settings.site, _stamp(settings.site))
    return frozenset(pairs)


def of_url(url: str) -> Pair:
    """Return the pair that `mailto:` an address, or an http URL, stands for."""
    if url.startswith("mailto:"):
        return "mail", url.removeprefix("mailto:")
    return "http", url


def of_site(target: NotifyTarget) -> Pair:
    """Return the pair that the site file names."""
    return target.kind, target.url or target.to or ""


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when the file does, and nothing where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    # Not mtime, which a copy may bring along from long ago.
    return found.st_ino, found.st_size, found.st_ctime_ns


@lru_cache(maxsize=1)
def _of_file(path: Path, _as_it_is: tuple[int, ...]) -> frozenset[Pair]:
    """Read the file once as it is: each notice asks, and a large site takes a second to read."""
    found = site.read(path).value
    if found is None or found.notify is None:
        return frozenset()
    return frozenset({of_site(found.notify)})
