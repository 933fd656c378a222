"""What the portal refuses, and with which answer."""

from typing import ClassVar


class PortalError(Exception):
    """The base: `code` is stable, `hint` is the mend, `status` is HTTP's."""

    code: ClassVar[str] = "portal.error"
    hint: ClassVar[str] = "Ask the people of the desk."
    status: ClassVar[int] = 400


class NotYoursError(PortalError):
    """There is no such ticket, or it is somebody else's: both look the same from outside."""

    code = "portal.not_yours"
    hint = "Look at your own tickets, or open the link of the newest message about this one."
    status = 404


class BadLinkError(PortalError):
    """No link has this secret."""

    code = "portal.bad_link"
    hint = "Open the link of the newest message about the ticket, whole."
    status = 404


class SpentLinkError(PortalError):
    """The link has expired or was taken back."""

    code = "portal.spent_link"
    hint = "Answer the newest message about the ticket, or ask the desk for another link."
    status = 403


class NoGuestError(PortalError):
    """A login that may not come in by this door, such as one called like an agent."""

    code = "portal.no_guest"
    hint = "Ask who administers this house for a login of your own."
    status = 403


class TooOftenError(PortalError):
    """Somebody knocks more often than a person does."""

    code = "portal.too_often"
    hint = "Nothing is lost: try again a little later."
    status = 429

    def __init__(self, said: str, *, wait: int) -> None:
        super().__init__(said)
        self.wait = wait
