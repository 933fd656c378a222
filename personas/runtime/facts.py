"""What a step knows as the facts and the choices of a typed question: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from adapters.cmdb.port import CI
from adapters.inference.port import Candidate, Question, QuestionKind
from adapters.json_value import JSON
from adapters.monitoring.port import Probe, Sample
from adapters.telemetry.port import Delta
from personas.cards import CardDocument
from personas.catalogue import EntryDocument
from personas.commands import filled
from personas.memory import giving
from personas.runtime import around, differs, trends
from personas.runtime.around import Around
from personas.runtime.questions import ASK, QUESTIONS, Asked
from personas.runtime.trends import Trend

MAINTENANCE: Final = "maintenance_until"
"""The attribute with which a CI's owner says until when its alerts mean his own work."""
PEOPLE_FIRST: Final = "executor.people_first"
"""What the gate says of a permit that it took back because somebody was on the host."""
LOOK_PATIENCE: Final = timedelta(seconds=30)
"""So long after a ticket was opened, or a probe fell silent, a step waits for probes to look."""
_OF_ONE_KIND: Final = (
    {"refused", "no_answer", "wrong_content"},
    {"slow", "wrong_status", "unreachable"},
    {"over_threshold"},
)
"""Symptoms that pass into each other within one trouble; between these groups they do not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A catalogue entry that fits the CI."""

    name: str
    title: str
    window_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Look:
    """A command that only looks, as its card offers it for this CI."""

    name: str
    scope: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """A look that this run has asked for, and what came of it."""

    name: str
    verdict: str
    outcome: str
    reason: str = ""
    out: str = ""
    """What the command wrote: text from outside."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one step may know: its ticket, the one CI, its probes, and what fits it."""

    ticket_ref: str
    run: str
    joined: str
    alert: Mapping[str, JSON]
    """Text from outside, all of it."""
    history: Sequence[Mapping[str, Any]]
    """The ticket's actions so far, oldest first."""
    ci: CI | None
    now: datetime
    named_host: str = ""
    """The declared host that the alert's labels name, "" where they name none."""
    is_major: bool = False
    """The ticket is a major incident, or part of one: agents only look and tell."""
    repeats: int = 0
    opened_at: datetime | None = None
    """When the desk opened the ticket."""
    neighbours: int = 0
    """How many other CIs of the same host have lately got an incident that is still open."""
    around: Around | None = None
    """What the graph says around the CI, where the question is told it and the graph answers."""
    differs: tuple[Delta, ...] = ()
    """What queries find on the CI otherwise than a day before, where the question is told it."""
    trend: Trend | None = None
    """What the value of the probe that is shown was, where the question is told it."""
    probes: tuple[Probe, ...] = ()
    samples: tuple[Sample, ...] = ()
    """Of the CI's probes, lately, oldest first."""
    well_since: datetime | None = None
    entries: tuple[Entry, ...] = ()
    worked_before: tuple[str, ...] = ()
    memory: tuple[giving.Item, ...] = ()
    """What earlier runs have shown about such an alert on such a CI, as far as it is given."""
    known_error: Mapping[str, str] = field(default_factory=dict)
    """The problem with a workaround that this incident is of, as the desk found it by rows."""
    request: str = ""
    """What somebody asked for in words, where the run was asked for; text from outside."""
    looks: tuple[Look, ...] = ()
    looked: tuple[Looked, ...] = ()
    may_ask: tuple[str, ...] = ()
    """Questions to people that the card may still ask about this ticket."""
    may_write_page: bool = False
    """Whether the card may propose a pull request for this ticket; no engine is told."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What people have answered: name of the question -> one of its words."""
    so_far: str = ""
    """Of a run that goes on after people: what was done before, as it was reckoned."""

    @property
    def plays(self) -> list[Mapping[str, Any]]:
        """The ticket's playbook actions so far, oldest first."""
        return [action for action in self.history if action["verb"] == "playbook.run"]

    @property
    def last_play(self) -> Mapping[str, Any] | None:
        """The newest of this run's own."""
        own = [play for play in self.plays if play["run"] == self.run]
        return own[-1] if own else None


def fitting(ci: CI, catalogue: Mapping[str, EntryDocument]) -> tuple[Entry, ...]:
    """Return the entries that are on offer for a CI, by name."""
    return tuple(
        Entry(name, entry.title, entry.verification.window_s, entry.verification.patience_s)
        for name, entry in sorted(catalogue.items())
        if entry.fits(ci.attributes)
    )


