"""What stands around the CI of an open incident, in names and texts, as the graph says it."""

from datetime import datetime

from adapters import registry
from adapters.tickets.states import SETTLED
from ethops.pages.words import Moment, count, listed
from ethops.world.tickets import Dossier
from personas.runtime import around
from personas.runtime.around import Around


def facts(dossier: Dossier, now: datetime) -> list[tuple[str, str]]:
    """Return what is known of it; of more than one CI, and of what is settled, nothing."""
    one = dossier.ticket
    if one.ticket_class != "incident" or one.state in SETTLED or len(dossier.cis) != 1:
        return []
    readers = registry.reader("graph"), registry.reader("cmdb")
    others = around.ill(registry.reader("tickets"), now)
    found = around.look(*readers, dossier.cis[0].ref, others, now)
    if found is None:
        return [("What stands on it", "unknown: the graph does not answer")]
    return told(found, now) if found.trust.known else []


def told(found: Around, now: datetime) -> list[tuple[str, str]]:
    """Say how many stand on it, what changed near it, and how far both may be believed."""
    said = [
        ("What stands on it", _above(found)),
        ("Stands on one thing", _shared(found)),
        ("Changed near it", _changed(found)),
        ("Known of that", _trusted(found, now)),
    ]
    return [(name, text) for name, text in said if text]


def _above(found: Around) -> str:
    if not found.above.places:
        return "nothing that is declared"
    layers = listed([f"{number} {layer}" for layer, number in found.layers.items()])
    names = f": {', '.join(found.names)}" if found.names else ""
    more = len(found.above.places) - len(found.names)
    return f"{layers}{names}{f' and {more} more' if names and more else ''}"


def _shared(found: Around) -> str:
    if found.cause is None:
        return ""
    others = count(len(found.cause.explains) - 1, "other")
    name = found.cause.ref if found.cause.ref in found.known else "a place that is no CI"
    way = ", ".join(found.said(found.path))
    return f"with {others} that fell ill lately, on {name}{f': {way}' if way else ''}"


def _changed(found: Around) -> str:
    if not found.changed:
        return ""
    said = "; ".join(found.said(found.changed))
    return f"{count(len(found.changed), 'relation')} within a day{f': {said}' if said else ''}"


def _trusted(found: Around, now: datetime) -> str:
    trust = found.trust
    seen = f"seen {Moment(trust.seen_at, now).ago} ago, " if trust.seen_at else ""
    overdue = ", overdue: do not rely on it" if trust.stale else ""
    cut = "" if trust.complete else ", and there is more"
    return f"{seen}{trust.confidence} % sure{overdue}{cut}"
