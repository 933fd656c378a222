"""To whom notices may go: what the environment and the site file name, and nobody else."""

from adapters import site
from adapters.site import NotifyTarget
from ethops.executor import conf


def declared() -> frozenset[tuple[str, str]]:
    """Return the (kind, target) pairs that this installation declares."""
    settings = conf.executor()
    pairs: set[tuple[str, str]] = set()
    if settings.notify:
        pairs.add(of_url(settings.notify))
    if settings.site is not None:
        found = site.read(settings.site)
        if found.value is not None and found.value.notify is not None:
            pairs.add(of_site(found.value.notify))
    return frozenset(pairs)


def of_url(url: str) -> tuple[str, str]:
    """Return the pair that `mailto:` an address, or an http URL, stands for."""
    if url.startswith("mailto:"):
        return "mail", url.removeprefix("mailto:")
    return "http", url


def of_site(target: NotifyTarget) -> tuple[str, str]:
    """Return the pair that the site file names."""
    return target.kind, target.url or target.to or ""
