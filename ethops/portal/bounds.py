"""How often one may do what at this door: far above people, far below programs."""

from typing import Final

from ethops.guests.knocks import Bound
from ethops.portal.errors import TooOftenError

LOGIN_PLACE: Final = Bound("portal login place", 60, 900)
"""Tries to log in from one address."""
LOGIN_NAME: Final = Bound("portal login name", 10, 900)
"""Tries to log in under one name."""
LINK: Final = Bound("portal link", 60, 600)
"""Links tried from one address: 256 bits are not guessed, but the record shall not be flooded."""
FILE: Final = Bound("portal file", 20, 3_600)
"""New tickets of one person."""
ACT: Final = Bound("portal act", 120, 3_600)
"""Answers and moves of one person."""
ATTACH: Final = Bound("portal attach", 60, 3_600)
"""Files of one person."""
TOLD: Final = Bound("portal told", 30, 3_600)
"""Refusals from one address that are put on record one by one."""


def mind(bound: Bound, who: str) -> None:
    """Count one more.

    Raises:
        TooOftenError: it was too often; carries after how many seconds to come again.
    """
    wait = bound.knock(who)
    if wait:
        raise TooOftenError(f"Too often: try again in {max(1, wait // 60)} min.", wait=wait)
