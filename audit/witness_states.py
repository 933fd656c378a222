"""How a witness of our log stands, as the one who asks it sees it."""

from typing import Final

NEW: Final = "new"
"""Declared, and not asked yet."""
WELL: Final = "well"
"""It signed the last tree head that it was shown."""
AWAY: Final = "away"
"""It does not answer, or not as a witness does."""
REFUSES: Final = "refuses"
"""It answers, and does not sign: it does not know us, or takes our history for another."""
AHEAD: Final = "ahead"
"""It has signed a longer history than the one that is here: ours was cut."""

WITNESS_STATES: Final = (NEW, WELL, AWAY, REFUSES, AHEAD)
