"""Which run a run comes of: the one whose deed had its ticket go on. Found in rows, said by nobody.

Whatever a person says begins anew, as an alert does that came, or came back.
"""

from datetime import datetime
from uuid import UUID

from adapters.tickets.models import Deed, LogLine
from adapters.tickets.port import Ticket
from adapters.tickets.states import SETTLED
from personas import queries


def of(ticket: Ticket, *, turn_began: datetime | None) -> UUID | None:
    """Return the run whose deed had a ticket go on; None where no agent's did.

    A ticket that a greater one held back goes on by whatever settled that one.
    """
    moved = _newest(ticket.ref)
    over = _newest(ticket.parent_ref) if ticket.parent_ref else None
    if over is not None and over.state in SETTLED and (moved is None or over.at > moved.at):
        moved = over
    if moved is None or moved.line is None:
        return None
    if turn_began is not None and moved.at <= turn_began:
        return None
    line = LogLine.objects.filter(ticket=moved.ticket_id, n=moved.line).first()
    return queries.run_of(line.action_id) if line and line.action_id else None


def _newest(ref: str) -> Deed | None:
    moves = Deed.objects.filter(ticket=ref, verb__in=("open", "move"))
    return moves.order_by("-at", "-line").first()
