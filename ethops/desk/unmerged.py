"""Who waits for a pull request hears that it was closed, and merged nothing."""

from collections.abc import Mapping
from typing import Any

from adapters import registry
from adapters.tickets.errors import TicketNotFoundError
from ethops.desk import notices


def tell(ref: str, payload: Mapping[str, Any]) -> None:
    """Tell whoever has the ticket; the line in it is written already."""
    try:
        ticket = registry.reader("tickets").get(ref)
    except TicketNotFoundError:
        return
    notices.tell(
        rule="pull",
        key=str(payload["action"]),
        ticket_ref=ref,
        title=f"A pull request for {ref} was closed unmerged",
        text=f"{payload['said']}\nNothing of it was done: what {ref} needs is still to be done.",
        to=ticket.assignee or ticket.team,
    )
