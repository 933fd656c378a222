"""Whether our user may write to a class: asked of an object that there never is."""

from typing import Final

from adapters.tickets.itop import words
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import (
    ItopGoneError,
    ItopQueryError,
    ItopRightError,
    ItopStimulusError,
)

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


def is_closed(client: Client) -> bool:
    """Tell whether our user may write no ticket at all, as while an iTop is read-only.

    It says then the same as to a user without a profile, and both say nothing against a write.
    """
    return all(refusal(client, one) for one in dict.fromkeys(words.CLASSES.values()))
