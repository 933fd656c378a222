"""A month of a small cluster as it is lived: time, hosts, processes, and the one person there.

Everything of ours is real: monitoring, intake, dispatcher, agents with their rules, gate, recorder,
executor, verdicts, recurrence. Simulated are the hosts, who is told, and the person.
"""

import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from django.db.models import Exists, OuterRef
from django.utils import timezone

from adapters.monitoring import deliveries
from adapters.monitoring import services as monitoring
from adapters.monitoring.port import Sample
from adapters.tickets.models import Deed, LogLine, Ticket
from adapters.tickets.port import Vouched
from audit.canonical import JSON
from ethops.desk import intake, judgements, noticing, reconciler, recurrence, restorations
from ethops.desk import work as control
from ethops.executor import changes, tickets, worker
from ethops.executor.effects import Finding
from ethops.figures.models import Restoration
from ethops.figures.report import Report
from ethops.notify import policy
from ethops.notify.models import Contact, Notice
from personas.approvals.models import Approval
from personas.autonomy.models import Change, Judgement
from personas.gate import Claim
from personas.models import Action
from personas.runtime import loop
from tests.bench import cluster
from tests.bench.cluster import KINDS, Cluster, Planted
from tests.conftest import point_django
from tests.doubles.calibrated import calibrate
from tests.doubles.cards import approve_all
from tests.hostile import day
from tests.hostile.house import House

STEP: Final = 15.0
COOLING: Final = 10 * STEP
"""So long a CI is looked at after all is done: verdicts and windows need looks."""
PERSON_COMES: Final = 1_200.0
PERSON_NEEDS: Final = 300.0
CAUSE_FOUND: Final = 2 * cluster.DAY
"""So long after a problem was opened its cause is found and taken away."""
HOUR: Final = 3_600.0
SLEEPS: Final = (22 * HOUR, 7 * HOUR)
"""The quiet hours of who is told, in seconds of a day of this cluster."""
TOLD_AT: Final = "http://127.0.0.1:9/people"
OPERATOR: Final = Vouched(frozenset({"operator"}))
WEEK: Final = 7 * cluster.DAY


@dataclass(frozen=True, slots=True)
class Play:
    """The effect `playbook.run` on simulated hosts; the change around it is real."""

    month: "Month"

    def act(self, claim: Claim) -> dict[str, JSON]:
        """Do to the cluster what the entry does."""
        changes.begin(claim, "node")
        self.month.world.act(self.month.now, claim.entry, claim.target, claim.ticket_ref)
        ref = changes.conclude(claim, done=True, said="done")
        return {"said": "done", "change": ref, "host": "node"}

    def probe(self, claim: Claim) -> Finding:
        """Nothing is ever in doubt here."""
        return Finding("unknown", {"said": claim.entry})


@dataclass(frozen=True, slots=True)
class Told:
    """The effect `notify`: writes down whom it would have woken."""

    month: "Month"

    def act(self, claim: Claim) -> dict[str, JSON]:
        """Wake the person."""
        self.month.wake(claim.ticket_ref, str(claim.args["title"]))
        return {"said": "told"}

    def probe(self, claim: Claim) -> Finding:
        """Nothing is ever in doubt here."""
        return Finding("done", {"said": claim.verb})


@dataclass(frozen=True, slots=True)
class Woken:
    """Somebody was told of something; `needed` says whether he had anything to do."""

    at: float
    ticket: str
    title: str
    needed: bool
    night: bool
    """Whether he slept."""


