"""The site file: hosts, CIs with probes, join rules, keys, observers, tools, and whom to tell."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from adapters import declared, environments
from adapters.cmdb.declared import DEFAULT_JOIN_RULES, DeclaredCI, DeclaredHost, DeclaredJoinRule
from adapters.cmdb.port import Inventory
from adapters.compliance.declared import DeclaredExemption
from adapters.declared import Declaration, Fault, Read, refusal
from adapters.environments import DeclaredEnvironment
from adapters.levels import PROVIDED, ServiceLevels, TextRefusedError, Who, zone
from adapters.monitoring.declared import DeclaredAlertmanager, DeclaredProbe
from adapters.telemetry.declared import DeclaredKey, DeclaredObserver, DeclaredQueryLog
from adapters.tickets.declared import DeclaredRequestModel
from adapters.tickets.itop.declared import DeclaredItop
from adapters.tools import DeclaredTool

SOURCE = "site"
"""The name under which the CMDB keeps what this file declares."""


SourceBeginning = Annotated[
    str,
    Field(
        max_length=400, pattern=r"^(?:(?:https|ssh)://[A-Za-z0-9._~@:/+-]+|/[A-Za-z0-9._+@/ -]+)$"
    ),
]


StateName = Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"


def _zone(name: str) -> str:
    try:
        return zone(name)
    except TextRefusedError as fault:
        raise refusal(fault.what, fault.mend) from fault


class SiteCI(DeclaredCI):
    """A CI and the probes that stand on it."""

    probes: Annotated[tuple[DeclaredProbe, ...], Field(max_length=32)] = ()


class NotifyTarget(Declaration):
    """Where a person is told: an HTTP POST, ntfy, a room of Matrix, or mail."""

    kind: Literal["http", "mail", "ntfy", "matrix"]
    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[!-~]+$")] | None = None
    to: Annotated[str, Field(max_length=200, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """In which a clock is read there."""
    quiet: Annotated[str, Field(pattern=rf"^{CLOCK}-{CLOCK}$")] | None = None
    """When nobody is told there, such as 22:00-07:00; P1 pierces it."""

    @model_validator(mode="after")
    def _addressed(self) -> "NotifyTarget":
        wanted = "to" if self.kind == "mail" else "url"
        given = {name for name in ("url", "to") if getattr(self, name) is not None}
        if given != {wanted}:
            raise refusal(f"A notification by {self.kind} needs `{wanted}` alone.", "Give that.")
        return self


class Contact(NotifyTarget):
    """Where one team or one person is told what is escalated to them."""

    name: Annotated[Who, Field(min_length=1)]
    handover: Annotated[str, Field(pattern=rf"^{CLOCK}$")] | None = None
    """When he is told each day what happened since the day before."""
    escalates_to: Annotated[Who, Field()] = ""
    """Another contact, who is told where he is silent."""


class NotificationRule(Declaration):
    """Who is to be told when something happens to a ticket."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    on: Literal["opened", "moved", "said"]
    ticket_class: Literal["incident", "problem", "change", "request"] | None = None
    priorities: tuple[Literal["P1", "P2", "P3", "P4"], ...] = ()
    states: Annotated[tuple[StateName, ...], Field(max_length=6)] = ()
    service: Annotated[str, Field(max_length=64)] = ""
    whom: Literal["contact", "requester", "watchers", "assignee", "team"] = "contact"
    contact: Annotated[Who, Field()] = ""
    until_acknowledged: bool = False

    @model_validator(mode="after")
    def _named(self) -> "NotificationRule":
        if (self.whom == "contact") != bool(self.contact):
            raise refusal(
                "A rule names a contact, or whom else to tell.", "Give `contact`, or `whom`."
            )
        return self


class Approving(Declaration):
    """How long people have to decide what agents propose."""

    delay_s: int = Field(default=120, ge=30, le=86_400)
    """Where one person operates alone: so long he waits before he approves."""
    veto_s: int = Field(default=300, ge=30, le=86_400)
    """So long people may object to what happens by itself, once they were told."""
    standard_s: int = Field(default=86_400, ge=60, le=2_592_000)
    """So long a proposal of a standard change waits for a person; its run is parked meanwhile."""
    normal_s: int = Field(default=259_200, ge=60, le=2_592_000)
    """So long one of a normal change: over a weekend."""
    emergency_s: int = Field(default=28_800, ge=60, le=2_592_000)
    """So long one of an emergency: over a night. What was asked too long ago is not urgent."""


