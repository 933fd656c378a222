"""Known errors: which problem with a workaround an incident is of, found before anybody is asked.

By what the alert is called and the class of the CI, as the problem's own incidents have them; by
rows alone, so that no model is asked and none can be talked into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.tickets.models import Link, Problem, Ticket
from adapters.tickets.port import Link as Hangs
from adapters.tickets.port import Ticket as Incident
from ethops.desk.models import Event
from ethops.desk.patterns import entry_of
from ethops.executor import tickets

RULE: Final = "known errors"
NAMESPACE: Final = UUID("a4a4a1c0-0d0b-4e2c-8b0e-5a6f0f9a7d11")
MOST: Final = 200
LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class KnownError:
    """A problem whose cause is still there, and what helps meanwhile."""

    problem: str
    title: str
    workaround: str
    entry: str
    """The entry of the catalogue that was the same repair once too often, if that opened it."""


def matching(incident: Incident) -> KnownError | None:
    """Return the known error that an incident is of: of its own CI first, then the newest."""
    alert = _alert(incident.ref)
    cis = registry.reader("cmdb").by_refs(incident.ci_refs)
    if not alert or not cis:
        return None
    known = _known()
    own: list[tuple[bool, Ticket]] = []
    for problem, (alerts, refs, classes) in _marks(known).items():
        if alert in alerts and classes & {ci.ci_class for ci in cis}:
            own.append((not refs.isdisjoint(incident.ci_refs), known[problem].ticket))
    if not own:
        return None
    _, found = max(own, key=lambda one: (one[0], one[1].opened_at))
    return KnownError(
        problem=found.ref,
        title=found.title,
        workaround=known[found.ref].workaround[:LONGEST],
        entry=entry_of(found.cause_key or ""),
    )


def _alert(ref: str) -> str:
    named = Event.objects.filter(ticket_ref=ref, status="firing").order_by("at")
    return str(named.values_list("labels__alertname", flat=True).first() or "")


def _known() -> Mapping[str, Problem]:
    """Return known errors whose cause is still there."""
    rows = Problem.objects.filter(known_error=True, ticket__state__in=("new", "assigned"))
    found = rows.select_related("ticket").order_by("-ticket__opened_at")[:MOST]
    return {one.ticket_id: one for one in found}


def _marks(known: Mapping[str, Problem]) -> Mapping[str, tuple[set[str], set[str], set[str]]]:
    """Return by problem the alerts, CIs and classes of its incidents."""
    links = Link.objects.filter(kind="caused_by", other_id__in=list(known))
    of: dict[str, list[str]] = {}
    for incident, problem in links.values_list("ticket_id", "other_id"):
        of.setdefault(incident, []).append(problem)
    events = Event.objects.filter(ticket_ref__in=list(of), status="firing").exclude(ci_ref="")
    rows = list(events.values_list("ticket_ref", "labels__alertname", "ci_ref").distinct())
    by_ref = registry.reader("cmdb").by_refs(sorted({ci for *_, ci in rows}))
    classes = {ci.ref: ci.ci_class for ci in by_ref}
    marks: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for incident, alert, ci in rows:
        for problem in of[incident]:
            alerts, refs, ci_classes = marks.setdefault(problem, (set(), set(), set()))
            alerts.add(str(alert or ""))
            refs.add(ci)
            ci_classes |= {classes[ci]} if ci in classes else set()
    return marks


@transaction.atomic
def tell(incident: Incident) -> Mapping[str, str]:
    """Say in an incident which known error it is of, hang it on that, and return it for a run."""
    found = matching(incident)
    if found is None:
        return {}
    key = f"{incident.ref}:{found.problem}"
    tickets.comment_by_rule(
        key=uuid5(NAMESPACE, key),
        ref=incident.ref,
        rule=RULE,
        text=f"Known error {found.problem}: {found.title}.\nWorkaround: {found.workaround}",
        tainted=False,
    )
    linked = Link.objects.filter(ticket_id=incident.ref, kind="caused_by", other_id=found.problem)
    if not linked.exists():
        tickets.link_by_rule(
            key=uuid5(NAMESPACE, f"{key}:link"),
            link=Hangs(incident.ref, "caused_by", found.problem),
            rule=RULE,
        )
    return {"problem": found.problem, "workaround": found.workaround, "entry": found.entry}
