"""How far a stated confidence can be trusted, and how sure one must be to act: pure.

Brier score: the mean of (confidence - came true)^2; 0 is perfect, 0.25 what a coin says.
ECE: ten bins of equal width over [0, 1], the last one closed; the sum over bins of the share of
outcomes in the bin times |mean confidence - share that came true|.
Over: the same sum of what confidence was above the share alone. Who is right more often than he
says does no harm, so this, and not the ECE, says whether confidence may be acted on.
Lower: what a share that came true proves at least, at 95 % (Wilson).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BINS: Final = 10
ENOUGH: Final = 50
"""Outcomes below which nobody can say whether a confidence means anything."""
WORST_OVER: Final = 0.1
"""More, and stated confidence promises more than comes true."""
Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was stated, and whether it came true."""

    confidence: float
    true: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """The figures of some outcomes; None where there were none."""

    outcomes: int
    brier: float | None
    ece: float | None
    over: float | None = None
    lower: float = 0.0

    @property
    def is_calibrated(self) -> bool:
        """Whether stated confidence may be acted on."""
        return self.outcomes >= ENOUGH and self.over is not None and self.over <= WORST_OVER

    @property
    def said(self) -> str:
        """In words, why it is or is not."""
        if self.outcomes < ENOUGH:
            return f"uncalibrated: {self.outcomes} outcomes, {ENOUGH} are asked for"
        if not self.is_calibrated:
            return f"uncalibrated: {self.over:.2f} surer than right, {WORST_OVER} is bearable"
        return "calibrated"


def calibration(outcomes: Iterable[Outcome]) -> Calibration:
    """Return the figures of outcomes, in any order."""
    seen = list(outcomes)
    if not seen:
        return Calibration(0, None, None)
    true = sum(outcome.true for outcome in seen)
    return Calibration(len(seen), brier(seen), ece(seen), over(seen), wilson(true, len(seen)))


def brier(outcomes: Sequence[Outcome]) -> float:
    """Return the mean squared distance between what was stated and what came."""
    return sum((o.confidence - o.true) ** 2 for o in outcomes) / len(outcomes)


def ece(outcomes: Sequence[Outcome]) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    return sum(map(abs, _gaps(outcomes))) / len(outcomes)


def over(outcomes: Sequence[Outcome]) -> float:
    """Return the part of it that comes from having been surer than right."""
    return sum(max(gap, 0.0) for gap in _gaps(outcomes)) / len(outcomes)


def wilson(true: int, of: int) -> float:
    """Return the least share that so many true outcomes prove, at 95 %."""
    if not of:
        return 0.0
    share, spread = true / of, Z * Z / of
    root = math.sqrt((share * (1 - share) + spread / 4) / of)
    return max(0.0, (share + spread / 2 - Z * root) / (1 + spread))


def _gaps(outcomes: Sequence[Outcome]) -> list[float]:
    bins: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        bins.setdefault(min(int(outcome.confidence * BINS), BINS - 1), []).append(outcome)
    return [sum(o.confidence - o.true for o in each) for each in bins.values()]


# ---------------------------------------------------------------- what it costs to be wrong


@dataclass(frozen=True, slots=True)
class Costs:
    """What each way out costs, in one unit: a wrong act, a person, a right act."""

    wrong: float
    person: float = 1.0
    right: float = 0.0


BY_RISK: Final[Mapping[str, Costs]] = {
    "none": Costs(wrong=2.0),
    "low": Costs(wrong=5.0),
    "medium": Costs(wrong=20.0, right=0.1),
    "high": Costs(wrong=100.0, right=0.2),
}
"""By the risk of a catalogue entry; 1 is what a person's look costs."""


def threshold(costs: Costs) -> float:
    """Return the confidence from which acting costs less than asking a person, at most 1.

    Acting with confidence p costs p * right + (1 - p) * wrong; a person costs `person`. Acting is
    cheaper from p = (wrong - person) / (wrong - right) on. Where a person costs less than an act
    that is right, no confidence is enough.
    """
    if costs.right > costs.person:
        return 1.0
    if costs.wrong <= costs.person:
        return 0.0
    return (costs.wrong - costs.person) / (costs.wrong - costs.right)


def may_act(confidence: float, risk: str, known: Calibration) -> bool:
    """Tell whether a stated confidence is enough for an entry of this risk; uncalibrated never.

    What came true must prove as much as is asked of the confidence itself.
    """
    costs = BY_RISK.get(risk)
    return (
        known.is_calibrated
        and costs is not None
        and min(confidence, known.lower) >= threshold(costs)
    )
