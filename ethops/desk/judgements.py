"""Gathers what is known of changes that are over, and has them judged."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, cast
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from adapters import registry
from adapters.monitoring.port import Sample
from ethops.desk.models import Event
from personas import queries
from personas.autonomy import doors, judging
from personas.autonomy.judging import GRACE, Facts
from personas.models import Action

LOOK_BACK: Final = timedelta(days=2)
"""What was settled longer ago keeps the verdict it has."""
BEFORE: Final = timedelta(minutes=10)
"""So old a look before the change may be."""
AT_ONCE: Final = 50
TOLD: Final = Event.objects.filter(status="firing", decision__in=("opened", "reopened"))
"""Troubles as they were told for the first time, and again."""


def judge_due() -> int:
    """Judge what is due; returns how many verdicts are new or different."""
    now = datetime.now(UTC)
    within = timedelta(seconds=doors.policy("reopened_within_s"))
    changed = 0
    for action in _candidates(now, within):
        facts = _facts(action, within)
        if not judging.is_due(facts, now):
            continue
        ruling = judging.judge(facts)
        said = doors.facts_judge(
            action_id=action.id,
            verdict=ruling.verdict,
            proven_false=ruling.proven_false,
            healed_alone=ruling.healed_alone,
            why=ruling.why,
        )
        changed += said == "judged"
    return changed


def _candidates(now: datetime, within: timedelta) -> Iterable[Action]:
    """Return changes without a verdict, and right ones whose trouble came back."""
    return (
        Action.objects.filter(
            run__isnull=False,
            verdict="authorised",
            outcome__in=("done", "failed"),
            settled_at__gt=now - max(LOOK_BACK, within),
        )
        .exclude(Q(verb__startswith="ticket.") | Q(verb="notify") | Q(risk="none"))
        .filter(Q(judgement=None) | Q(id__in=_came_back(now, within)))
        .select_related("work")
        .order_by("settled_at")[:AT_ONCE]
    )


def _came_back(now: datetime, within: timedelta) -> list[UUID]:
    """Return ids of right changes whose trouble was told anew; hardly any is looked at closely."""
    right = Action.objects.filter(
        Exists(TOLD.filter(ci_ref=OuterRef("target"), at__gt=OuterRef("settled_at"))),
        judgement__verdict="right",
        judgement__judged_by="facts",
        settled_at__gt=now - within,
    ).values_list("id", "target", "settled_at", "ticket_ref")
    return [
        action
        for action, ci, settled, ticket in right
        if settled and _again(ci, settled, ticket, within) is not None
    ]


def _again(ci: str, settled: datetime, ticket: str, within: timedelta) -> datetime | None:
    """Return when the trouble of a ticket was told anew, for the same CI, within that time."""
    causes = Event.objects.filter(ticket_ref=ticket).exclude(cause_key="").values("cause_key")
    return (
        TOLD.filter(ci_ref=ci, at__gt=settled, at__lt=settled + within, cause_key__in=causes)
        .order_by("at")
        .values_list("at", flat=True)
        .first()
    )


def _facts(action: Action, within: timedelta) -> Facts:
    began = action.work.claimed_at if action.work and action.work.claimed_at else action.decided_at
    settled = action.settled_at or action.decided_at
    patience = timedelta(seconds=queries.patience_of(action.entry))
    samples = registry.reader("monitoring").samples(action.target, began - BEFORE)
    return Facts(
        outcome=cast("Literal['done', 'failed']", action.outcome),
        code=str(action.result.get("code", "")),
        settled_at=settled,
        patience=patience,
        well_before=_well(s for s in samples if s.at < began),
        well_after=_well(s for s in samples if settled < s.at < settled + patience + GRACE),
        again_at=_again(action.target, settled, action.ticket_ref, within),
    )


def _well(samples: Iterable[Sample]) -> bool | None:
    """Tell whether the last look at each probe was good; None where nobody looked."""
    last = {sample.probe: sample.ok for sample in samples}
    return all(last.values()) if last else None
