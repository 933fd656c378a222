"""The demo on the terminal: five lines that change, the last three events, one line at the foot."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ethops.demo import facts
from ethops.demo.scenario import Standing
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import FACT_AT, FACT_WIDTH, NAME_AT, STYLE, Form, Screen

ABOUT_SECONDS = 75
EVENTS = 3
SECONDS_WIDTH = 8


@dataclass(slots=True)
class Progress:
    """Shows the parts while they go on; in a log each change is one line, never a redrawing."""

    screen: Screen
    began: float
    _live: Live | None = None
    _said: dict[str, str] = field(default_factory=dict)

    def show(self, standings: Sequence[Standing]) -> None:
        """Show how all parts stand now."""
        if self.screen.form is Form.COLOURED:
            self._redraw(standings)
        else:
            for standing in standings:
                self._say_change(standing)

    def end(self, standings: Sequence[Standing]) -> None:
        """Leave the final lines on the screen."""
        if self._live is not None:
            self._live.update(Text(""), refresh=True)
            self._live.stop()
            self._live = None
        for standing in standings:
            if self.screen.form is Form.COLOURED:
                self.screen.console.print(_part(standing, self._fact_width()))
            elif not standing.over:
                self.screen.line(_line(standing))

    def _redraw(self, standings: Sequence[Standing]) -> None:
        if self._live is None:
            # One that folds long lines itself, so that it knows how many it has drawn.
            console = Console(highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        width = self._fact_width()
        parts: list[RenderableType] = [_part(standing, width) for standing in standings]
        self._live.update(Group(*parts, "", *_events(), "", self._foot()), refresh=True)

    def _say_change(self, standing: Standing) -> None:
        line = _line(standing)
        told = f"{line.mark}{line.fact}"
        if self._said.get(standing.part.letter) != told:
            self._said[standing.part.letter] = told
            self.screen.line(line)

    def _fact_width(self) -> int:
        return max(20, min(FACT_WIDTH, self.screen.console.width - FACT_AT - SECONDS_WIDTH))

    def _foot(self) -> Text:
        counts = facts.counts()
        recorded = "all recorded" if not counts.unrecorded else f"{counts.unrecorded} to record"
        seconds = time.monotonic() - self.began
        return Text(
            f"{seconds:.0f} s of about {ABOUT_SECONDS} s     {counts.runs} runs"
            f"     {counts.entries} entries, {recorded}",
            "dim",
        )


def _mark(standing: Standing) -> Mark:
    if standing.took is not None:
        return Mark.OK
    if standing.overdue:
        return Mark.NO
    return Mark.BUSY if standing.look and standing.look.ticket else Mark.WAITS


def _fact(standing: Standing) -> str:
    if standing.look is None:
        return "waits"
    if standing.overdue:
        return f"did not happen: {'; '.join(standing.look.missing)}"
    return standing.look.fact


def _line(standing: Standing) -> Line:
    name = f"{standing.part.letter} {standing.part.name}"
    took = standing.took if standing.over else None
    return Line(_mark(standing), name, _fact(standing), took)


def _part(standing: Standing, width: int) -> Text:
    mark, part = _mark(standing), standing.part
    folded = textwrap.wrap(_fact(standing), width) or [""]
    quiet = "dim" if mark is Mark.WAITS else ""
    took = f"{standing.seconds:.0f} s" if standing.look else ""
    text = Text.assemble(
        (str(mark), STYLE[mark]),
        " " * (NAME_AT - 2),
        (part.letter, "bold"),
        f" {part.name:<{FACT_AT - NAME_AT - 2}}",
        (f"{folded[0]:<{width}} ", quiet),
        took,
    )
    for more in folded[1:]:
        text.append("\n" + " " * FACT_AT + more, quiet)
    return text


def _events() -> list[RenderableType]:
    lines: list[RenderableType] = []
    for number, event in enumerate(facts.last_happenings(EVENTS)):
        said = textwrap.shorten(event.said, 44, placeholder="...")
        lines.append(
            Text.assemble(
                ("last  " if number == 0 else " " * 6, "dim"),
                (_clock(event.at), "green"),
                f"  {event.word:<11}{said:<45}",
                ("entry ", "dim"),
                (str(event.seq), "cyan"),
            )
        )
    return lines


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S")
