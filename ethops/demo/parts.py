"""The five parts of the demo: how each begins, and what must be true before it counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from adapters.registry import reader
from adapters.tickets.port import Ticket
from ethops.demo import facts
from ethops.demo.facts import Act
from ethops.demo.site import CACHE_INSTANCE, DATABASE_INSTANCE, SPOOL_LIMIT_BYTES
from ethops.demo.world import LEFT, OLD_FILES, World, alert


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim, and whether the world and the rows bear it out now."""

    said: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Look:
    """How a part stands: its ticket, its proofs, and the one line that sums it up."""

    ticket: Ticket | None
    proofs: Sequence[Proof]
    fact: str

    @property
    def happened(self) -> bool:
        """True once everything is proven."""
        return all(proof.holds for proof in self.proofs)

    @property
    def missing(self) -> list[str]:
        """What is not proven."""
        return [proof.said for proof in self.proofs if not proof.holds]


class Part(Protocol):
    """One part; `begin` breaks something, `look` reads how far the repair is."""

    letter: str
    name: str

    def begin(self) -> None:
        """Break something, or have an alert delivered."""
        ...

    def look(self, since: datetime) -> Look:
        """Read how it stands; changes nothing."""
        ...


Deliver: TypeAlias = Callable[[Mapping[str, Any]], None]
RUN: Final = "playbook.run"


@dataclass(slots=True)
class FrozenService:
    """(a) A service accepts connections and answers nothing; it is restarted."""

    site: World
    letter: str = "a"
    name: str = "frozen service"
    old_pid: int = 0

    def begin(self) -> None:
        """Freeze the process."""
        self.old_pid = self.site.freeze("demo-web")

    def look(self, since: datetime) -> Look:
        """Look for the repaired service."""
        ticket = facts.incident_of_ci("demo-web", since)
        if ticket is None:
            return _waits("frozen, not yet noticed")
        act = _act(ticket, RUN)
        new_pid = self.site.pid("demo-web")
        return Look(
            ticket,
            [
                _repaired(act, "restart_service"),
                _changed(ticket),
                Proof(f"process {self.old_pid} is gone", not self.site.is_process(self.old_pid)),
                Proof("another process took its place", new_pid not in {0, self.old_pid}),
                Proof("the service answers again", self.site.is_well(self.site.ports.web)),
                _is(ticket, "resolved"),
            ],
            _mended(ticket, act, "detect {detect}   restore {restore}"),
        )


@dataclass(slots=True)
class FullDirectory:
    """(b) A directory grows over its threshold; it is cleaned by its declared rule."""

    site: World
    letter: str = "b"
    name: str = "full directory"

    def begin(self) -> None:
        """Fill it."""
        self.site.fill()

    def look(self, since: datetime) -> Look:
        """Look for the cleaned directory."""
        ticket = facts.incident_of_ci("demo-spool", since)
        if ticket is None:
            return _waits("over its threshold, not yet noticed")
        act = _act(ticket, RUN)
        names, size = self.site.spool()
        report = act.result.get("report", {}) if act else {}
        removed = (
            f"{report.get('files', '?')} files, {int(report.get('bytes', 0)) // 10**6} MB gone"
        )
        return Look(
            ticket,
            [
                _repaired(act, "clean_directory"),
                _changed(ticket),
                Proof("the directory is below its threshold", size < SPOOL_LIMIT_BYTES),
                Proof("exactly the other files are left", names == LEFT),
                Proof("it says how many it removed", report.get("files") == OLD_FILES),
                _is(ticket, "resolved"),
            ],
            _mended(ticket, act, removed),
        )


@dataclass(slots=True)
class NothingFits:
    """(c) An alert that means no declared CI; a person is told."""

    site: World
    deliver: Deliver
    letter: str = "c"
    name: str = "nothing fits"

    def begin(self) -> None:
        """Deliver an alert about something that nobody declared."""
        labels = {"alertname": "UpsOnBattery", "instance": "ups-07:3493", "severity": "critical"}
        notes = {"summary": "UPS 7 runs on battery", "description": "9 minutes left at this load."}
        self.deliver(alert(labels, notes))

    def look(self, since: datetime) -> Look:
        """Look for the escalation and for the notice in the inbox."""
        ticket = facts.incident_of_alert("UpsOnBattery", since)
        if ticket is None:
            return _waits("delivered, not yet read")
        told = _act(ticket, "notify")
        arrived = [row for row in self.site.inbox() if told and row["key"] == told.id]
        lines = [line.text for line in reader("tickets").worklog(ticket.ref)]
        return Look(
            ticket,
            [
                Proof("the alert was joined to no CI", facts.joined(ticket.ref) == "none"),
                Proof("no play was run for it", _act(ticket, RUN) is None),
                Proof("it says what was tried", any("Tried:" in line for line in lines)),
                Proof("it says what is asked", any("Asked:" in line for line in lines)),
                Proof("a notice was ordered, recorded and done", bool(told and told.is_done)),
                Proof("the notice arrived once", len(arrived) == 1),
                Proof("it names the ticket", bool(arrived) and ticket.ref in arrived[0]["title"]),
                _is(ticket, "escalated"),
            ],
            f"{ticket.ref} {ticket.state}   notice in the inbox" if arrived else _busy(ticket),
        )


