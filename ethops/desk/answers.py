"""What requesters answer: a line that all may read, and a ticket that waited for it goes on.

What is said in it decides nothing: that there is an answer ends the waiting, whatever it says.
"""

from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.tickets.port import Deed
from audit.work import rows
from ethops.executor import tickets

NAMESPACE: Final = UUID("4f7b1f2d-58a5-4f7c-9a53-1c8a2d6be0d7")
RULE: Final = "service desk"


@transaction.atomic
def answer(*, key: UUID, ref: str, person: str, text: str) -> Deed:
    """Add what somebody outside the desk says to a ticket."""
    deed = tickets.comment_by_person(key=key, ref=ref, person=person, text=text, tainted=True)
    ticket = registry.reader("tickets").get(ref)
    waits = ticket.state == "pending" and ticket.pending_reason == "requester"
    if waits and person == ticket.requester and not deed.repeated:
        tickets.move_by_rule(
            key=uuid5(NAMESPACE, str(key)),
            ref=ref,
            rule=RULE,
            stimulus="ev_assign",
            fields={},
            text="The requester has answered.",
        )
        rows.enqueue(
            kind="dispatch",
            subject=ref,
            payload={"ticket": ref, "why": f"{person}: answered"},
            dedup=f"answered:{deed.key}",
            priority=3,
        )
    return deed
