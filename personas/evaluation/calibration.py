"""How far a stated confidence can be trusted, and how sure one must be to act: pure.

Brier score: the mean of (confidence - came true)^2; 0 is perfect, 0.25 what a coin says.
ECE: ten bins of equal width over [0, 1], the last one closed; the sum over bins of the share of
outcomes in the bin times |mean confidence - share that came true|.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BINS: Final = 10
ENOUGH: Final = 50
"""Outcomes below which nobody can say whether a confidence means anything."""
WORST_ECE: Final = 0.1
"""More, and stated confidence is no measure of how often it comes true."""


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

    @property
    def is_calibrated(self) -> bool:
        """Whether stated confidence may be acted on."""
        return self.outcomes >= ENOUGH and self.ece is not None and self.ece <= WORST_ECE

    @property
    def said(self) -> str:
        """In words, why it is or is not."""
        if self.outcomes < ENOUGH:
            return f"uncalibrated: {self.outcomes} outcomes, {ENOUGH} are asked for"
        if not self.is_calibrated:
            return f"uncalibrated: ECE {self.ece:.2f} is above {WORST_ECE}"
        return "calibrated"


def calibration(outcomes: Iterable[Outcome]) -> Calibration:
    """Return the figures of outcomes, in any order."""
    seen = list(outcomes)
    if not seen:
        return Calibration(0, None, None)
    return Calibration(len(seen), brier(seen), ece(seen))


def brier(outcomes: Sequence[Outcome]) -> float:
    """Return the mean squared distance between what was stated and what came."""
    return sum((o.confidence - o.true) ** 2 for o in outcomes) / len(outcomes)


def ece(outcomes: Sequence[Outcome]) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    bins: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        bins.setdefault(min(int(outcome.confidence * BINS), BINS - 1), []).append(outcome)
    gaps = (abs(sum(o.confidence - o.true for o in each)) for each in bins.values())
    return sum(gaps) / len(outcomes)


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
    """Tell whether a stated confidence is enough for an entry of this risk; uncalibrated never."""
    costs = BY_RISK.get(risk)
    return known.is_calibrated and costs is not None and confidence >= threshold(costs)
