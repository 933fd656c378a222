"""The timeline of the GPU page: the whole as columns, the close span as lanes, and its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ethops.pages.gpu_drawing import KINDS, Drawn, Lane, busy, lanes, strip, ticks
from ethops.pages.gpu_window import SPANS, STEPS, Window, between
from ethops.pages.gpu_words import length
from ethops.pages.words import NARROW, count, number
from ethops.world import gpu_timeline
from ethops.world.gpu import CardNow
from ethops.world.gpu_figures import Lines
from ethops.world.gpu_timeline import Spent, Waited
from gpu.tiers import TIERS

MOST_ROWS: Final = 70
WAIT_STEPS: Final = 225
"""Waits shorter than so small a part of the close span are not drawn."""
MOST_WAITS: Final = 60


@dataclass(frozen=True, slots=True)
class Strip:
    """The whole of one card."""

    card: str
    busy: str
    says: str
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """The close span of one card."""

    card: str
    lanes: list[Lane]


@dataclass(frozen=True, slots=True)
class Row:
    """One piece in the table that says the same as the lanes."""

    clock: str
    card: str
    tier: str
    slot: str
    what: str
    took: str
    tokens: str
    ending: str


@dataclass(frozen=True, slots=True)
class Move:
    """A link to another span."""

    name: str
    query: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class LineRow:
    """One step of the lines: how many waited at its end, and the waits of those that began."""

    epoch: int
    clock: str
    waiting: tuple[int, ...]
    wait_p95: tuple[str, ...]


def content(asked: Window, cards: Sequence[CardNow], now: datetime) -> dict[str, Any]:
    """Collect both scales, their ticks and links, and the table."""
    names = [one.card.name for one in cards]
    steps = STEPS // min(max(len(names), 1), 4)
    pieces = gpu_timeline.pieces(asked.start, asked.end)
    waits = gpu_timeline.waited(asked.start, asked.end, most=MOST_WAITS, steps=WAIT_STEPS)
    shares = gpu_timeline.shares(asked.first, asked.last, steps)
    kinds = {kind for of_card in shares.values() for kind in of_card}
    return {
        "strips": [_strip(name, shares.get(name, {}), steps) for name in names],
        "columns": steps,
        "strip_ticks": ticks(asked.first, asked.last),
        "whole": between(asked.first, asked.last),
        "day": f"{asked.end.astimezone(UTC):%-d %B %Y}",
        "step": step_said(asked, steps),
        "cells": asked.cells() if names else [],
        "close": between(asked.start, asked.end),
        "lanes": [_lanes(name, pieces, waits, asked, alone=len(names) == 1) for name in names],
        "lane_ticks": ticks(asked.start, asked.end),
        "kinds": [(kind, KINDS[kind]) for kind in KINDS if kind in kinds or kind in USUAL],
        "pieces_said": count(len(pieces), "piece") + " of work",
        "rows": [_row(piece) for piece in reversed(pieces[-MOST_ROWS:])],
        "rows_missing": max(len(pieces) - MOST_ROWS, 0),
        "wait_least": length(asked.length.total_seconds() / WAIT_STEPS),
        "several": len(names) > 1,
        **links(asked, now),
    }


USUAL: Final = ("ops", "embedding", "research", "load")
"""Kinds that the legend names in any case."""


def links(asked: Window, now: datetime) -> dict[str, Any]:
    """Return the ways to other spans and scales."""
    names = {"1": "1 h", "4": "4 h", "24": "24 h"}
    return {
        "scales": [Move(names[h], asked.other(h), here=h == asked.span) for h in SPANS],
        "earlier": asked.moved(-1, now),
        "later": "" if asked.live else asked.moved(1, now),
        "following": asked.live,
    }


def step_said(asked: Window, steps: int) -> str:
    """Return what one column stands for: `minute`, `15 s`, `6 min`."""
    seconds = (asked.last - asked.first).total_seconds() / steps
    return "minute" if seconds == 60 else length(seconds)


def line_rows(lines: Lines) -> list[LineRow]:
    """Return the table from which the lines are drawn."""
    return [
        LineRow(
            epoch=int(at.timestamp()),
            clock=f"{at.astimezone(UTC):%H:%M:%S}",
            waiting=tuple(lines.waiting[tier][n] for tier in TIERS),
            wait_p95=tuple(_figure(lines.wait_p95[tier][n]) for tier in TIERS),
        )
        for n, at in enumerate(lines.times)
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _strip(name: str, shares: Mapping[str, Mapping[int, float]], steps: int) -> Strip:
    parts = [
        f"{KINDS.get(kind, kind)} {100 * sum(found.values()) / steps:.0f} %"
        for kind, found in shares.items()
    ]
    return Strip(
        card=name,
        busy=f"{100 * busy(shares, steps):.0f}{NARROW}%",
        says=f"{name}: {', '.join(sorted(parts)) or 'nothing'}",
        drawn=strip(shares, steps),
    )


def _lanes(
    name: str, pieces: Sequence[Spent], waits: Sequence[Waited], asked: Window, *, alone: bool
) -> Lanes:
    # What still waits is nobody's yet; with one card there is no doubt whose it will be.
    mine = [wait for wait in waits if wait.card == name or (alone and not wait.card)]
    return Lanes(name, lanes([p for p in pieces if p.card == name], mine, asked.start, asked.end))


def _row(piece: Spent) -> Row:
    return Row(
        clock=f"{piece.began.astimezone(UTC):%H:%M:%S}",
        card=piece.card,
        tier=piece.tier,
        slot=piece.slot,
        what={"run": "work", "hold": "foreign work"}.get(piece.kind, piece.kind),
        took=length((piece.ended - piece.began).total_seconds()),
        tokens=number(piece.tokens) if piece.tokens else "",
        ending="goes on" if piece.going else piece.ending,
    )
