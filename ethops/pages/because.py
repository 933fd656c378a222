"""Why an action was taken, as lines: each with its time and the seal of its entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse

from ethops.pages.seals import Seal, seal
from ethops.pages.words import Moment
from ethops.world.why import Chain, Link

GLYPHS = {
    "event": "bell",
    "incident": "rule",
    "dispatch": "rule",
    "run": "robot",
    "question": "robot",
    "step": "robot",
    "proposal": "permit",
    "decision": "rule",
    "claim": "clock",
    "outcome": "tick",
}
PAGES = {"incident": "ticket", "run": "run", "proposal": "action"}
"""Stage -> the page that its id leads to."""
SAID = {"why": "it said: ", "guard": "guard ", "scope": "may touch "}
"""Facts of a link that are said beside it, and after which words."""


@dataclass(frozen=True, slots=True)
class Because:
    """One link as a line."""

    stage: str
    what: str
    glyph: str
    tone: str
    href: str
    detail: str
    at: Moment | None
    seal: Seal | None


def lines(chain: Chain | None, proven_to: int, now: datetime) -> list[Because]:
    """Return the links of a chain as lines, the alert first."""
    return [] if chain is None else [_line(link, proven_to, now) for link in chain.links]


def _line(link: Link, proven_to: int, now: datetime) -> Because:
    broken = link.holds is False
    return Because(
        stage=link.stage,
        what=link.what,
        glyph="broken" if broken else GLYPHS.get(link.stage, "rule"),
        tone="no" if broken else "quiet",
        href=_href(link),
        detail=_detail(link.facts),
        at=Moment(link.at, now) if link.at else None,
        seal=None if link.seq is None or broken else seal(link.seq, proven_to),
    )


def _href(link: Link) -> str:
    if link.stage not in PAGES or not link.id:
        return ""
    try:
        return reverse(f"admin:{PAGES[link.stage]}", args=[link.id])
    except NoReverseMatch:
        return ""


def _detail(facts: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{words}{_text(facts[name])}" for name, words in SAID.items() if name in facts
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