class SiteAutonomy(Declaration):
    """Numbers by which agents are held back, beside those on the cards and in the catalogue."""

    ticket_runs: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Runs that one ticket may have."""
    ticket_questions: Annotated[int, Field(ge=0, le=50)] | None = None
    """Questions that agents may ask people about one ticket."""
    ticket_pulls: Annotated[int, Field(ge=0, le=20)] | None = None
    """Pull requests that agents may open for one ticket; none unless this says so."""
    pulls_per_hour: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Pull requests that one card may open."""
    question_hours: Annotated[float, Field(gt=0, le=720)] | None = None
    """So long a question waits for an answer; then a person is asked for as if there were none."""
    ticket_changes: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Changes that one ticket may see."""
    fleet_changes_per_hour: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Changes of all agents together; those that only look are not counted."""
    hour_share: Annotated[float, Field(ge=0, le=1)] | None = None
    """What one CI may use of an entry's uses in an hour."""
    hour_reserve: Annotated[float, Field(ge=0, le=1)] | None = None
    """What is kept of an entry's uses, and of the fleet's changes, for CIs of impact 1."""
    breaker_window_s: Annotated[int, Field(ge=10, le=86_400)] | None = None
    breaker_failed: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many changes that failed, or are in doubt, within the window open the breaker."""
    breaker_denied: Annotated[int, Field(ge=1, le=1000)] | None = None
    breaker_abandoned: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Runs that were cut off at a limit."""
    breaker_calm_s: Annotated[int, Field(ge=0, le=604_800)] | None = None
    """After so long without any of that it tries again by itself; 0 leaves it to a person."""
    breaker_probes: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many changes that went well, one at a time, close it."""
    veto_least: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Verdicts below which nobody is promoted to `veto`, but against the figures."""
    veto_lower: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share that they must prove at least (Wilson, 95 %)."""
    act_least: Annotated[int, Field(ge=0, le=100_000)] | None = None
    act_lower: Annotated[float, Field(ge=0, le=1)] | None = None
    reopened_within_s: Annotated[int, Field(ge=60, le=2_592_000)] | None = None
    """The same trouble within this time, and the change was not right after all."""

    def numbers(self) -> dict[str, float]:
        """Return what is declared, by name."""
        return {name: float(v) for name, v in self.model_dump(exclude_none=True).items()}


class MajorCriterion(Declaration):
    """One way in which an incident is a major one: all that it names holds."""

    name: Annotated[str, Field(min_length=3, max_length=100)]
    priority: Literal["P1", "P2", "P3", "P4"] | None = None
    """At least so urgent."""
    breadth: Annotated[int, Field(ge=2, le=10_000)] | None = None
    """So many CIs at least, those of its children included."""
    lifeline: bool = False
    """One of its CIs is a lifeline."""


DEFAULT_MAJOR: Final = (
    MajorCriterion(name="many CIs at once", priority="P3", breadth=8),
    MajorCriterion(name="a lifeline, and urgent", priority="P1", lifeline=True),
)


class SiteMajor(Declaration):
    """When an incident is a major one, and how often people say how it stands."""

    criteria: Annotated[tuple[MajorCriterion, ...], Field(max_length=20)] = DEFAULT_MAJOR
    """Any of them is enough; none at all leaves it to people to declare one."""
    update_minutes: Annotated[int, Field(ge=5, le=1440)] = 30


class Site(Declaration):
    """Everything one installation declares about its world."""

    hosts: tuple[DeclaredHost, ...] = ()
    cis: tuple[SiteCI, ...] = ()
    join_rules: tuple[DeclaredJoinRule, ...] = ()
    """None: the label `ci` names the CI, as our own probes set it."""
    keys: tuple[DeclaredKey, ...] = ()
    """What ethops logs in to hosts with; each use of one must have a permit."""
    observers: tuple[DeclaredObserver, ...] = ()
    """Who sees what happens on a host."""
    query_logs: Annotated[tuple[DeclaredQueryLog, ...], Field(max_length=32)] = ()
    """What osquery finds on hosts, and which CI each of them is."""
    alertmanagers: Annotated[tuple[DeclaredAlertmanager, ...], Field(max_length=16)] = ()
    """Who is silenced while a maintenance window lasts."""
    request_models: Annotated[tuple[DeclaredRequestModel, ...], Field(max_length=100)] = ()
    """What may be requested: the service catalogue."""
    itop: DeclaredItop = DeclaredItop()
    """What its iTop demands beyond iTop's own model."""
    tools: Annotated[tuple[DeclaredTool, ...], Field(max_length=100)] = ()
    """Programs that agents' commands may be of; what is not named here is never started."""
    environments: Annotated[tuple[DeclaredEnvironment, ...], Field(max_length=50)] = ()
    """Where runs are at work, so that a full one holds no other back."""
    notify: NotifyTarget | None = None
    contacts: Annotated[tuple[Contact, ...], Field(max_length=200)] = ()
    """Teams and persons who are told elsewhere than `notify`; whoever is not here is told there."""
    notification_rules: Annotated[tuple[NotificationRule, ...], Field(max_length=200)] = ()
    """Who is to be told of what happens to tickets."""
    operators: Literal["several", "single"] = "several"
    """`single`: one person operates this house; what he approves is marked as not independent."""
    approvals: Approving = Approving()
    autonomy: SiteAutonomy = SiteAutonomy()
    """What is not named has its default."""
    service_levels: ServiceLevels = ServiceLevels()
    """Within which time tickets have somebody, and are resolved."""
    major: SiteMajor = SiteMajor()
    """Major incidents."""
    not_applicable: Annotated[tuple[DeclaredExemption, ...], Field(max_length=500)] = ()
    """Safeguards that somebody says do not apply, why, and until when."""
    imports: Annotated[tuple[SourceBeginning, ...], Field(max_length=50)] = ()
    """Where `catalog import` may take playbooks from: beginnings of addresses, or of paths."""
    rules: Annotated[str, Field(max_length=500)] | None = None
    """A file of inference rules of this site's own, relative to this file; they go first."""

    def inventory(self) -> Inventory:
        """Return what the CMDB is to hold of this site."""
        return Inventory(
            hosts=tuple(host.row() for host in self.hosts),
            cis=tuple(ci.row(source=SOURCE) for ci in self.cis),
            rules=tuple(rule.row() for rule in self.join_rules) or DEFAULT_JOIN_RULES,
        )


