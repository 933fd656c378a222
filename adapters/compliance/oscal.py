"""Findings as OSCAL 1.2 assessment results and a catalog, which say the same whenever asked. Pure.

OSCAL knows satisfied and not satisfied alone: only what is strong is satisfied; what a finding is
besides stands in its props and remarks. Every id is made of what it is the id of.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from adapters.compliance.canonical import digest, identity, moment
from adapters.compliance.kinds import ASSESSED, ATTESTED, KINDS
from adapters.compliance.port import WHOLE, Finding, Ground, Observation, Safeguard

VERSION: Final = "1.2.1"
SPACE: Final = UUID("6f0f6a3e-5a3b-5d0e-9a0d-4a7b3a0f5c11")
PROPS: Final = "https://ethops.invalid/ns/oscal"
"""The namespace of our props; nothing is to be found there."""
PLAN: Final = "continuous-collection"
REASONS: Final[Mapping[Ground, str]] = {
    "evidence": "pass", "contradicted": "fail", "expired": "other", "nothing": "other",
    "exempt": "other",
}  # fmt: skip
METHODS: Final = {ATTESTED: "INTERVIEW", ASSESSED: "EXAMINE"}
"""How what is no look of ours came about."""

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Assessed:
    """What an export is of: a framework as it stood at one time."""

    framework: str
    safeguards: Sequence[Safeguard]
    observations: Sequence[Observation]
    findings: Sequence[Finding]
    at: datetime


def results(said: Assessed) -> Part:
    """Return the assessment results as OSCAL has them."""
    observations = sorted(_rested_on(said), key=identity)
    scopes = sorted({*(one.scope for one in said.findings), *(one.scope for one in observations)})
    return {
        "assessment-results": {
            "uuid": _uuid("results", digest(_all(said))),
            "metadata": _metadata(f"{said.framework}: what speaks for each safeguard", said.at),
            "import-ap": {"href": f"#{_uuid('plan', PLAN)}"},
            "results": [_result(said, observations, scopes)],
            "back-matter": {"resources": [_plan()]},
        }
    }


def catalog(framework: str, safeguards: Sequence[Safeguard], at: datetime) -> Part:
    """Return the safeguards as a catalog, by which the targets of the results are found."""
    controls: list[Part] = [
        {"id": control_id(one.id), "title": one.title, "props": [_prop("mode", one.mode)]}
        for one in safeguards
    ]
    return {
        "catalog": {
            "uuid": _uuid("catalog", digest([framework, controls])),
            "metadata": _metadata(f"{framework}: safeguards, in our own words", at),
            "controls": controls,
        }
    }


def control_id(safeguard: str) -> str:
    """Return a safeguard's id as a token, which may not begin with a digit."""
    return f"cis-{safeguard}"


def _rested_on(said: Assessed) -> Iterable[Observation]:
    """Return the observations that any finding names, each once."""
    named = {key for one in said.findings for key in one.observations}
    by_id = {identity(one): one for one in said.observations}
    return [one for key, one in by_id.items() if key in named]


def _all(said: Assessed) -> Any:
    return [
        said.framework,
        moment(said.at),
        [[one.safeguard, one.scope, one.strength, one.ground, *one.because, *one.observations]
         for one in said.findings],
    ]  # fmt: skip


def _result(said: Assessed, observations: Sequence[Observation], scopes: Sequence[str]) -> Part:
    controls = [{"control-id": control_id(one.id)} for one in said.safeguards]
    start = min((one.collected_at for one in observations), default=said.at)
    made: Part = {
        "uuid": _uuid("result", digest(_all(said))),
        "title": f"As of {moment(said.at)}",
        "description": "Judged from what was observed; a finding weakens by itself with time.",
        "start": moment(start),
        "end": moment(said.at),
        "local-definitions": {"components": [_system()]},
        "reviewed-controls": {"control-selections": [{"include-controls": controls}]},
        "findings": [_finding(one) for one in said.findings],
    }
    items = [_item(scope) for scope in scopes if scope != WHOLE]
    if items:
        made["local-definitions"]["inventory-items"] = items
    if observations:
        made["observations"] = [_observation(one) for one in observations]
    return made


def _observation(one: Observation) -> Part:
    return {
        "uuid": _uuid("observation", identity(one)),
        "description": _line(one.said),
        "props": [
            _prop("kind", one.kind),
            _prop("outcome", one.outcome),
            _prop("safeguard", control_id(one.safeguard)),
            _prop("observation-id", identity(one)),
        ],
        "methods": [METHODS.get(one.kind, "TEST")],
        "subjects": [_subject(one.scope)],
        "relevant-evidence": [
            {
                "description": _line(KINDS[one.kind].what if one.kind in KINDS else one.kind),
                "props": [_prop("source", one.source), _prop("raw-sha256", one.raw_sha256)],
            }
        ],
        "collected": moment(one.collected_at),
        "expires": moment(one.expires_at),
    }


def _finding(one: Finding) -> Part:
    carried = one.strength == "strong"
    props = [_prop("strength", one.strength), _prop("ground", one.ground)]
    props.append(_prop("known", one.known))
    props += [_prop("scope", one.scope)] if one.scope else []
    for name, at in (("collected", one.collected_at), ("expires", one.expires_at)):
        props += [_prop(name, moment(at))] if at else []
    reason = "other" if one.ground == "evidence" and not carried else REASONS[one.ground]
    made: Part = {
        "uuid": _uuid("finding", f"{one.safeguard} {one.scope}"),
        "title": f"{control_id(one.safeguard)}: {one.strength}, {one.ground}",
        "description": _line(one.because[0]),
        "props": props,
        "target": {
            "type": "objective-id",
            "target-id": control_id(one.safeguard),
            "status": {
                "state": "satisfied" if carried else "not-satisfied",
                "reason": reason,
                "remarks": " ".join(map(_line, one.because)),
            },
        },
    }
    if one.observations:
        made["related-observations"] = [
            {"observation-uuid": _uuid("observation", key)} for key in one.observations
        ]
    return made


def _subject(scope: str) -> Part:
    if scope == WHOLE:
        return {"subject-uuid": _uuid("component", "this"), "type": "component"}
    return {"subject-uuid": _uuid("item", scope), "type": "inventory-item"}


def _system() -> Part:
    return {
        "uuid": _uuid("component", "this"),
        "type": "this-system",
        "title": "Everything",
        "description": "All that is looked after here, and how it is looked after.",
        "status": {"state": "operational"},
    }


def _item(scope: str) -> Part:
    return {
        "uuid": _uuid("item", scope),
        "description": f"The CI {_line(scope)}",
        "props": [_prop("ci", scope)],
    }


def _plan() -> Part:
    return {
        "uuid": _uuid("plan", PLAN),
        "title": "Continuous collection",
        "description": "There is no plan of a single assessment: evidence is collected each hour.",
    }


def _metadata(title: str, at: datetime) -> Part:
    return {
        "title": title,
        "last-modified": moment(at),
        "version": moment(at),
        "oscal-version": VERSION,
    }


def _prop(name: str, value: str) -> Part:
    return {"name": name, "ns": PROPS, "value": _line(value)}


def _line(text: str) -> str:
    """Return text that a prop may have: one line, with neither end blank, and not empty."""
    return re.sub(r"\s+", " ", text).strip() or "none"


def _uuid(kind: str, name: str) -> str:
    return str(uuid5(SPACE, f"{kind}:{name}"))