@dataclass(slots=True)
class OnlyObserving:
    """(d) An alert for a CI on which the card may only observe; it says what it would do."""

    site: World
    deliver: Deliver
    letter: str = "d"
    name: str = "only observing"
    pid: int = 0

    def begin(self) -> None:
        """Deliver an alert about the cache."""
        self.pid = self.site.pid("demo-cache")
        labels = {"alertname": "CacheHangs", "instance": CACHE_INSTANCE, "severity": "critical"}
        notes = {"summary": "The cache answers nothing", "symptom": "no_answer"}
        self.deliver(alert(labels, notes))

    def look(self, since: datetime) -> Look:
        """Look for the sentence, and that nothing was touched."""
        ticket = facts.incident_of_ci("demo-cache", since)
        if ticket is None:
            return _waits("delivered, not yet read")
        act = _act(ticket, RUN)
        lines = reader("tickets").worklog(ticket.ref)
        said = any("I would have run restart_service on demo-cache" in line.text for line in lines)
        observed = act is not None and act.verdict == "observed" and act.decided_entry is not None
        return Look(
            ticket,
            [
                Proof("the gate only observed the request, on record", observed),
                Proof("no work was made of it", act is not None and not act.has_work),
                Proof("no play on the cache exists", facts.plays_on("demo-cache") == 0),
                Proof("the ticket says what it would have done", said),
                Proof("the same process runs", self.site.pid("demo-cache") == self.pid),
                Proof("it answers as before", self.site.is_well(self.site.ports.cache)),
                _is(ticket, "escalated"),
            ],
            f"{ticket.ref} would have restarted demo-cache; did nothing" if said else _busy(ticket),
        )


@dataclass(slots=True)
class NotAllowed:
    """(e) A card asks for what no grant covers; the gate denies it, on record."""

    site: World
    deliver: Deliver
    letter: str = "e"
    name: str = "not allowed"
    pid: int = 0

    def begin(self) -> None:
        """Deliver an alert about the database that ethops itself stands on."""
        self.pid = self.site.database_pid()
        labels = {
            "alertname": "DatabaseHangs",
            "instance": DATABASE_INSTANCE,
            "severity": "critical",
        }
        notes = {"summary": "The database answers nothing", "symptom": "no_answer"}
        self.deliver(alert(labels, notes))

    def look(self, since: datetime) -> Look:
        """Look for the denial, and that nothing was touched."""
        ticket = facts.incident_of_ci("demo-db", since)
        if ticket is None:
            return _waits("delivered, not yet read")
        act = _act(ticket, RUN)
        denied = act is not None and act.verdict == "denied"
        return Look(
            ticket,
            [
                Proof("the gate denied the request", denied),
                Proof("the denial is in the ledger", bool(act and act.decided_entry)),
                Proof("no work was made of it", act is not None and not act.has_work),
                Proof("no play on the database exists", facts.plays_on("demo-db") == 0),
                Proof("the same PostgreSQL runs", self.site.database_pid() == self.pid),
                _is(ticket, "escalated"),
            ],
            f"{ticket.ref} denied: {act.reason}" if act and denied else _busy(ticket),
        )


def cast(site: World, deliver: Deliver) -> list[Part]:
    """Return all five, in order."""
    return [
        FrozenService(site),
        FullDirectory(site),
        NothingFits(site, deliver),
        OnlyObserving(site, deliver),
        NotAllowed(site, deliver),
    ]


def _waits(fact: str) -> Look:
    return Look(None, [Proof("an incident was opened", holds=False)], fact)


def _act(ticket: Ticket, verb: str) -> Act | None:
    return next((act for act in facts.acts(ticket.ref) if act.verb == verb), None)


def _is(ticket: Ticket, state: str) -> Proof:
    return Proof(f"{ticket.ref} is {state}", ticket.state == state)


def _repaired(act: Act | None, entry: str) -> Proof:
    holds = act is not None and act.entry == entry and act.is_done
    return Proof(f"{entry} was authorised, recorded, then done, on record", holds)


def _changed(ticket: Ticket) -> Proof:
    states = [change.state for change in reader("tickets").children(ticket.ref)]
    return Proof("its one change is implemented", states == ["implemented"])


def _busy(ticket: Ticket) -> str:
    return f"{ticket.ref} {ticket.state}: {facts.doing(ticket.ref)}"


def _mended(ticket: Ticket, act: Act | None, figure: str) -> str:
    if ticket.state != "resolved":
        return _busy(ticket)
    detect, restore = (f"{span:.0f} s" if span else "unknown" for span in times(ticket, act))
    return f"{ticket.ref} resolved   {figure.format(detect=detect, restore=restore)}"


def times(ticket: Ticket, act: Act | None) -> tuple[float | None, float | None]:
    """Return seconds from the first bad sample to the open incident, and to the first good one."""
    bad = ticket.first_bad_at
    if bad is None or not ticket.ci_refs:
        return None, None
    after = act.settled_at if act else None
    well = facts.well_from(ticket.ci_refs[0], after) if after else None
    return (
        (ticket.opened_at - bad).total_seconds(),
        (well - bad).total_seconds() if well else None,
    )