def read(path: Path) -> Read[Site]:
    """Read a site file; names that are used twice or lead nowhere are faults too."""
    found = declared.read(path, Site)
    if found.value is None:
        return found
    faults = tuple(sorted(_faults(found, found.value), key=lambda fault: fault.line))
    return Read(found.file, None, faults, found.lines) if faults else found


def rules_path(found: Read[Site]) -> Path | None:
    """Return the file of the site's own inference rules."""
    if found.value is None or found.value.rules is None:
        return None
    return Path(found.file).parent / found.value.rules


def _faults(found: Read[Site], site: Site) -> Iterator[Fault]:
    yield from _key_faults(found, site)
    hosts = {host.name for host in site.hosts}
    for number, observer in enumerate(site.observers):
        if observer.host not in hosts:
            what = f"Host {observer.host} has an observer and is not declared."
            yield found.fault(("observers", number, "host"), what, "Declare it under `hosts`.")
    for number, ci in enumerate(site.cis):
        if ci.host is not None and ci.host not in hosts:
            what = f"CI {ci.ref} runs on host {ci.host}, which is not declared."
            yield found.fault(("cis", number, "host"), what, "Declare it under `hosts`.")
    refs = {ci.ref for ci in site.cis}
    for loc, kind, ref in environments.names(site.environments):
        if kind == "environment of CI" and ref not in refs:
            what = f"CI {ref} has an environment and is not declared."
            yield found.fault(loc, what, "Declare it under `cis`, or name its class.")
    yield from _level_faults(found, site)
    yield from _notice_faults(found, site)
    yield from _double(found, site)


def _level_faults(found: Read[Site], site: Site) -> Iterator[Fault]:
    """A target goes by a calendar and a service that there are, a service stands on such CIs."""
    levels, place = site.service_levels, "service_levels"
    calendars = {*PROVIDED, *(one.name for one in levels.calendars)}
    services = {one.slug for one in levels.services}
    refs = {ci.ref for ci in site.cis}
    for number, service in enumerate(levels.services):
        for at, ref in enumerate(service.cis):
            if ref not in refs:
                what = f"Service {service.slug} stands on CI {ref}, which is not declared."
                loc = (place, "services", number, "cis", at)
                yield found.fault(loc, what, "Declare it under `cis`.")
    for number, target in enumerate(levels.targets):
        if target.calendar not in calendars:
            what = f"There is no calendar {target.calendar}."
            mend = "Declare it under `calendars` of `service_levels`."
            yield found.fault((place, "targets", number, "calendar"), what, mend)
        if target.service is not None and target.service not in services:
            what = f"There is no service {target.service}."
            mend = "Declare it under `services` of `service_levels`."
            yield found.fault((place, "targets", number, "service"), what, mend)
    yield from _service_faults(found, site, services)


