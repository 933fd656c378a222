"""To whom notices may go: whom the environment, the site file and the desk's contacts name.

By mail also who is party to the ticket that it is about, and nobody else.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from adapters import site
from adapters.cmdb.declared import DEFAULT_JOIN_RULES
from adapters.cmdb.port import JoinRule
from adapters.monitoring.declared import DeclaredAlertmanager
from adapters.site import NotifyTarget
from ethops.executor import conf
from ethops.executor.conf import Executor
from ethops.notify.models import Contact, Notice
from ethops.notify.policy import Quiet
from personas.gate import Claim

Pair: TypeAlias = tuple[str, str]

SHAPES: Final = frozenset({"ntfy", "matrix"})
"""Kinds of contacts that HTTP carries."""


def declared() -> frozenset[Pair]:
    """Return the (kind, target) pairs that this installation declares."""
    kept = {of_kind(*row) for row in Contact.objects.values_list("kind", "target")}
    return named() | kept


def named() -> frozenset[Pair]:
    """Return those that its settings and its site file name."""
    settings = conf.executor()
    pairs = set(_everybody(settings))
    if settings.site is not None:
        pairs |= {*_contacts(settings.site, _stamp(settings.site)).values()}
    return frozenset(pairs)


def alertmanagers() -> tuple[DeclaredAlertmanager, ...]:
    """Return the Alertmanagers that the site declares."""
    found = _declared()
    return found.alertmanagers if found is not None else ()


def join_rules() -> tuple[JoinRule, ...]:
    """Return the rules by which the site joins alerts to CIs."""
    found = _declared()
    declared = tuple(rule.row() for rule in found.join_rules) if found is not None else ()
    return declared or DEFAULT_JOIN_RULES


def alertmanager_urls() -> frozenset[str]:
    """Return where silences may be made."""
    return frozenset(one.url for one in alertmanagers())


def is_party(claim: Claim) -> bool:
    """Tell whether a notice by mail is for who is party to its ticket."""
    said = claim.args
    if said["kind"] != "mail" or not claim.ticket_ref:
        return False
    return Notice.objects.filter(
        kind="mail", target=said["target"], ticket_ref=claim.ticket_ref
    ).exists()


def shape(target: str) -> str:
    """Return how what is sent to a URL is written: http, ntfy or matrix."""
    row = Contact.objects.filter(target=target).values_list("kind", flat=True).first()
    return row if row in SHAPES else "http"


def of_kind(kind: str, target: str) -> Pair:
    """Return the pair of a contact; whatever is sent to a URL goes by HTTP."""
    return ("http" if kind in SHAPES else kind), target


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


def quiet(pair: Pair) -> Quiet | None:
    """Return in which hours nobody is told there, if there are such."""
    found = _declared()
    said = found.notify if found else None
    if said is not None and said.quiet and of_site(said) == pair:
        return Quiet.of_hours(said.zone, said.quiet)
    rows = Contact.objects.filter(target=pair[1]).order_by("-declared", "name")
    return next((one.quiet for one in rows if one.quiet), None)


def of_url(url: str) -> Pair:
    """Return the pair that `mailto:` an address, or an http URL, stands for."""
    if url.startswith("mailto:"):
        return "mail", url.removeprefix("mailto:")
    return "http", url


def of_site(target: NotifyTarget) -> Pair:
    """Return the pair that the site file names."""
    return of_kind(target.kind, target.url or target.to or "")


def _declared() -> site.Site | None:
    """Return the site file as it is now; None where there is none, or a faulty one."""
    path = conf.executor().site
    return _site(path, _stamp(path)) if path is not None else None


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
