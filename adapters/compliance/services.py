"""Verbs that write the embedded compliance's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db import transaction

from adapters.compliance import models
from adapters.compliance.canonical import identity
from adapters.compliance.errors import ExemptionError
from adapters.compliance.kinds import KINDS
from adapters.compliance.port import Collected, Exemption, Observation
from adapters.compliance.safeguards import FRAMEWORKS
from adapters.rows import now, select
from adapters.text import one_line

AGAIN_AFTER: Final = 4
"""A look that finds what the last one found is kept once a quarter of its kind's time is over."""
LONGEST_EXEMPTION: Final = timedelta(days=731)

Line: TypeAlias = tuple[str, str, str, str]

_NEWEST = """
    SELECT DISTINCT ON (safeguard, scope, kind, source)
           safeguard, scope, kind, source, outcome, said, collected_at
    FROM reading.observation WHERE scope = ANY(%s)
    ORDER BY safeguard, scope, kind, source, collected_at DESC, id DESC
"""


@transaction.atomic
def keep(observations: Iterable[Observation], *, faults: tuple[str, ...] = ()) -> Collected:
    """Write what is news: something else was found, or the last look is getting old."""
    arrived = now()
    looks = {identity(one): one for one in (_fit(one, arrived) for one in observations)}
    last = _last({one.scope for one in looks.values()})
    news: dict[str, Observation] = {}
    for key, one in sorted(looks.items(), key=lambda item: (item[1].collected_at, item[0])):
        line = (one.safeguard, one.scope, one.kind, one.source)
        if _is_news(one, last.get(line)):
            news[key] = one
            last[line] = {
                "outcome": one.outcome,
                "said": one.said,
                "collected_at": one.collected_at,
            }
    known = models.Observation.objects.filter(pk__in=list(news)).values_list("pk", flat=True)
    for key in list(known):
        del news[key]
    rows = [models.Observation(id=key, **asdict(one)) for key, one in news.items()]
    models.Observation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)
    return Collected(len(news), len(looks) - len(news), faults, tuple(sorted(news)))


def _last(scopes: Iterable[str]) -> dict[Line, dict[str, Any]]:
    rows = select(_NEWEST, [sorted(scopes)])
    return {
        (row["safeguard"], row["scope"], row["kind"], row["source"]): row for row in rows
    }  # fmt: skip


def _is_news(one: Observation, last: dict[str, Any] | None) -> bool:
    if last is None or (one.outcome, one.said) != (last["outcome"], last["said"]):
        return True
    since: timedelta = one.collected_at - last["collected_at"]
    return since >= KINDS[one.kind].lasts / AGAIN_AFTER


def _fit(one: Observation, arrived: datetime) -> Observation:
    """Return it as it can be kept; a time ahead of ours is ours."""
    return replace(
        one,
        said=one_line(one.said, 500),
        source=one_line(one.source, 200),
        collected_at=min(one.collected_at, arrived),
        expires_at=min(one.expires_at, arrived + KINDS[one.kind].lasts),
    )


def exempt(exemption: Exemption) -> bool:
    """Write a word that something does not apply; what was just said is not said again."""
    said = _checked(exemption)
    with transaction.atomic():
        before = (
            models.Exemption.objects.filter(safeguard=said.safeguard, scope=said.scope)
            .order_by("-said_at", "-id")
            .first()
        )
        if before is not None and _words(before) == _words(said):
            return False
        models.Exemption.objects.create(**asdict(said))
    return True


def _words(one: Exemption | models.Exemption) -> Sequence[object]:
    return one.reason, one.said_by, one.until


def _checked(one: Exemption) -> Exemption:
    said = replace(
        one,
        reason=one_line(one.reason, 500),
        said_by=one_line(one.said_by, 150),
        said_at=min(one.said_at, now()),
    )
    if not any(said.safeguard in safeguards for safeguards in FRAMEWORKS.values()):
        raise ExemptionError(f"There is no safeguard {said.safeguard[:40]!r}.")
    if not said.reason or not said.said_by:
        raise ExemptionError(f"Nobody says why {said.safeguard} does not apply, or who says so.")
    if not said.said_at <= said.until <= said.said_at + LONGEST_EXEMPTION:
        raise ExemptionError(
            f"That {said.safeguard} does not apply ends at {said.until.isoformat()}: before it was"
            f" said, or more than {LONGEST_EXEMPTION.days} days after."
        )
    return said
