"""Where the desk reads what speaks for safeguards: each source by its own door."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from adapters import registry
from adapters.cmdb import proposing
from adapters.cmdb.port import CI
from adapters.compliance.kinds import WRITTEN
from adapters.compliance.port import Fact
from adapters.errors import AdapterError
from adapters.monitoring import targets
from adapters.monitoring.models import Probe
from audit.models import Entry, Pending
from ethops.desk import discovery, evidence_facts, evidence_people, evidence_pictures
from ethops.desk.evidence_people import Person
from ethops.logins import doors, roles
from ethops.notify.models import Contact, Rule
from personas import queries as personas
from personas.approvals.models import Factor

log = logging.getLogger(__name__)

LOOKED_BACK: Final = timedelta(days=7)
"""As far as telemetry keeps what osquery found."""
GIVEN: Final = "person.roles"
"""The kind of entry that says which roles somebody was given."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every source is read against."""

    at: datetime
    cis: Sequence[CI]


def _listed(ground: Ground) -> Iterator[Fact]:
    yield evidence_facts.of_inventory(ground.cis, ground.at)
    yield evidence_facts.of_providers(ground.cis, ground.at)


def _unlisted(_: Ground) -> Iterator[Fact]:
    """Look for what is no CI right now, so that an empty list is not one that nobody filled."""
    looked = discovery.look()
    hosts = {one.key: one.first_seen_at for one in proposing.waiting().filter(kind="host")}
    yield evidence_facts.of_unlisted(
        hosts, left_out=looked.left_out, watchers=list(_watchers()), at=timezone.now()
    )


def _watchers() -> Iterator[str]:
    """Yield whoever would see a host that is no CI, and answers."""
    telemetry = registry.reader("telemetry")
    if "bus" in telemetry.capabilities:
        yield "bus"
    for one in telemetry.query_logs():
        if one.read_at is not None and not one.fault:
            yield f"log {one.name}"
    for server in targets.servers():
        try:
            targets.targets(server)
        except AdapterError as fault:
            log.info("no watcher: %s: %s", fault.code, fault)
        else:
            yield f"prometheus {server}"


def _hosts(ground: Ground) -> Iterator[Fact]:
    cmdb = registry.reader("cmdb")
    names = sorted({one.host for one in ground.cis if one.host})
    refs = cmdb.hosts_named(names)
    for host in cmdb.hosts(list(refs)):
        yield evidence_facts.of_host(refs[host.name], host, ground.at)


def _observers(ground: Ground) -> Iterator[Fact]:
    observers = registry.reader("telemetry").observers()
    refs = registry.reader("cmdb").hosts_named([one.host for one in observers])
    for one in observers:
        if one.host in refs:
            fact = evidence_facts.of_observer(refs[one.host], one, ground.at)
            yield from [fact] if fact else []


def _queried(ground: Ground) -> Iterator[Fact]:
    classes = {one.ref: one.ci_class for one in ground.cis}
    results = registry.reader("telemetry").results(ground.at - LOOKED_BACK)
    yield from evidence_pictures.of_results(results, classes)


def _probed(ground: Ground) -> Iterator[Fact]:
    """Look at the probes of file systems alone; there are CIs by the ten thousand."""
    known = {one.ref for one in ground.cis}
    probed = Probe.objects.filter(kind="filesystem", retired=False).values_list("ci_ref", flat=True)
    found = registry.reader("monitoring").probes_on(sorted(known.intersection(probed)))
    for ref, probes in groupby(found, key=attrgetter("ci_ref")):
        yield from evidence_facts.of_probes(ref, probes, ground.at)


def _documents(ground: Ground) -> Iterator[Fact]:
    """Read documents and not passages, of which an answer holds those of the first few alone."""
    found = registry.knowledge_reader().tagged([f"cis:{safeguard}" for safeguard in WRITTEN])
    yield from evidence_facts.of_documents(found, ground.at)


def _people(ground: Ground) -> Iterator[Fact]:
    pruned = Entry.objects.filter(kind="pruned").exists()
    yield from evidence_people.of_people(list(_persons()), ground.at, pruned=pruned)


def _persons() -> Iterator[Person]:
    """Yield everybody who has an open account and is no card, as it stands now."""
    with_factor = set(
        Factor.objects.filter(confirmed_at__isnull=False).values_list("person", flat=True)
    )
    recorded, cards = _recorded(), personas.card_names()
    users = User.objects.filter(is_active=True).select_related("auth_token")
    for user in users.prefetch_related("groups").order_by("pk"):
        name = user.get_username()
        if name in cards:
            continue
        held = frozenset(one.name for one in user.groups.all() if one.name in roles.ROLES)
        opens = user.has_usable_password() or bool(doors.mark_of(user))
        yield Person(
            name=name,
            superuser=user.is_superuser,
            roles=held,
            has_factor=name in with_factor,
            comes_in=opens and not hasattr(user, "auth_token"),
            seen_at=user.last_login or user.date_joined,
            recorded=recorded.get(name),
        )


def _recorded() -> dict[str, frozenset[str]]:
    """Return the roles that the record says somebody has, by name; the newest word counts."""
    said = Entry.objects.filter(kind=GIVEN).order_by("subject", "-seq").distinct("subject")
    found = {one.subject: _roles(json.loads(bytes(one.body))["body"]) for one in said}
    for fact in Pending.objects.filter(kind=GIVEN).order_by("n"):
        found[fact.subject] = _roles(fact.body)
    return found


def _roles(body: dict[str, object]) -> frozenset[str]:
    names = body.get("roles")
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()


def _told(ground: Ground) -> Iterator[Fact]:
    """Tell whether the contacts are there that rules name for incidents."""
    incidents = Q(ticket_class="") | Q(ticket_class="incident")
    rules = Rule.objects.filter(incidents, enabled=True, whom="contact").exclude(contact="")
    named = set(rules.values_list("contact", flat=True))
    there = set(Contact.objects.filter(name__in=named).values_list("name", flat=True))
    yield evidence_people.of_contacts(named, there, ground.at)


SOURCES: Final[tuple[Callable[[Ground], Iterator[Fact]], ...]] = (
    *(_listed, _unlisted, _hosts, _observers, _queried, _probed, _documents, _people, _told),
)