@dataclass
class Month:
    """The month as it is lived."""

    house: House
    world: Cluster
    days: int
    now: float = 0.0
    woken: list[Woken] = field(default_factory=list)
    busy_until: dict[str, float] = field(default_factory=dict)
    """CI -> until when it is looked at closely."""
    person: dict[str, float] = field(default_factory=dict)
    """Ticket -> when the person comes to it."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    shifts: int = 0

    # ------------------------------------------------------------ time

    def live(self, planted: list[Planted]) -> None:
        """Live through all of it."""
        self.columns = day.times(self.house)
        waiting = [*planted]
        end = self.days * cluster.DAY
        while self.now < end:
            self._pass(self._until(waiting, end) - self.now)
            while waiting and waiting[0].at <= self.now:
                self._happens(waiting.pop(0))
            self._look()
            self._work()
            self._person()

    def _until(self, waiting: list[Planted], end: float) -> float:
        """Return the next moment at which anything can happen."""
        if self.busy_until:
            return self.now + STEP
        next_ = waiting[0].at if waiting else end
        held = Notice.objects.filter(next_at__isnull=False).order_by("next_at").first()
        if held is not None and held.next_at is not None:
            next_ = min(next_, self.now + (held.next_at - timezone.now()).total_seconds())
        return max(self.now + STEP, min([next_, *self.person.values(), end]))

    def _pass(self, seconds: float) -> None:
        self.as_role("owner")
        day.let_pass(self.house, self.columns, float(seconds))
        self.now += seconds
        self.shifts += 1
        self._set_clock()
        self.world.pass_by(self.now)

    def _set_clock(self) -> None:
        """Move quiet hours to where the day of this cluster has them: our own clock stands."""
        begin, end = ((timezone.now() + timedelta(seconds=at - self.now)).time() for at in SLEEPS)
        Contact.objects.update_or_create(
            name="sleeper",
            defaults={
                "kind": "http", "target": TOLD_AT, "zone": "UTC",
                "quiet_from": begin, "quiet_to": end,
            },
        )  # fmt: skip

    @property
    def asleep(self) -> bool:
        """Whether it is night for who is told."""
        quiet = Contact.objects.get(name="sleeper").quiet
        return quiet is not None and policy.is_quiet(timezone.now(), quiet)

    def as_role(self, name: str) -> None:
        """Meet the database as a role."""
        point_django(self.house.servers, self.house.database, f"ethops_{name}")

    # ------------------------------------------------------------ what happens

    def _happens(self, one: Planted) -> None:
        if one.what in KINDS:
            if one.what == "leaks" and not any(c == one.ci for _, c, _ in self.world.history):
                self.world.leaking.add(one.ci)
            if self.world.fall_ill(self.now, one.ci, one.what):
                self._watch(one.ci)
        elif one.what == "blip":
            self._samples([one.ci], bad_first=True)
        else:
            self.as_role("app")
            intake.accept(sender="am", raw=_outside(one))
            self._watch(one.ci)

    def _watch(self, ci: str) -> None:
        self.busy_until[ci] = max(self.busy_until.get(ci, 0.0), self.now + COOLING)

    def _look(self) -> None:
        """Let the probes of what is busy look, and monitoring tell."""
        for ci in [ci for ci in self.world.ill if ci not in self.busy_until]:
            if not self._waits_for_person(ci):
                self._watch(ci)
        self._samples([ci for ci in self.busy_until if ci != "lab-99"])
        self.busy_until = {ci: at for ci, at in self.busy_until.items() if at > self.now}

    def _waits_for_person(self, ci: str) -> bool:
        return any(ci in self._cis(ref) for ref in self.person)

    def _cis(self, ref: str) -> set[str]:
        rows = self.house.all(
            "app", "SELECT ci_ref FROM tickets_ticketci WHERE ticket_id = %s", ref
        )
        return {row["ci_ref"] for row in rows}

    def _samples(self, cis: list[str], *, bad_first: bool = False) -> None:
        self.as_role("app")
        moment = timezone.now()
        seen = []
        for ci in cis:
            symptom = self.world.symptom(ci)
            if bad_first:
                seen.append(_sample(ci, moment - timedelta(seconds=STEP), "refused"))
            seen.append(_sample(ci, moment, symptom))
        if seen:
            monitoring.record(samples=seen)
        deliveries.deliver_owed(deliver=intake.deliver_embedded)

    # ------------------------------------------------------------ who works

    def _work(self) -> None:
        """Let every process do what there is, until nobody has anything to do."""
        for _ in range(16):
            done = self._control() + self._agents() + self._executor()
            if not done:
                break
        self.as_role("app")
        judgements.judge_due()
        restorations.watch()
        recurrence.watch()
        self.house.record()

    def _control(self) -> int:
        self.as_role("app")
        reconciler.reconcile_once()
        done = control.drain() + noticing.tell()
        self.house.record()
        return done

    def _agents(self) -> int:
        self.as_role("agent")
        done = loop.drain()
        self.house.record()
        return done

    def _executor(self) -> int:
        self.as_role("executor")
        own = worker.worker()
        done = own.drain("executor.light") + own.drain("executor.plays")
        self.house.record()
        return done

    def wake(self, ticket: str, title: str) -> None:
        """Write down that somebody was told."""
        self.woken.append(Woken(self.now, ticket, title, self._needed(ticket), self.asleep))

    def _needed(self, ticket: str) -> bool:
        if ticket.startswith("PRB-"):
            return True
        kinds = [self.world.fault_near(ci, self.now) for ci in self._cis(ticket)]
        return any(kind and KINDS[kind].needs_person for kind in kinds)

    # ------------------------------------------------------------ the person

    def _person(self) -> None:
        """Comes some minutes after he was told, mends what is ill, and finds causes."""
        self.as_role("app")
        for ref in self._given():
            if not self._held_back(ref):
                self.person.setdefault(ref, self.now + PERSON_COMES)
        for ref in Ticket.objects.filter(ticket_class="problem", state="new").values_list(
            "ref", flat=True
        ):
            self.person.setdefault(ref, self.now + CAUSE_FOUND)
        for ref, at in [*self.person.items()]:
            if at <= self.now:
                del self.person[ref]
                self._attend(ref)

    def _given(self) -> set[str]:
        """Return incidents that wait for a person: escalated, or with a proposal to decide."""
        incidents = Ticket.objects.filter(ticket_class="incident", assignee="")
        given = set(incidents.filter(state="escalated").values_list("ref", flat=True))
        asked = Approval.objects.filter(state="waiting", action__level="propose")
        return given | set(asked.values_list("action__ticket_ref", flat=True))

    def _held_back(self, ref: str) -> bool:
        """Tell whether nobody was told of it, since he sleeps."""
        waits = Notice.objects.filter(ticket_ref=ref, told=0, next_at__isnull=False)
        return self.asleep and waits.exists()

    def _attend(self, ref: str) -> None:
        ticket = Ticket.objects.get(ref=ref)
        if ticket.state in ("resolved", "closed"):
            return
        cis = self._cis(ref)
        if ticket.ticket_class == "problem":
            self._solve(ref, cis)
            return
        if not ticket.assignee:
            self._move(ref, "ev_assign", team="people", assignee="ada")
            self.person[ref] = self.now + PERSON_NEEDS
            return
        for ci in cis:
            self.world.mended_by_a_person(ci)
            self._watch(ci)
        self._move(ref, "ev_resolve", solution="Seen to by hand.")

    def _solve(self, ref: str, cis: set[str]) -> None:
        """Take the cause of a problem away, and give the right back."""
        self.world.leaking -= cis
        self._move(ref, "ev_assign", team="people")
        self._move(ref, "ev_resolve", root_cause="a leak", solution="a new version")
        for one in Change.objects.filter(why__startswith=ref):
            self.house.do(
                "app",
                "SELECT gate.set_autonomy(%s, %s, %s, %s, 'ada', 'its cause is gone', true, %s)",
                one.card_id, one.entry, one.ci_class, one.before, one.ci_ref,
            )  # fmt: skip

    def _move(self, ref: str, stimulus: str, **fields: str) -> None:
        tickets.move_by_person(
            key=uuid4(), ref=ref, person="ada", stimulus=stimulus,
            fields=fields,  # type: ignore[arg-type]
            vouched=OPERATOR,
        )  # fmt: skip


def _sample(ci: str, at: Any, symptom: str) -> Sample:
    return Sample(ci, at, symptom == "ok", symptom, None, "", f"{ci}: {symptom}")  # type: ignore[arg-type]


def _outside(one: Planted) -> bytes:
    """What another monitor says that needs nobody."""
    severity = "info" if one.what == "info" else "warning"
    alert = {
        "status": "firing",
        "labels": {"alertname": f"Outside{one.what.title()}", "severity": severity, "ci": one.ci},
        "annotations": {"summary": f"{one.what} of {one.ci}", "symptom": "no_answer"},
        "startsAt": timezone.now().isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{uuid4().int >> 64:016x}",
    }  # fmt: skip
    return json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()


LEVELS: Final = (
    ("restart_service", "web_service"),
    ("restart_service", "cache"),
    ("clean_directory", "directory"),
)
"""What the responder may do by itself."""


def furnish(house: House) -> None:
    """Declare the cluster, and promote its cards as far as their figures would carry them."""
    owner = house.link("owner")
    approve_all(owner)
    for row in house.all("owner", "SELECT name FROM personas_card"):
        calibrate(owner, row["name"])
    house.do(
        "owner",
        "INSERT INTO cmdb_joinrule (name, ordinal, conditions, source)"
        " VALUES ('by ref', 1, %s, 'test')",
        json.dumps([{"label": "ci", "field": "ref", "attribute": False}]),
    )
    for n in range(1, cluster.NODES + 1):
        house.do(
            "owner",
            "INSERT INTO cmdb_host (name, connection, source) VALUES (%s, 'local', 'test')",
            f"node-{n:02}",
        )
    for ref, ci_class, node in (
        *cluster.services(),
        *cluster.directories(),
        ("db-01", "database", "node-01"),
    ):
        _declare(house, ref, ci_class, node)
    for entry, ci_class in LEVELS:
        house.do(
            "app",
            "SELECT gate.set_autonomy('incident_responder', %s, %s, 'act', 'ada', 'earned', true)",
            entry,
            ci_class,
        )


def _declare(house: House, ref: str, ci_class: str, node: str) -> None:
    """Declare a CI and its one probe."""
    is_directory = ci_class == "directory"
    attributes = {"unit": f"{ref}.service"}
    if is_directory:
        rule = {"clean_pattern": "*.log", "clean_older_than_minutes": "10"}
        attributes = {"path": f"/srv/{ref}", **rule}
    house.do(
        "owner",
        "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, inventory_host_id, impact, urgency,"
        " lifeline, user_facing, source) VALUES (%s, %s, %s, %s, %s, 2, 2, %s, %s, 'test')",
        *(ref, ref, ci_class, json.dumps(attributes), node),
        *(ref == "db-01", ci_class == "web_service"),
    )
    house.do(
        "owner",
        "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
        " alertname, severity) VALUES (%s, %s, %s, %s, 2, 2, %s, 'critical')",
        *(ref, ref, "directory" if is_directory else "http", STEP),
        "DirectoryFull" if is_directory else "ServiceAway",
    )
    house.do(
        "owner",
        "INSERT INTO monitoring_alertstate (probe_id, fingerprint) VALUES (%s, %s)",
        *(ref, f"{zlib.crc32(ref.encode()):016x}"),
    )


def told(month: Month, found: Report, seconds: float) -> dict[str, object]:
    """Return what came of it."""
    acts = month.world.acts
    false = [act for act in acts if not act.kind]
    vain = [act for act in acts if act.kind and not act.cured]
    woken = [one for one in month.woken if one.night]
    nobody = [one for one in woken if not one.needed]
    by_day = [one for one in month.woken if not one.night]
    called = _called_repaired()
    verified = called & set(Restoration.objects.values_list("ticket_ref", flat=True))
    return {
        "days": f"{month.days} in {seconds:.0f} s, {month.shifts} steps",
        "faults": dict(Counter(kind for *_, kind in month.world.history)),
        "incidents": found.counts.incidents,
        "mended by agents, people, themselves": (
            found.counts.by_agent,
            found.counts.by_person,
            found.counts.by_itself,
        ),
        "still open": found.counts.open,
        "changes made": len(acts),
        "that cured a fault": sum(act.cured for act in acts),
        "that were in vain (ill, and not mended)": len(vain),
        "called repaired by an agent": len(called),
        "of them verified": f"{len(verified)}, {_percent(len(verified), len(called))}",
        "false acts (on what was well)": f"{len(false)}, {_percent(len(false), len(acts))}",
        "told by day, of it needed nobody": (len(by_day), sum(not one.needed for one in by_day)),
        "wake-ups (22 to 7 o'clock)": len(woken),
        "that needed nobody": f"{len(nobody)}, {len(nobody) / (month.days / 7):.1f} a week",
        **{f"  {title}": n for title, n in Counter(map(_shape, nobody)).most_common()},
        "verdicts by facts": dict(Counter(Judgement.objects.values_list("verdict", flat=True))),
        **{
            f"  {one.ref}": f"{one.title}: {one.state}"
            for one in Ticket.objects.filter(ticket_class="problem").order_by("ref")
        },
        "levels taken back": [str(one) for one in Change.objects.exclude(by="ada").order_by("at")],
        "MTTD": found.detect,
        "MTTR of agents": found.repair.agent,
        "MTTR of people": found.repair.person,
        "healed alone": found.healed_alone,
        "the same cause again within 7 days": found.came_back.all,
        "changes that held": found.changes.all,
        "first time right": list(found.first_time_right),
    }


def _called_repaired() -> set[str]:
    """Return the incidents that an agent has resolved after a change of its own."""
    line = LogLine.objects.filter(
        ticket_id=OuterRef("ticket_id"), n=OuterRef("line"), author_kind="agent"
    )
    resolved = Deed.objects.filter(Exists(line), stimulus="ev_resolve")
    changed = Action.objects.filter(verb="playbook.run", outcome="done").exclude(risk="none")
    return set(resolved.values_list("ticket_id", flat=True)) & set(
        changed.values_list("ticket_ref", flat=True)
    )


def _percent(part: int, of: int) -> str:
    return f"{100 * part / of:.1f} %" if of else "none"


def _shape(one: Woken) -> str:
    """Return what it was about without what differs from one to the next."""
    return " ".join(word for word in one.title.split() if "-" not in word)[:44]
