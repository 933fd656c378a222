"""An alert that fires again soon after its incident was resolved opens that incident again."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from adapters import registry
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.port import Ticket
from audit.work import rows
from ethops.desk import notices
from ethops.desk.models import Event
from ethops.desk.policy import RESPONDERS
from ethops.desk.seen import AUTHOR
from ethops.executor import tickets

LOOK_AT: Final = 50
"""So many events of a cause are looked through for the incident it had of its own."""


def reopen(*, cause: str, key: UUID, within: timedelta) -> str:
    """Open the incident of a cause again; returns its ref, empty where there is none to open."""
    ticket = _resolved(cause, within)
    if ticket is None or ticket.resolved_at is None:
        return ""
    ago = _in_words(datetime.now(UTC) - ticket.resolved_at)
    tickets.move_by_rule(
        key=key,
        ref=ticket.ref,
        rule=AUTHOR,
        stimulus="ev_reopen",
        fields={},
        text=f"It fires again, {ago} after it was resolved: opened again"
        f" ({ticket.reopens + 1} in all).",
    )
    if not ticket.team:
        # It had ended before anybody sorted it: whoever responds to anything has it now.
        tickets.move_by_rule(
            key=uuid5(key, "assign"),
            ref=ticket.ref,
            rule=AUTHOR,
            stimulus="ev_assign",
            fields={"team": RESPONDERS},
        )
    rows.enqueue(
        kind="dispatch",
        subject=ticket.ref,
        payload={"ticket": ticket.ref, "why": "reopened"},
        dedup=f"reopened:{key}",
        priority=3,
    )
    if ticket.assignee:
        # The dispatcher leaves alone what a person has, and he believes that it is over.
        notices.tell(
            rule="reopened",
            key=str(key),
            ticket_ref=ticket.ref,
            title=f"{ticket.priority} {ticket.ref} is open again: {ticket.title}",
            text=f"It fires again, {ago} after it was resolved.",
            to=ticket.assignee,
        )
    return ticket.ref


def _resolved(cause: str, within: timedelta) -> Ticket | None:
    """Return the incident that this cause had of its own, resolved so lately and not closed."""
    refs = Event.objects.filter(cause_key=cause).exclude(ticket_ref="").order_by("-at")
    for ref in dict.fromkeys(refs.values_list("ticket_ref", flat=True)[:LOOK_AT]):
        try:
            ticket = registry.reader("tickets").get(ref)
        except TicketNotFoundError:
            continue
        if ticket.cause_key != cause:
            continue
        settled = ticket.resolved_at
        lately = settled is not None and datetime.now(UTC) - settled <= within
        return ticket if ticket.state == "resolved" and lately else None
    return None


def _in_words(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"
