"""A card as people approve it: what is loaded, what was approved last, and what differs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final

from adapters.inference import rendering
from personas.guardrails import doors, queries
from personas.guardrails.models import CardApproval
from personas.models import Card

NEVER: Final = ("prompt_digest",)
"""What of a loaded card stands for other words, which are shown themselves."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A card, and how it stands with those who approve it."""

    card: Card
    approved: bool
    """Whether somebody has approved it as it is loaded."""
    last: CardApproval | None
    """What was approved last, of whatever it was then."""
    told: str
    """What a model that thinks for it is told, by the code that is running here."""
    is_told: bool
    """Whether that is what is loaded; if not, this process runs another version."""
    risky: bool
    """Whether who approves it needs a second factor."""

    @property
    def prompt_digest(self) -> str:
        """SHA-256 of what its model is told, as it is loaded."""
        return str(self.card.document.get("prompt_digest", ""))

    @property
    def waiting(self) -> str:
        """Why no code can ask it anything yet, "" where it can be dispatched."""
        return str((self.card.document.get("waiting") or {}).get("why", ""))

    def changes(self) -> str:
        """Return the card's lines that differ from what was approved last, as a diff."""
        before = _lines(self.last.document) if self.last else []
        return _diff(before, _lines(self.card.document), "card")

    def changes_told(self) -> str:
        """Return the words to its model that differ from what was approved last."""
        before = _words(self.last.told) if self.last else []
        return _diff(before, _words(self.told), "prompts")


def standing(name: str) -> Standing | None:
    """Return how a card stands; None where there is none of this name."""
    card = Card.objects.filter(name=name).first()
    if card is None:
        return None
    digest = str(card.document.get("prompt_digest", ""))
    known = list(queries.approvals(name))
    return Standing(
        card=card,
        approved=any((a.digest, a.prompt_digest) == (card.digest, digest) for a in known),
        last=known[0] if known else None,
        told=rendering.told(name) if digest else "",
        is_told=digest in ("", rendering.prompt_digest(name)),
        risky=doors.is_risky(name),
    )


def waiting() -> list[Card]:
    """Return the cards that have no runs until somebody approves them as they are loaded."""
    return queries.unapproved()


def _lines(document: Mapping[str, Any]) -> list[str]:
    shown = {name: value for name, value in document.items() if name not in NEVER}
    return json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


def _words(told: str) -> list[str]:
    return [] if not told else list(_parts(json.loads(told)))


def _parts(told: Any) -> Iterator[str]:
    for part in told:
        if isinstance(part, Mapping):
            yield from (f"{name}: {text}" for name, text in sorted(part.items()))
        else:
            yield from str(part).splitlines()


def _diff(before: list[str], now: list[str], what: str) -> str:
    lines = unified_diff(before, now, f"{what} approved last", f"{what} loaded", lineterm="", n=2)
    return "\n".join(lines)