def _service_faults(found: Read[Site], site: Site, services: set[str]) -> Iterator[Fault]:
    """Where services are declared, whatever names one chooses a promise by it: it must be there."""
    named = [
        (("request_models", number, "service"), one.service)
        for number, one in enumerate(site.request_models)
    ] + [
        (("notification_rules", number, "service"), one.service)
        for number, one in enumerate(site.notification_rules)
    ]
    for loc, service in named if services else ():
        if service and service not in services:
            mend = "Declare it under `services` of `service_levels`, or leave it out."
            yield found.fault(loc, f"There is no service {service}.", mend)


def _notice_faults(found: Read[Site], site: Site) -> Iterator[Fault]:
    """Who is told, and who is told after him, is a contact that there is."""
    names = {one.name for one in site.contacts}
    told = [
        (("contacts", number, "escalates_to"), one.escalates_to)
        for number, one in enumerate(site.contacts)
    ] + [
        (("notification_rules", number, "contact"), one.contact)
        for number, one in enumerate(site.notification_rules)
    ]
    for place, name in told:
        if name and name not in names:
            yield found.fault(place, f"There is no contact {name}.", "Declare it under `contacts`.")


def _double(found: Read[Site], site: Site) -> Iterator[Fault]:
    seen: Counter[tuple[str, str]] = Counter()
    for loc, kind, name in _names(site):
        seen[kind, name] += 1
        if seen[kind, name] > 1:
            yield found.fault(loc, f"There is a second {kind} {name}.", "Give it another name.")


def _names(site: Site) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield everything that is named once, where it stands: place, kind, name."""
    for number, host in enumerate(site.hosts):
        yield ("hosts", number, "name"), "host", host.name
    for number, ci in enumerate(site.cis):
        yield ("cis", number, "ref"), "CI", ci.ref
        for place, probe in enumerate(ci.probes):
            yield ("cis", number, "probes", place, "name"), "probe", probe.name
    for number, rule in enumerate(site.join_rules):
        yield ("join_rules", number, "name"), "join rule", rule.name
    for number, key in enumerate(site.keys):
        yield ("keys", number, "name"), "key", key.name
        yield ("keys", number, "fingerprint"), "fingerprint", key.fingerprint
    yield from _heard_names(site)
    for number, one in enumerate(site.alertmanagers):
        yield ("alertmanagers", number, "name"), "Alertmanager", one.name
    for number, tool in enumerate(site.tools):
        yield ("tools", number, "name"), "tool", tool.name
    yield from _told_names(site)
    for number, model in enumerate(site.request_models):
        yield ("request_models", number, "slug"), "request model", model.slug
    for number, word in enumerate(site.not_applicable):
        name = f"from {word.safeguard} of {word.ci or 'everything'}"
        yield ("not_applicable", number), "exemption", name
    yield from _level_names(site.service_levels)
    yield from environments.names(site.environments)


def _heard_names(site: Site) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for number, observer in enumerate(site.observers):
        yield ("observers", number, "host"), "observer of host", observer.host
    for number, log in enumerate(site.query_logs):
        yield ("query_logs", number, "name"), "query log", log.name
        yield ("query_logs", number, "path"), "query log at", log.path


def _told_names(site: Site) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for number, contact in enumerate(site.contacts):
        yield ("contacts", number, "name"), "contact", contact.name
    for number, said in enumerate(site.notification_rules):
        yield ("notification_rules", number, "name"), "notification rule", said.name


def _level_names(levels: ServiceLevels) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    place = "service_levels"
    for number, calendar in enumerate(levels.calendars):
        yield (place, "calendars", number, "name"), "calendar", calendar.name
    for number, service in enumerate(levels.services):
        yield (place, "services", number, "slug"), "service", service.slug
    for number, target in enumerate(levels.targets):
        of = f"of {target.service}" if target.service else "of every service"
        name = f"{target.ticket_class} {target.priority} {of}"
        yield (place, "targets", number), "target for", name


def _key_faults(found: Read[Site], site: Site) -> Iterator[Fault]:
    """Where keys are declared, each account that plays use must be one of them."""
    accounts = {account for key in site.keys for account in key.accounts}
    for number, host in enumerate(site.hosts):
        if site.keys and host.connection == "ssh" and host.user not in accounts:
            what = f"Host {host.name} is reached as {host.user or 'nobody named'}; no key has that."
            mend = "Give the host a `user` that stands under `accounts` of a key."
            yield found.fault(("hosts", number), what, mend)


def unobserved(site: Site) -> tuple[str, ...]:
    """Return the hosts that are reached by ssh and watched by nobody, in order of declaration."""
    watched = {observer.host for observer in site.observers}
    return tuple(
        host.name for host in site.hosts if host.connection == "ssh" and host.name not in watched
    )
