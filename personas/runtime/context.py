"""Gathers what one step may know, through readers; nothing here writes or decides."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters import registry
from adapters.cmdb.port import CI
from adapters.monitoring.port import Probe, Reader
from adapters.rows import select
from adapters.telemetry.port import Delta
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.port import Ticket
from personas.cards import CardDocument
from personas.catalogue import EntryDocument
from personas.gate import StepClaim
from personas.memory import giving, recall
from personas.runtime import differs, trends
from personas.runtime.around import Around, ill, look
from personas.runtime.facts import Entry, Known, Look, Looked, fitting, looks_of, shown_of
from personas.runtime.questions import QUESTIONS

HISTORY = timedelta(days=90)
LATELY = timedelta(minutes=10)
"""Samples so old tell whether a probe keeps changing its mind."""

AROUND = ("triage", "diagnose")
"""Questions that are told what stands around the CI: whether it is well again rests on probes."""


def gather(claim: StepClaim) -> Known:
    """Read everything that a step's question may be built from."""
    ci = _ci(claim)
    now = datetime.now(UTC)
    monitoring = registry.reader("monitoring")
    probes = monitoring.probes_of(ci.ref) if ci else ()
    alert = claim.inputs.get("alert") or {}
    ticket = _ticket(claim.ticket_ref)
    inspects = claim.inputs.get("first_question") == "inspect"
    return Known(
        ticket_ref=claim.ticket_ref,
        run=str(claim.run_id),
        joined=claim.joined,
        alert=alert,
        history=claim.history,
        ci=ci,
        now=now,
        named_host=_declared_host(str(alert.get("host", ""))),
        is_major=_is_major(ticket) if ticket else False,
        repeats=ticket.repeats if ticket else 0,
        opened_at=ticket.opened_at if ticket else None,
        neighbours=_neighbours(ci, now) if ci else 0,
        around=_around(ci, now) if ci and _stage(claim) in AROUND else None,
        differs=_differs(ci, now) if ci and _stage(claim) in AROUND else (),
        trend=_trend(monitoring, probes, now) if _stage(claim) in AROUND else None,
        probes=probes,
        samples=monitoring.samples(ci.ref, now - LATELY) if ci else (),
        well_since=monitoring.well_since(ci.ref) if ci else None,
        entries=_entries(ci) if ci else (),
        worked_before=_worked(ci) if ci else (),
        memory=_memory(claim, ci) if ci else (),
        known_error=_known_error(claim.inputs),
        request=str(claim.inputs.get("request") or ""),
        looks=(*_looks(claim.card, ci), *_requested(claim.inputs)) if ci and inspects else (),
        looked=_looked(claim) if inspects else (),
        may_ask=_may_ask(claim),
        may_write_page=_stage(claim) == "verify" and _may_write_page(claim),
        answers=_answers(claim.ticket_ref),
        so_far=str(claim.inputs.get("so_far") or ""),
    )


def _known_error(inputs: Mapping[str, Any]) -> Mapping[str, str]:
    said = inputs.get("known_error")
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, Mapping) else {}


def _ci(claim: StepClaim) -> CI | None:
    if claim.joined != "joined" or len(claim.scope) != 1:
        return None
    found = registry.reader("cmdb").by_refs(claim.scope)
    return found[0] if found else None


def _declared_host(name: str) -> str:
    """Return the name where a host of it is declared: other names say nothing we can compare."""
    return name if name and registry.reader("cmdb").host(name) else ""


def _ticket(ref: str) -> Ticket | None:
    try:
        return registry.reader("tickets").get(ref)
    except TicketNotFoundError:
        return None


def _is_major(ticket: Ticket) -> bool:
    """Tell whether the ticket is a major incident, or part of one, that is not over."""
    rows = select(
        "SELECT 1 FROM reading.major WHERE ref = ANY(%s) AND ended_at IS NULL",
        [[ticket.ref, ticket.parent_ref]],
    )
    return bool(rows)


def _neighbours(ci: CI, now: datetime) -> int:
    """Count the other CIs of the same host whose incidents began lately and are still open."""
    if not ci.host:
        return 0
    others = registry.reader("cmdb").by_refs(
        sorted(ill(registry.reader("tickets"), now) - {ci.ref})
    )
    return sum(other.host == ci.host for other in others)


