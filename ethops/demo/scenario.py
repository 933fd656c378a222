"""Runs the five parts side by side and looks at the rows until each is proven or overdue."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from adapters.registry import reader
from ethops.demo.parts import Look, Part
from personas import gate

BASELINE_SECONDS: Final = 30.0
TICK_SECONDS: Final = 0.25
CARD: Final = "incident_responder"
PROMOTIONS: Final = (
    ("restart_service", "demo_service"),
    ("clean_directory", "demo_directory"),
)
PROBED: Final = ("demo-web", "demo-spool")


@dataclass(slots=True)
class Standing:
    """One part while it goes on."""

    part: Part
    look: Look | None = None
    began: float = 0.0
    took: float | None = None
    """Seconds from its beginning to its last proof; None until then."""
    overdue: bool = False

    @property
    def over(self) -> bool:
        """True once nothing more is expected of it."""
        return self.took is not None or self.overdue

    @property
    def seconds(self) -> float:
        """How long it took, or has been going on."""
        return self.took if self.took is not None else time.monotonic() - self.began


@dataclass(slots=True)
class Scenario:
    """The demo's course; `show` is called after each look, `is_ended` asks for an early end."""

    parts: Sequence[Part]
    show: Callable[[Sequence[Standing]], None]
    is_ended: Callable[[], bool]
    patience_s: float
    """How long each part may take."""
    standings: list[Standing] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing has begun."""
        self.standings = [Standing(part) for part in self.parts]

    def run(self) -> bool:
        """Promote, wait until all is well, break everything, look; True if all five happened."""
        promote()
        if not self._wait_for_baseline():
            return False
        since = datetime.now(UTC)
        for standing in self.standings:
            standing.began = time.monotonic()
            standing.part.begin()
        while not self.is_ended() and not all(standing.over for standing in self.standings):
            for standing in self.standings:
                self._look(standing, since)
            self.show(self.standings)
            time.sleep(TICK_SECONDS)
        return all(standing.took is not None for standing in self.standings)

    def _look(self, standing: Standing, since: datetime) -> None:
        if standing.over:
            return
        standing.look = standing.part.look(since)
        if standing.look.happened:
            standing.took = time.monotonic() - standing.began
        elif time.monotonic() - standing.began > self.patience_s:
            standing.overdue = True

    def _wait_for_baseline(self) -> bool:
        """Wait until every probe has been good: only then does a bad sample mean something."""
        end = time.monotonic() + BASELINE_SECONDS
        monitoring = reader("monitoring")
        while any(monitoring.well_since(ref) is None for ref in PROBED):
            if self.is_ended() or time.monotonic() > end:
                return False
            time.sleep(TICK_SECONDS)
        return True


def promote() -> None:
    """Let the responder act on the demo's own CIs; everything else stays on observe."""
    for entry, ci_class in PROMOTIONS:
        gate.set_autonomy(
            card=CARD,
            entry=entry,
            ci_class=ci_class,
            level="act",
            by="demo",
            why="The demo's own CIs, made to be broken: nobody has figures of them yet.",
            against_the_figures=True,
        )
