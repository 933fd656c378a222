"""A shield and an entry number; shields mean proof and nothing else."""

from dataclasses import dataclass

from ethops.pages.words import entry


@dataclass(frozen=True, slots=True)
class Seal:
    """What stands at the right of a line that is in the ledger."""

    seq: int
    number: str
    glyph: str
    word: str


def seal(seq: int | None) -> Seal | None:
    """Return the seal of an entry; there are no signed heads yet, so it is recorded, not proven."""
    return None if seq is None else Seal(seq, entry(seq), "recorded", "recorded")
