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


def seal(seq: int, proven_to: int) -> Seal:
    """Return the seal of an entry: proven once others agree to a signed head over it."""
    word = "proven" if seq <= proven_to else "recorded"
    return Seal(seq, entry(seq), word, word)


def seal_of(seq: int | None, proven_to: int) -> Seal | None:
    """Return the seal of what may not be in the ledger yet."""
    return None if seq is None else seal(seq, proven_to)
