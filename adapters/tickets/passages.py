"""How a ticket went from state to state, as its clocks read it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """A state that a ticket came into, and when; a move within a state is one too."""

    state: str
    at: datetime
    stimulus: str = ""
    """What led there; empty for the opening."""
