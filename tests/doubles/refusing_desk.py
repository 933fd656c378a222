"""A desk that refuses every line: what is to be told to a ticket comes to nothing."""

from adapters.tickets.errors import TicketError


class RefusingDesk:
    """A writer of tickets on a bad day."""

    def comment(self, *_: object) -> None:
        """Refuse the line."""
        raise TicketError("the desk has a bad day")
