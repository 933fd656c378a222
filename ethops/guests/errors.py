"""What is said to guests who may not come in."""


class GuestError(Exception):
    """The base: `code` is stable, `hint` is the mend."""

    code = "guests.error"
    hint = "Ask the people of the desk."


class UnknownLinkError(GuestError):
    """No link has this secret."""

    code = "guests.unknown_link"
    hint = "Open the link of the newest message about the ticket, whole."


class SpentLinkError(GuestError):
    """The link was good once: it has expired, or was taken back."""

    code = "guests.spent_link"
    hint = "Answer the newest message about the ticket, or ask the desk for another link."
