"""The evaluation set: incidents declared in YAML, each with what is right, bearable and harmful."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias, get_args

from pydantic import Field

from adapters import declared
from adapters.cmdb.port import CI, JoinResult
from adapters.declared import Declaration, Fault, Read
from adapters.inference.port import Question, QuestionKind
from adapters.json_value import JSON
from adapters.monitoring.port import Probe, ProbeKind, Sample, Symptom
from personas.cards import CardDocument, Name
from personas.catalogue import EntryDocument
from personas.runtime.facts import Known, Look, Looked, fitting, looks_of, question

SHIPPED: Final = Path(__file__).resolve().parent / "cases"
NOW: Final = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
"""When every incident of the set happens: no answer depends on the day on which it is asked."""
TICKET: Final = "I-000042"
_RUN: Final = "this-run"

Trap: TypeAlias = Literal[
    "none",
    "already_repaired",
    "alike_names",
    "ambiguous_join",
    "conflicting_facts",
    "flapping",
    "healthy_host",
    "in_doubt",
    "injected_alert",
    "injected_ci_name",
    "injected_log",
    "injected_title",
    "lifeline",
    "maintenance",
    "misleading_log",
    "missing_facts",
    "no_entry",
    "observed_only",
    "remedy_spent",
    "stale_facts",
    "storm",
    "wrong_host",
]
TRAPS: Final[tuple[str, ...]] = get_args(Trap)
"""What may mislead; `none` is an ordinary incident, to see that the ordinary is still done."""

Text: TypeAlias = Annotated[str, Field(max_length=2000)]
Choices: TypeAlias = tuple[Name, ...]


class AlertDocument(Declaration):
    """The alert as the desk passes it on: all of it text from outside."""

    name: Text = ""
    severity: Text = ""
    symptom: Text = ""
    summary: Text = ""
    description: Text = ""
    host: Text = ""


class CIDocument(Declaration):
    """The one CI that the alert was joined to."""

    ref: Annotated[str, Field(max_length=200)] = "ci-1"
    name: Text = "Service one"
    ci_class: Annotated[Name, Field(alias="class")] = "web_service"
    attributes: dict[str, str] = Field(default_factory=dict)
    impact: Annotated[int, Field(ge=1, le=3)] = 2
    user_facing: bool = False
    lifeline: bool = False
    host: Text = "node-1"


class ProbeDocument(Declaration):
    """A probe of ours on that CI, as it stands."""

    kind: ProbeKind = "http"
    symptom: Symptom | None = None
    age_s: Annotated[float, Field(ge=0)] = 2
    """Seconds since its last sample."""
    interval_s: Annotated[float, Field(gt=0)] = 10
    marks: Annotated[str, Field(pattern="^[gb]*$", max_length=60)] = ""
    """Its samples of late, oldest first: g good, b bad."""


class PlayDocument(Declaration):
    """A playbook that was asked for on this ticket."""

    entry: Name
    verdict: Literal["authorised", "denied", "observed"] = "authorised"
    outcome: Literal["done", "failed", "void", ""] = "done"
    in_doubt: bool = False
    reason: Text = ""
    said: Text = ""
    """What it reported; text from a host."""
    code: Text = ""
    """Why it was refused, where it was."""
    settled_s: Annotated[float, Field(ge=0)] | None = 10
    """Seconds since then; null where it is not settled."""
    of_this_run: bool = True


class LookedDocument(Declaration):
    """A look that this run has asked for."""

    look: Name
    verdict: Literal["authorised", "denied", "observed"] = "authorised"
    outcome: Literal["done", "failed", ""] = "done"
    reason: Text = ""
    out: Text = ""
    """What the command wrote; text from outside."""


class CaseDocument(Declaration):
    """One question to one card, and how its answers are to be judged."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,59}$")]
    trap: Trap
    card: Name
    asked: QuestionKind
    incident: Annotated[str, Field(min_length=20, max_length=600)]
    """What really goes on."""
    join: JoinResult = "joined"
    alert: AlertDocument = AlertDocument()
    named_host: Text = ""
    """The declared host that the alert's labels name."""
    repeats: Annotated[int, Field(ge=0)] = 0
    neighbours: Annotated[int, Field(ge=0)] = 0
    ci: CIDocument | None = None
    probes: tuple[ProbeDocument, ...] = ()
    well_for_s: Annotated[float, Field(ge=0)] | None = None
    """Seconds for which every probe has been good."""
    plays: tuple[PlayDocument, ...] = ()
    worked_before: tuple[Name, ...] = ()
    looked: tuple[LookedDocument, ...] = ()
    request: tuple[str, ...] = ()
    """A command that whoever asked for the run wants done."""
    right: Annotated[Choices, Field(min_length=1)]
    acceptable: Choices = ()
    harmful: Choices = ()
    why: Annotated[str, Field(min_length=20, max_length=600)]


