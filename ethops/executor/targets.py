"""To whom notices may go: what the environment and the site file name, and nobody else."""

from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from adapters import site
from adapters.site import NotifyTarget
from ethops.executor import conf
from ethops.executor.conf import Executor

Pair: TypeAlias = tuple[str, str]


def declared() -> frozenset[Pair]:
    """Return the (kind, target) pairs that this installation declares."""
    settings = conf.executor()
    pairs = set(_everybody(settings))
    if settings.site is not None:
        pairs |= {*_contacts(settings.site, _stamp(settings.site)).values()}
    return frozenset(pairs)


def everybody() -> frozenset[Pair]:
    """Return those pairs that are told what is not for somebody by name."""
    return _everybody(conf.executor())


def of_name(name: str) -> frozenset[Pair]:
    """Return where a team or a person is told; those that the site does not name, as everybody."""
    settings = conf.executor()
    if settings.site is not None:
        told = _contacts(settings.site, _stamp(settings.site)).get(name)
        if told is not None:
            return frozenset({told})
    return _everybody(settings)


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


def _everybody(settings: Executor) -> frozenset[Pair]:
    pairs = {of_url(settings.notify)} if settings.notify else set()
    if settings.site is not None:
        pairs |= _of_file(settings.site, _stamp(settings.site))
    return frozenset(pairs)


@lru_cache(maxsize=1)
def _site(path: Path, _as_it_is: tuple[int, ...]) -> site.Site | None:
    """Read the file once as it is: each notice asks, and a large site takes a second to read."""
    return site.read(path).value


def _of_file(path: Path, as_it_is: tuple[int, ...]) -> frozenset[Pair]:
    found = _site(path, as_it_is)
    if found is None or found.notify is None:
        return frozenset()
    return frozenset({of_site(found.notify)})


def _contacts(path: Path, as_it_is: tuple[int, ...]) -> dict[str, Pair]:
    found = _site(path, as_it_is)
    return {one.name: of_site(one) for one in found.contacts} if found else {}
