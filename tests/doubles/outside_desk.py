"""A desk elsewhere that sets its own deadlines: ours, whose reader says when things are due."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.tickets import embedded
from adapters.tickets.port import Ticket

DEADLINES: dict[str, datetime | None] = {}
"""`tto_due_at` and `ttr_due_at`, as the desk has them now."""

Writer = embedded.Writer


class Reader(embedded.Reader):
    """Reads what ours does, and the deadlines."""

    def get(self, ref: str) -> Ticket:
        """Return the ticket of this ref."""
        return self._with(super().get(ref))

    def open_tickets(self, **asked: Any) -> tuple[Ticket, ...]:
        """Return what is open."""
        return tuple(self._with(one) for one in super().open_tickets(**asked))

    def _with(self, ticket: Ticket) -> Ticket:
        return replace(
            ticket,
            tto_due_at=DEADLINES.get("tto_due_at"),
            ttr_due_at=DEADLINES.get("ttr_due_at"),
        )
