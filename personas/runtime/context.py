"""Gathers the facts of one step through readers; nothing here writes or decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from adapters import registry
from adapters.cmdb.port import CI
from adapters.inference.port import Candidate
from adapters.json_value import JSON
from adapters.monitoring.port import Probe
from personas.gate import StepClaim

HISTORY = timedelta(days=90)
SAMPLES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A catalogue entry that fits the CI."""

    name: str
    title: str
    window_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Context:
    """What one step may know: the claim, the one CI, its probes, and what fits it."""

    claim: StepClaim
    ci: CI | None
    probes: tuple[Probe, ...]
    well_since: datetime | None
    entries: tuple[Entry, ...]
    worked_before: tuple[str, ...]
    now: datetime

    @property
    def plays(self) -> list[dict[str, Any]]:
        """The ticket's playbook actions so far, oldest first."""
        return [action for action in self.claim.history if action["verb"] == "playbook.run"]

    @property
    def last_play(self) -> dict[str, Any] | None:
        """The newest of this run's own."""
        own = [play for play in self.plays if play["run"] == str(self.claim.run_id)]
        return own[-1] if own else None


def gather(claim: StepClaim) -> Context:
    """Read everything that a step's question may be built from."""
    ci = _ci(claim)
    monitoring = registry.reader("monitoring")
    return Context(
        claim=claim,
        ci=ci,
        probes=monitoring.probes_of(ci.ref) if ci else (),
        well_since=monitoring.well_since(ci.ref) if ci else None,
        entries=_entries(ci) if ci else (),
        worked_before=_worked(ci) if ci else (),
        now=datetime.now(UTC),
    )


def facts(context: Context, kind: str) -> dict[str, JSON]:
    """Return the facts of a question of this kind, flat by dotted path."""
    found: dict[str, JSON] = {
        "ticket.ref": context.claim.ticket_ref,
        "alert.join": context.claim.joined,
        **_alert(context.claim.inputs),
        **_ci_facts(context.ci),
        **_probe_facts(context.probes),
        **_tried(context.plays),
        "history.worked": list(context.worked_before),
    }
    if kind == "verify":
        found |= _verification(context)
    return found


def candidates(context: Context, kind: str) -> tuple[Candidate, ...]:
    """Return what may be chosen; an engine never chooses anything else."""
    escalate = Candidate("escalate", "Hand it to a person, with what was tried")
    if kind == "triage":
        levels = ("high", "medium", "low")
        assign = [Candidate(f"assign_responders_{v}", f"Responders, urgency {v}") for v in levels]
        return (*assign, escalate)
    if kind == "diagnose":
        return (*(Candidate(e.name, e.title) for e in context.entries), escalate)
    return (
        Candidate("resolve", "The CI is well: resolve the incident"),
        Candidate("wait", "Look again in two seconds"),
        Candidate("next", "Try something else from the catalogue"),
        Candidate("comment_observed", "Say what would have been done, and tell a person"),
        escalate,
    )


def _ci(claim: StepClaim) -> CI | None:
    if claim.joined != "joined" or len(claim.scope) != 1:
        return None
    found = registry.reader("cmdb").by_refs(claim.scope)
    return found[0] if found else None


def _alert(inputs: Mapping[str, Any]) -> dict[str, JSON]:
    alert = inputs.get("alert") or {}
    return {f"alert.{name}": value for name, value in alert.items()}


def _ci_facts(ci: CI | None) -> dict[str, JSON]:
    if ci is None:
        return {}
    return {
        "ci.ref": ci.ref,
        "ci.name": ci.name,
        "ci.class": ci.ci_class,
        "ci.impact": ci.impact,
        "ci.user_facing": ci.user_facing,
        "ci.lifeline": ci.lifeline,
    }


def _probe_facts(probes: Sequence[Probe]) -> dict[str, JSON]:
    bad = [probe for probe in probes if probe.symptom not in (None, "ok")]
    shown = (bad or list(probes))[:1]
    return {
        key: value
        for probe in shown
        for key, value in {
            "probe.name": probe.name,
            "probe.kind": probe.kind,
            "probe.symptom": probe.symptom or "",
        }.items()
    }


def _tried(plays: Sequence[Mapping[str, Any]]) -> dict[str, JSON]:
    return {
        "tried": [p["entry"] for p in plays if p["outcome"] in ("done", "failed") or p["in_doubt"]],
        "denied": [p["entry"] for p in plays if p["verdict"] == "denied"],
        "observed": [p["entry"] for p in plays if p["verdict"] == "observed"],
    }


def _verification(context: Context) -> dict[str, JSON]:
    last = context.last_play
    if last is None:
        return {"action.outcome": "none"}
    entry = next((e for e in context.entries if e.name == last["entry"]), None)
    verdict = str(last["verdict"])
    outcome = "in_doubt" if last["in_doubt"] else str(last["outcome"] or "none")
    settled = datetime.fromisoformat(last["settled_at"]) if last["settled_at"] else context.now
    well_from = max(context.well_since, settled) if context.well_since else None
    return {
        "action.entry": str(last["entry"]),
        "action.target": str(last["target"]),
        "action.outcome": outcome if verdict == "authorised" else verdict,
        "action.reason": str(last["reason"]),
        "action.said": str(last["result"].get("said", ""))[:500],
        "probe.well": (well_from is not None) if context.probes else None,
        "probe.well_seconds": _seconds(context.now - well_from) if well_from else 0,
        "window_seconds": entry.window_s if entry else 0,
        "waited_seconds": _seconds(context.now - settled),
        "patience_seconds": entry.patience_s if entry else 0,
        "alert.resolved": False,
    }


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 1)


def _entries(ci: CI) -> tuple[Entry, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, title,"
            " (document #>> '{verification,window_s}')::float8,"
            " (document #>> '{verification,patience_s}')::float8"
            " FROM reading.catalogue WHERE enabled AND ("
            " document #> '{applies_to,any_attribute}' = '[]'::jsonb"
            " OR jsonb_exists_any(%s::jsonb, ARRAY(SELECT jsonb_array_elements_text("
            " document #> '{applies_to,any_attribute}')))) ORDER BY name",
            [_keys(ci)],
        )
        return tuple(Entry(*row) for row in cursor.fetchall())


def _keys(ci: CI) -> str:
    # Names of the declared attributes are all that fitting depends on.
    return "{" + ", ".join(f'"{name}": 0' for name in ci.attributes) + "}"


def _worked(ci: CI) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT entry FROM reading.past_action"
            " WHERE target = %s AND outcome = 'done' AND decided_at > %s ORDER BY entry",
            [ci.ref, datetime.now(UTC) - HISTORY],
        )
        return tuple(row[0] for row in cursor.fetchall())
