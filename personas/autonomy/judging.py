"""Whether a change was right, from what is known of it afterwards: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["right", "wrong", "unknown"]

GRACE: Final = timedelta(seconds=5)
"""So much longer than its patience a CI is given, for the last look to arrive."""
TRIED: Final = frozenset({"executor.play_failed", "executor.cut_short", "executor.stopped"})
"""Failures of something that had begun, or could have; others never touched the CI."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One change that is over, and what its CI's probes said around it."""

    outcome: Literal["done", "failed"]
    code: str
    """Why it failed, "" where it is done."""
    settled_at: datetime
    patience: timedelta
    """How long the catalogue gives the CI to be well, window and all."""
    well_before: bool | None
    """What the last look at each probe before it began said; None where nobody had looked."""
    well_after: bool | None
    """The same of the last look within its patience."""
    again_at: datetime | None = None
    """When the same trouble came back, if it did within the time that the site declares."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What follows: the verdict, whether it was a proven false action, and why."""

    verdict: Verdict
    why: str
    proven_false: bool = False
    healed_alone: bool = False


def is_due(facts: Facts, now: datetime) -> bool:
    """Tell whether a verdict can be given by now: a failure at once, the rest after its time."""
    return facts.outcome == "failed" or now >= facts.settled_at + facts.patience + GRACE


def judge(facts: Facts) -> Ruling:
    """Return the verdict on a change whose time is over."""
    if facts.outcome == "failed":
        return _failed(facts)
    if facts.well_after is None:
        return Ruling("unknown", "nobody looked at the CI afterwards")
    if facts.well_before:
        return _not_needed(facts)
    if not facts.well_after:
        return Ruling("wrong", "the CI was not well when its time was over")
    if facts.again_at is not None:
        after = round((facts.again_at - facts.settled_at).total_seconds())
        return Ruling("wrong", f"the same trouble came back after {after} s")
    return Ruling("right", "the CI was ill, and well when its time was over")


def _failed(facts: Facts) -> Ruling:
    if facts.code not in TRIED:
        return Ruling("unknown", f"it never began: {facts.code or 'no reason was given'}")
    if facts.code == "executor.stopped":
        return Ruling("unknown", "the stop ended it")
    if facts.well_before and facts.well_after is False:
        return Ruling("wrong", "the CI was well, it failed, and the CI was not", proven_false=True)
    return Ruling("wrong", "it failed")


def _not_needed(facts: Facts) -> Ruling:
    """What was well needed nothing: no merit where it still is, and proven harm where it is not."""
    if facts.well_after:
        return Ruling("unknown", "the CI was well before it began", healed_alone=True)
    return Ruling("wrong", "the CI was well before it, and not afterwards", proven_false=True)
