"""Verbs that write the embedded monitoring's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from django.db import connection, transaction
from django.db.models.functions import Now

from adapters.monitoring import alertmanager, evaluation
from adapters.monitoring.declared import DeclaredProbe, params_of, parse_params
from adapters.monitoring.models import AlertState, Probe, Sample
from adapters.monitoring.port import AlertStatus
from adapters.monitoring.port import Sample as Seen
from adapters.monitoring.rounds import Task

KEEP: Final = timedelta(hours=24)
AT_MOST: Final = 64
"""Probes that one sweep claims; the next sweep takes the rest."""
OWED_AT_MOST: Final = 20
"""Undelivered bodies kept per probe; beyond it the oldest are history nobody acts on."""

_CLAIM = """
    WITH due AS (
        SELECT name FROM monitoring_probe
        WHERE NOT retired
          AND (next_due_at <= statement_timestamp()
               OR next_due_at > statement_timestamp() + 2 * interval_s * interval '1 second')
          AND (lease_until IS NULL OR lease_until < statement_timestamp()
               OR lease_until > statement_timestamp() + interval '140 seconds')
        ORDER BY next_due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE monitoring_probe p
    SET lease_until = statement_timestamp() + interval '70 seconds',
        next_due_at = p.interval_s * interval '1 second' + CASE
            WHEN p.next_due_at <= statement_timestamp()
             AND p.next_due_at + p.interval_s * interval '1 second' > statement_timestamp()
            THEN p.next_due_at ELSE statement_timestamp() END
    FROM due WHERE p.name = due.name
    RETURNING p.name, p.kind, p.params::text
"""
"""By the database's clock, the one that all sweepers share. What lies further ahead than a claim
ever puts it was written before that clock was set back."""


@dataclass(frozen=True, slots=True)
class PlacedProbe:
    """A declared probe with the CI it stands on and that CI's inventory host."""

    ci_ref: str
    host: str
    probe: DeclaredProbe


@dataclass(frozen=True, slots=True)
class AppliedProbes:
    """Names of the probes that applying a declaration added, changed and retired."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


def apply_probes(*, placed: Sequence[PlacedProbe]) -> AppliedProbes:
    """Make the probe rows equal to the declared ones; what is no longer declared is retired."""
    found: dict[str, list[str]] = {"added": [], "changed": [], "retired": []}
    with transaction.atomic():
        for item in placed:
            became = _apply_probe(item)
            if became is not None:
                found[became].append(item.probe.name)
        live = Probe.objects.filter(retired=False)
        gone = live.exclude(name__in=[item.probe.name for item in placed])
        found["retired"] = sorted(gone.values_list("name", flat=True))
        gone.update(retired=True)
    return AppliedProbes(**{what: tuple(names) for what, names in found.items()})


def claim_due() -> list[Task]:
    """Take what is due; a lease keeps a probe that is being run from being run twice."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"limit": AT_MOST})
        rows = cursor.fetchall()
    return [Task(name, parse_params(kind, params)) for name, kind, params in sorted(rows)]


def record(*, samples: Sequence[Seen]) -> None:
    """Store samples, fold them into alert states, and owe a body for each transition."""
    with transaction.atomic():
        for seen in samples:
            _store(seen)
            _fold(seen)
        ran = Probe.objects.filter(name__in=[seen.probe for seen in samples])
        ran.update(lease_until=None)
        Sample.objects.filter(at__lt=Now() - KEEP).delete()


def _apply_probe(item: PlacedProbe) -> Literal["added", "changed"] | None:
    probe = item.probe
    values: dict[str, Any] = {
        "ci_ref": item.ci_ref,
        "kind": probe.kind,
        "params": params_of(probe),
        "interval_s": probe.interval_s,
        "bad_after": probe.bad_after,
        "good_after": probe.good_after,
        "alertname": probe.alertname,
        "severity": probe.severity,
        "host": item.host,
        "retired": False,
    }
    row = Probe.objects.filter(name=probe.name).first()
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return None
    row, is_new = Probe.objects.update_or_create(name=probe.name, defaults=values)
    fingerprint = alertmanager.fingerprint(_labels(row))
    state = AlertState.objects.filter(probe=row).first()
    if state is None or state.fingerprint != fingerprint:
        # Other labels are another alert: it begins without a past.
        AlertState.objects.filter(probe=row).delete()
        AlertState.objects.create(probe=row, fingerprint=fingerprint)
    return "added" if is_new else "changed"


def _labels(probe: Probe) -> dict[str, str]:
    return alertmanager.labels(
        alertname=probe.alertname,
        ci=probe.ci_ref,
        probe=probe.name,
        severity=probe.severity,
        host=probe.host,
    )


def _store(seen: Seen) -> None:
    Sample.objects.create(
        probe_id=seen.probe,
        at=seen.at,
        ok=seen.ok,
        symptom=seen.symptom,
        value=seen.value,
        unit=seen.unit,
        detail=seen.detail,
    )


def _fold(seen: Seen) -> None:
    state = (
        AlertState.objects.select_for_update(of=("self",))
        .select_related("probe")
        .get(probe_id=seen.probe)
    )
    before = _standing(state)
    after = evaluation.fold(before, seen, _thresholds(state.probe))
    if after is before:
        return
    state.last_symptom = seen.symptom
    _put(state, after)
    became = evaluation.transition(before, after)
    if became == "fired":
        state.symptom = seen.symptom
        state.description = seen.detail
    if became is not None:
        state.body = _body(state, before, after).decode()
        state.owed = [*state.owed, state.body][-OWED_AT_MOST:]
    state.save()


def _thresholds(probe: Probe) -> evaluation.Thresholds:
    silence = timedelta(seconds=3 * probe.interval_s + 10)
    return evaluation.Thresholds(probe.bad_after, probe.good_after, silence)


def _standing(state: AlertState) -> evaluation.Standing:
    return evaluation.Standing(
        status=cast("AlertStatus", state.status),
        bad_run=state.bad_run,
        good_run=state.good_run,
        first_bad_at=state.first_bad_at,
        good_since=state.good_since,
        starts_at=state.starts_at,
        ends_at=state.ends_at,
        last_sample_at=state.last_sample_at,
    )


def _put(state: AlertState, standing: evaluation.Standing) -> None:
    state.status = standing.status
    state.bad_run = standing.bad_run
    state.good_run = standing.good_run
    state.first_bad_at = standing.first_bad_at
    state.good_since = standing.good_since
    state.starts_at = standing.starts_at
    state.ends_at = standing.ends_at
    state.last_sample_at = standing.last_sample_at


def _body(state: AlertState, before: evaluation.Standing, after: evaluation.Standing) -> bytes:
    first_bad_at = after.first_bad_at or before.first_bad_at
    annotations = {
        "summary": f"{state.probe.alertname} on {state.probe.ci_ref}",
        "description": state.description,
        "symptom": state.symptom,
        "first_bad_at": first_bad_at.isoformat() if first_bad_at else "",
    }
    alert = alertmanager.Alert(
        _labels(state.probe),
        annotations,
        starts_at=cast("datetime", after.starts_at),
        ends_at=after.ends_at,
    )
    return alertmanager.body(alert)