class CaseFile(Declaration):
    """Cases in the order in which they are asked."""

    cases: Annotated[tuple[CaseDocument, ...], Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Case:
    """A case and the question that the runtime itself would ask of it."""

    document: CaseDocument
    question: Question


def case_digest(folder: Path) -> str:
    """Return what tells one set of cases from another."""
    said = hashlib.sha256()
    for file in sorted(folder.glob("*.yaml")):
        said.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return said.hexdigest()


def read_cases(
    folder: Path,
    catalogue: Mapping[str, EntryDocument],
    cards: Mapping[str, CardDocument] = MappingProxyType({}),
) -> tuple[list[Case], list[Fault]]:
    """Return the cases of a folder, and everything wrong with them.

    `cards` are asked for the looks that they offer.
    """
    cases: list[Case] = []
    faults: list[Fault] = []
    ids: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        found = declared.read(path, CaseFile)
        faults += found.faults
        if found.value is None:
            continue
        read = [Case(each, _question(each, catalogue, cards)) for each in found.value.cases]
        faults += _faults(found, read, ids)
        cases += read
    if not cases and not faults:
        faults.append(Fault(str(folder), 1, "There is no case here.", "Add at least one *.yaml."))
    return cases, faults


def _faults(found: Read[CaseFile], cases: list[Case], ids: set[str]) -> Iterator[Fault]:
    for number, case in enumerate(cases):
        document = case.document
        if document.id in ids:
            what = f"There is a second case {document.id}."
            yield found.fault(("cases", number, "id"), what, "Give it another id.")
        ids.add(document.id)
        if (document.ci is not None) is not (document.join == "joined"):
            what = f"{document.id} has a CI exactly where its alert was not joined to one."
            mend = "Give `ci` with `join: joined`, and only there."
            yield found.fault(("cases", number, "ci"), what, mend)
        yield from _choice_faults(found, number, case)


def _choice_faults(found: Read[CaseFile], number: int, case: Case) -> Iterator[Fault]:
    offered = {candidate.id for candidate in case.question.candidates}
    judged: set[str] = set()
    for kind in ("right", "acceptable", "harmful"):
        for choice in getattr(case.document, kind):
            if choice not in offered:
                what = f"{choice} is not on offer in {case.document.id}."
                mend = f"Judge what is: {', '.join(sorted(offered))}."
                yield found.fault(("cases", number, kind), what, mend)
            if choice in judged:
                what = f"{choice} is judged twice in {case.document.id}."
                yield found.fault(("cases", number, kind), what, "Leave one.")
            judged.add(choice)


# ---------------------------------------------------------------- what a step would know of it


def _question(
    case: CaseDocument,
    catalogue: Mapping[str, EntryDocument],
    cards: Mapping[str, CardDocument],
) -> Question:
    known = replace(_known(case, catalogue), looks=_looks(case, cards), looked=_looked(case))
    return question(known, case.asked, case.card)


def _looks(case: CaseDocument, cards: Mapping[str, CardDocument]) -> tuple[Look, ...]:
    if case.asked != "inspect" or case.ci is None or case.card not in cards:
        return ()
    requested = (Look("as_requested", "", case.request),) if case.request else ()
    return (*looks_of(cards[case.card], _ci(case.ci)), *requested)


def _looked(case: CaseDocument) -> tuple[Looked, ...]:
    return tuple(Looked(e.look, e.verdict, e.outcome, e.reason, e.out) for e in case.looked)


def _known(case: CaseDocument, catalogue: Mapping[str, EntryDocument]) -> Known:
    ci = _ci(case.ci) if case.ci else None
    probes = tuple(_probe(n, each, case.alert) for n, each in enumerate(case.probes))
    well_for = case.well_for_s
    return Known(
        ticket_ref=TICKET,
        run=_RUN,
        joined=case.join,
        alert=case.alert.model_dump(),
        history=[_play(each, case.ci) for each in case.plays],
        ci=ci,
        now=NOW,
        named_host=case.named_host,
        repeats=case.repeats,
        neighbours=case.neighbours,
        probes=probes,
        samples=tuple(s for n, each in enumerate(case.probes) for s in _samples(n, each)),
        well_since=None if well_for is None else NOW - timedelta(seconds=well_for),
        entries=fitting(ci, catalogue) if ci else (),
        worked_before=case.worked_before,
    )


def _ci(ci: CIDocument) -> CI:
    return CI(
        ref=ci.ref,
        name=ci.name,
        ci_class=ci.ci_class,
        attributes=ci.attributes,
        impact=ci.impact,
        urgency=2,
        user_facing=ci.user_facing,
        lifeline=ci.lifeline,
        host=ci.host,
        source="evaluation",
        managed_by="evaluation",
    )


def _probe(number: int, probe: ProbeDocument, alert: AlertDocument) -> Probe:
    return Probe(
        name=f"probe-{number + 1}",
        ci_ref="",
        kind=probe.kind,
        params={},
        interval_s=probe.interval_s,
        bad_after=2,
        good_after=2,
        alertname=alert.name,
        severity="critical",
        host="",
        alert_status="quiet" if probe.symptom == "ok" else "firing",
        symptom=probe.symptom,
        first_bad_at=None,
        last_sample_at=NOW - timedelta(seconds=probe.age_s),
    )


def _samples(number: int, probe: ProbeDocument) -> Iterator[Sample]:
    for place, mark in enumerate(probe.marks):
        ago = probe.age_s + probe.interval_s * (len(probe.marks) - 1 - place)
        symptom: Symptom = "ok" if mark == "g" else (probe.symptom or "no_answer")
        at = NOW - timedelta(seconds=ago)
        yield Sample(f"probe-{number + 1}", at, mark == "g", symptom, None, "", "")


def _play(play: PlayDocument, ci: CIDocument | None) -> dict[str, JSON]:
    settled = play.settled_s
    return {
        "run": _RUN if play.of_this_run else "an-earlier-run",
        "verb": "playbook.run",
        "entry": play.entry,
        "target": ci.ref if ci else "",
        "verdict": play.verdict,
        "outcome": play.outcome if play.verdict == "authorised" and not play.in_doubt else "",
        "in_doubt": play.in_doubt,
        "reason": play.reason,
        "result": {"said": play.said, **({"code": play.code} if play.code else {})},
        "settled_at": None if settled is None else (NOW - timedelta(seconds=settled)).isoformat(),
    }
