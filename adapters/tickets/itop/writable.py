"""Whether our user may write to a class: asked of an object that there never is."""

import re
from typing import Final

from adapters.tickets.itop import words
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import (
    ItopGoneError,
    ItopQueryError,
    ItopRightError,
    ItopStimulusError,
)

_CLASS: Final = re.compile(r"of class (\w+)")
COMMENT: Final = "ethops asks what it may write"


def refusal(client: Client, itop_class: str) -> ItopRightError | None:
    """Return what iTop says to our user's writing a class; None where he may.

    Raises:
        ItopError: iTop is away.
    """
    try:
        client.stimulate(itop_class, 0, "ev_assign", {}, COMMENT, ("id",))
    except ItopRightError as fault:
        return fault
    except (ItopGoneError, ItopStimulusError, ItopQueryError):
        # It is looked for only once rights are well; and there is no object 0.
        return None
    return None


def is_lack(client: Client, fault: ItopRightError) -> bool:
    """Tell whether a refusal is of one class, and stands.

    A read-only iTop says the same of every class as to a user without a profile; neither says
    anything against a write, nor does what is well by now.
    """
    named = _CLASS.search(str(fault))
    own = named[1] if named else ""
    if own and refusal(client, own) is None:
        return False
    others = (one for one in dict.fromkeys(words.CLASSES.values()) if one != own)
    return any(refusal(client, one) is None for one in others)