def looks_of(card: CardDocument, ci: CI) -> tuple[Look, ...]:
    """Return the looks that a card offers for a CI: those whose places the CI fills."""
    return tuple(
        Look(name, scope, argv)
        for scope, grant in card.scopes.items()
        if ci.ci_class in grant.ci_classes
        for name, look in grant.looks.items()
        if (argv := filled(look, ci.attributes)) is not None
    )


def question(known: Known, kind: QuestionKind, card: str) -> Question:
    """Return what is asked of a card in this stage of its run."""
    return Question(kind, card, facts(known, kind), candidates(known, kind))


def facts(known: Known, kind: str) -> dict[str, JSON]:
    """Return the facts of a question of this kind, flat by dotted path."""
    found: dict[str, JSON] = {
        # First of all: what an alert calls itself must not stand where we say what is so.
        **{f"alert.{name}": value for name, value in known.alert.items()},
        "ticket.ref": known.ticket_ref,
        "ticket.repeats": known.repeats,
        **({"ticket.major": True} if known.is_major else {}),
        "alert.join": known.joined,
        **_ci_facts(known),
        **_probe_facts(known),
        **_tried(known.plays),
        "history.worked": list(known.worked_before),
    }
    found |= giving.facts(known.memory)
    if known.around is not None:
        found |= around.facts(known.around, known.now)
    found |= differs.facts(known.differs, known.now)
    if known.trend is not None:
        found |= trends.facts(known.trend)
    found |= {f"known_error.{name}": said for name, said in known.known_error.items() if said}
    if known.request:
        found["request.prompt"] = known.request
    found |= {f"answer.{name}": word for name, word in known.answers.items()}
    if known.so_far:
        found["history.so_far"] = known.so_far
    if kind == "verify":
        found |= _verification(known)
    if kind == "inspect":
        found |= _inspection(known)
    return found


def probes_look_first(known: Known) -> bool:
    """Tell whether all that is known of a CI is from before its trouble was told, or just too old.

    Somebody else's monitor may be faster than our probes: what these said before says nothing of
    the trouble. Who looks may have died with whatever failed, and is started again within seconds.
    A probe that is bad, has long been silent, or looks but rarely is not waited for.
    """
    if any(_is_stale(probe, known.now - LOOK_PATIENCE) for probe in known.probes):
        return False
    return any(_is_stale(probe, known.now) for probe in known.probes) or (
        known.opened_at is not None
        and known.now - known.opened_at < LOOK_PATIENCE
        and known.well_since is not None
        and any(p.last_sample_at and p.last_sample_at < known.opened_at for p in known.probes)
    )


def candidates(known: Known, kind: str) -> tuple[Candidate, ...]:
    """Return what may be chosen; an engine never chooses anything else."""
    escalate = Candidate("escalate", "Hand it to a person, with what was tried")
    if kind == "triage":
        # The gate would deny it: in a major incident people say who does what.
        levels = () if known.is_major else ("high", "medium", "low")
        assign = [Candidate(f"assign_responders_{v}", f"Responders, urgency {v}") for v in levels]
        return (*assign, escalate)
    if kind == "diagnose":
        return (
            *(Candidate(e.name, e.title) for e in known.entries),
            *(Candidate(f"{ASK}{one.name}", one.title) for one in _to_ask(known)),
            escalate,
        )
    if kind == "inspect":
        asked = {each.name for each in known.looked}
        ways = [look for look in known.looks if look.name not in asked]
        report = [Candidate("report", "Report what was seen, and hand over")] if asked else []
        return (*(Candidate(w.name, " ".join(w.argv)) for w in ways), *report, escalate)
    return (
        Candidate("resolve", "The CI is well: resolve the incident"),
        Candidate("wait", "Look again in two seconds"),
        Candidate("next", "Try something else from the catalogue"),
        Candidate("comment_observed", "Say what would have been done, and tell a person"),
        escalate,
    )


def _to_ask(known: Known) -> list[Asked]:
    shown = _ci_facts(known)
    return [QUESTIONS[name] for name in known.may_ask if QUESTIONS[name].fits(shown)]


def _ci_facts(known: Known) -> dict[str, JSON]:
    ci = known.ci
    if ci is None:
        return {}
    found: dict[str, JSON] = {
        "ci.ref": ci.ref,
        "ci.name": ci.name,
        "ci.class": ci.ci_class,
        "ci.impact": ci.impact,
        "ci.user_facing": ci.user_facing,
        "ci.lifeline": ci.lifeline,
        "ci.maintenance": _in_maintenance(ci, known.now),
    }
    if ci.host:
        found |= {"ci.host": ci.host, "host.others_ill": known.neighbours}
        if known.named_host:
            found["alert.names_other_host"] = known.named_host != ci.host
    return found


