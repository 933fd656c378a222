"""Priority from impact and urgency, as ITIL's matrix has it."""

from collections.abc import Mapping
from typing import Final

from adapters.tickets.port import Priority

SCALE: Final = (1, 2, 3)
"""1 high, 2 medium, 3 low; both axes."""

MATRIX: Final[Mapping[tuple[int, int], Priority]] = {
    (1, 1): "P1",
    (1, 2): "P2",
    (1, 3): "P3",
    (2, 1): "P2",
    (2, 2): "P3",
    (2, 3): "P4",
    (3, 1): "P3",
    (3, 2): "P4",
    (3, 3): "P4",
}
"""(impact, urgency) -> priority; ITIL's fifth level is folded into P4."""


def priority(impact: int, urgency: int) -> Priority:
    """Return the priority.

    Raises:
        ValueError: one of the two is not 1, 2 or 3.
    """
    try:
        return MATRIX[impact, urgency]
    except KeyError:
        raise ValueError(f"impact {impact} and urgency {urgency} must both be 1, 2 or 3") from None
