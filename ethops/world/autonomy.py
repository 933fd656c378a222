"""How far agents may go, how often they were right, and how the breaker stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from adapters.inference.rendering import prompt_digest
from personas.autonomy import doors
from personas.autonomy.doors import Anomaly, Standing
from personas.autonomy.models import Breaker, Evaluated, Evaluation, Judgement, Kept
from personas.evaluation.calibration import wilson
from personas.evaluation.cases import SHIPPED, case_digest
from personas.models import Autonomy, Grant

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """How often a card was right; what was well by itself counts neither way."""

    right: int = 0
    wrong: int = 0
    unknown: int = 0
    healed_alone: int = 0

    @property
    def judged(self) -> int:
        """Verdicts that say something."""
        return self.right + self.wrong

    @property
    def proven(self) -> float:
        """The share that they prove right at least."""
        return wilson(self.right, self.judged)


@dataclass(frozen=True, slots=True)
class Triple:
    """A card, an entry and a class of CI; `set_by` is empty where nobody has set a level."""

    card: str
    entry: str
    ci_class: str
    level: str
    figures: Figures
    set_by: str = ""
    why: str = ""
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """What a level asks for: so many verdicts, which prove such a share."""

    level: str
    least: int
    lower: float

    def is_reached(self, figures: Figures) -> bool:
        """Tell whether the figures carry the level."""
        return figures.judged >= self.least and figures.proven >= self.lower


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One engine in the hands of one card, and why its confidence does not count, "" if it does."""

    card: str
    engine: str
    standing: Standing
    why_not: str


@dataclass(frozen=True, slots=True)
class BreakerNow:
    """The breaker, and what went wrong within its window, by rule."""

    breaker: Breaker
    anomalies: Sequence[Anomaly]
    window_s: int


def triples() -> list[Triple]:
    """Return every right to change something, with its level and its figures; three queries."""
    levels = {(a.card_id, a.entry, a.ci_class): a for a in Autonomy.objects.all()}
    granted = set(
        Grant.objects.exclude(entry="").values_list("card_id", "entry", "ci_class").distinct()
    )
    seen = figures()
    return [_triple(key, levels.get(key), seen.get(key, Figures())) for key in sorted(
        granted | levels.keys()
    )]  # fmt: skip


def _triple(key: Key, set_: Autonomy | None, seen: Figures) -> Triple:
    if set_ is None:
        return Triple(*key, "observe", seen)
    return Triple(*key, set_.level, seen, set_.set_by, set_.why, set_.set_at)


def figures() -> dict[Key, Figures]:
    """Return the figures of every triple that has any."""
    counted = Q(healed_alone=False)
    rows = (
        Judgement.objects.order_by()
        .values_list("card_id", "entry", "ci_class")
        .annotate(
            right=Count("pk", filter=counted & Q(verdict="right")),
            wrong=Count("pk", filter=counted & Q(verdict="wrong")),
            unknown=Count("pk", filter=counted & Q(verdict="unknown")),
            healed=Count("pk", filter=Q(healed_alone=True)),
        )
    )
    return {(card, entry, ci): Figures(*counts) for card, entry, ci, *counts in rows}


def kept() -> list[Kept]:
    """Return the CIs on which a card goes less far than on their class."""
    return list(Kept.objects.all())


def bars() -> list[Bar]:
    """Return what the levels above `propose` ask for."""
    return [
        Bar(level, int(doors.policy(f"{level}_least")), doors.policy(f"{level}_lower"))
        for level in ("veto", "act")
    ]


def calibrations() -> list[Calibrated]:
    """Return the engines of which anything is known, by card."""
    pairs = set(Evaluated.objects.values_list("card", "engine"))
    pairs |= set(Judgement.objects.exclude(engine="").values_list("card_id", "engine"))
    return [
        Calibrated(
            card,
            engine,
            doors.calibration(card=card, engine=engine),
            doors.uncalibrated(card=card, engine=engine),
        )
        for card, engine in sorted(pairs)
    ]


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest evaluation of a card by an engine, and whether it is about today's prompts."""

    evaluation: Evaluation
    is_current: bool


def evaluations() -> list[Shown]:
    """Return the newest evaluation of each card by each engine."""
    cases = case_digest(SHIPPED)
    newest = Evaluation.objects.order_by("card", "engine", "-at").distinct("card", "engine")
    return [
        Shown(one, one.set_digest == cases and one.prompt_digest == prompt_digest(one.card))
        for one in newest
    ]


def breaker() -> BreakerNow:
    """Return the breaker as it stands."""
    window = int(doors.policy("breaker_window_s"))
    since = timezone.now() - timedelta(seconds=window)
    found = doors.breaker()
    if found.closed_at:
        since = max(since, found.closed_at)
    return BreakerNow(found, doors.anomalies(since), window)


def breaker_state() -> str:
    """Return the breaker's state alone."""
    return doors.breaker().state


def verdicts() -> QuerySet[Judgement]:
    """Return verdicts, newest first, with their actions."""
    return Judgement.objects.select_related("action").order_by("-judged_at")


def verdict_of(action_id: UUID) -> Judgement | None:
    """Return the verdict on one action, None where there is none yet."""
    return Judgement.objects.filter(action_id=action_id).first()