def _in_maintenance(ci: CI, now: datetime) -> bool:
    until = ci.attributes.get(MAINTENANCE)
    if until is None:
        return False
    try:
        said = datetime.fromisoformat(str(until))
    except ValueError:
        # Somebody meant something; nothing is done on a guess.
        return True
    return now < (said if said.tzinfo else said.replace(tzinfo=UTC))


def _probe_facts(known: Known) -> dict[str, JSON]:
    """Return what the CI's own probes say: of the first bad one, else of the first."""
    shown = shown_of(known.probes)
    if shown is None:
        return {}
    symptom = shown.symptom or ""
    found: dict[str, JSON] = {
        "probe.name": shown.name,
        "probe.kind": shown.kind,
        "probe.symptom": symptom,
        "probe.stale": _is_stale(shown, known.now),
        "probe.turns": _turns(known.samples, shown.name),
        "probe.well": known.well_since is not None,
        "probe.well_seconds": _seconds(known.now - known.well_since) if known.well_since else 0,
    }
    kinds = [group for group in _OF_ONE_KIND if symptom in group]
    if kinds and known.alert.get("symptom"):
        found["probe.agrees"] = known.alert["symptom"] in kinds[0]
    return found


def shown_of(probes: Sequence[Probe]) -> Probe | None:
    """Return the probe that a question is told of: the first bad one, else the first."""
    bad = [probe for probe in probes if probe.symptom not in (None, "ok")]
    return next(iter(bad or probes), None)


def _is_stale(probe: Probe, now: datetime) -> bool:
    """Tell whether a probe has gone silent, by the monitoring contract's own measure."""
    if probe.last_sample_at is None:
        return False
    return now - probe.last_sample_at > timedelta(seconds=3 * probe.interval_s + 10)


def _turns(samples: Sequence[Sample], probe: str) -> int:
    """Return how often a probe went from good to bad or back."""
    marks = [sample.ok for sample in samples if sample.probe == probe]
    return sum(before is not after for before, after in pairwise(marks))


def _tried(plays: Sequence[Mapping[str, Any]]) -> dict[str, JSON]:
    return {
        "tried": [p["entry"] for p in plays if p["outcome"] in ("done", "failed") or p["in_doubt"]],
        "denied": [p["entry"] for p in plays if p["verdict"] == "denied"],
        "observed": [p["entry"] for p in plays if p["verdict"] == "observed"],
    }


def _verification(known: Known) -> dict[str, JSON]:
    last = known.last_play
    if last is None:
        return {"action.outcome": "none"}
    entry = next((e for e in known.entries if e.name == last["entry"]), None)
    verdict = str(last["verdict"])
    outcome = "in_doubt" if last["in_doubt"] else str(last["outcome"] or "none")
    settled = datetime.fromisoformat(last["settled_at"]) if last["settled_at"] else known.now
    well_from = max(known.well_since, settled) if known.well_since else None
    return {
        "action.entry": str(last["entry"]),
        "action.target": str(last["target"]),
        "action.outcome": outcome if verdict == "authorised" else verdict,
        # How a person, or time, has ended what waited for one: there only where that was so.
        **({"action.approval": str(said)} if (said := last["result"].get("approval")) else {}),
        **({"action.people_first": True} if last["result"].get("code") == PEOPLE_FIRST else {}),
        "action.reason": str(last["reason"]),
        "action.said": str(last["result"].get("said", ""))[:500],
        "probe.well": (well_from is not None) if known.probes else None,
        "probe.well_seconds": _seconds(known.now - well_from) if well_from else 0,
        "window_seconds": entry.window_s if entry else 0,
        "waited_seconds": _seconds(known.now - settled),
        "patience_seconds": entry.patience_s if entry else 0,
        "alert.resolved": False,
    }


def _inspection(known: Known) -> dict[str, JSON]:
    """Return what was looked at, what that said, and what else may be."""
    return {
        "looks": {
            look.name: {"scope": look.scope, "argv": list(look.argv)} for look in known.looks
        },
        "looked.done": [each.name for each in known.looked if each.outcome == "done"],
        "looked.failed": [each.name for each in known.looked if each.outcome == "failed"],
        "looked.denied": [each.name for each in known.looked if each.verdict == "denied"],
        "looked.observed": [each.name for each in known.looked if each.verdict == "observed"],
        "looked.count": len(known.looked),
        "looked.not_done": sum(each.verdict != "authorised" for each in known.looked),
        **{f"look.{each.name}.out": each.out for each in known.looked if each.out},
        **{f"look.{each.name}.reason": each.reason for each in known.looked if each.reason},
    }


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 1)
