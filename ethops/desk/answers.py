"""What requesters answer: a line that all may read, and a ticket that waited for it goes on.

What is said in it decides nothing: that there is an answer ends the waiting, whatever it says.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.tickets.beside import File
from adapters.tickets.port import Deed, Note
from audit.work import rows
from ethops.executor import tickets

NAMESPACE: Final = UUID("4f7b1f2d-58a5-4f7c-9a53-1c8a2d6be0d7")
RULE: Final = "service desk"


@transaction.atomic
def answer(*, key: UUID, ref: str, person: str, text: str, files: Sequence[File] = ()) -> Deed:
    """Add what somebody outside the desk says to a ticket, and what he attaches, which may be all.

    Raises:
        FileRefusedError: a file is not kept; then nothing is.
    """
    deeds = []
    if text.strip() or not files:
        deeds.append(
            tickets.comment_by_person(key=key, ref=ref, person=person, text=text, tainted=True)
        )
    deeds += attach(key=key, ref=ref, person=person, files=files)
    deed = deeds[0]
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


@transaction.atomic
def attach(*, key: UUID, ref: str, person: str, files: Sequence[File]) -> list[Deed]:
    """Keep what the requester attaches, for everybody who may see the ticket: all of it, or none.

    Raises:
        FileRefusedError: one is not kept.
    """
    return [
        tickets.attach(
            key=uuid5(key, f"file {n}"), ref=ref, file=file, note=Note("", person, "person")
        )
        for n, file in enumerate(files)
    ]