def _around(ci: CI, now: datetime) -> Around | None:
    others = ill(registry.reader("tickets"), now)
    return look(registry.reader("graph"), registry.reader("cmdb"), ci.ref, others, now)


def _differs(ci: CI, now: datetime) -> tuple[Delta, ...]:
    telemetry = registry.reader("telemetry")
    if "deltas" not in telemetry.capabilities:
        return ()
    return telemetry.deltas(ci.ref, now - differs.SPAN, shown=0)


def _trend(monitoring: Reader, probes: Sequence[Probe], now: datetime) -> trends.Trend | None:
    shown = shown_of(probes)
    return trends.look(monitoring, shown, now) if shown else None


def _stage(claim: StepClaim) -> str:
    return str(claim.checkpoint.get("stage") or claim.inputs.get("first_question"))


def _entries(ci: CI) -> tuple[Entry, ...]:
    rows = select("SELECT name, document FROM reading.catalogue WHERE enabled")
    read = EntryDocument.model_validate_json
    return fitting(ci, {row["name"]: read(row["document"]) for row in rows})


def _memory(claim: StepClaim, ci: CI) -> tuple[giving.Item, ...]:
    alert = str((claim.inputs.get("alert") or {}).get("name", ""))
    return giving.given(claim.run_id, recall.fitting(ci.ci_class, alert))


def _worked(ci: CI) -> tuple[str, ...]:
    rows = select(
        "SELECT DISTINCT entry FROM reading.past_action"
        " WHERE target = %s AND outcome = 'done' AND decided_at > %s ORDER BY entry",
        [ci.ref, datetime.now(UTC) - HISTORY],
    )
    return tuple(row["entry"] for row in rows)


def _may_ask(claim: StepClaim) -> tuple[str, ...]:
    """Return what was not asked yet, where the card may ask and people may still be asked."""
    rows = select(
        "SELECT 1 FROM reading.card WHERE name = %s AND gate.questions_left(%s) > 0"
        """ AND document -> 'grants' @> '[{"verb": "ticket.ask"}]'""",
        [claim.card, claim.ticket_ref],
    )
    asked = select("SELECT name FROM reading.question WHERE ref = %s", [claim.ticket_ref])
    return tuple(sorted(QUESTIONS.keys() - {row["name"] for row in asked})) if rows else ()


def _may_write_page(claim: StepClaim) -> bool:
    rows = select(
        "SELECT 1 FROM reading.card WHERE name = %s AND gate.pulls_left(%s) > 0"
        """ AND document -> 'grants' @> '[{"verb": "pull.open"}]'""",
        [claim.card, claim.ticket_ref],
    )
    return bool(rows)


def _answers(ref: str) -> dict[str, str]:
    rows = select(
        "SELECT name, answer FROM reading.question WHERE ref = %s AND answer <> '' ORDER BY n",
        [ref],
    )
    return {row["name"]: row["answer"] for row in rows}


def _looks(card: str, ci: CI) -> tuple[Look, ...]:
    rows = select("SELECT document FROM reading.card WHERE name = %s", [card])
    if not rows:
        return ()
    # The row says more than the file: also what its model is told.
    return looks_of(CardDocument.model_validate_json(rows[0]["document"], extra="ignore"), ci)


def _requested(inputs: Mapping[str, Any]) -> tuple[Look, ...]:
    """Return the command that whoever asked for the run wants done; the gate judges it like any."""
    request = inputs.get("command")
    if not isinstance(request, Mapping):
        return ()
    scope, argv = request.get("scope"), request.get("argv")
    if not isinstance(scope, str) or not isinstance(argv, list):
        return ()
    return (Look("as_requested", scope, tuple(map(str, argv))),)


def _looked(claim: StepClaim) -> tuple[Looked, ...]:
    rows = select(
        "SELECT key, verdict, outcome, reason, out FROM reading.command WHERE run_id = %s"
        " ORDER BY decided_at",
        [claim.run_id],
    )
    return tuple(Looked(r["key"], r["verdict"], r["outcome"], r["reason"], r["out"]) for r in rows)
