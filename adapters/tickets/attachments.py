"""Files kept with tickets: named by their line of the worklog, bounded, never changed.

What is in a file came from outside, and nothing here opens it.
"""

import hashlib
import re
from typing import Final
from uuid import UUID

from adapters import conf
from adapters.text import one_line
from adapters.tickets import deeds, models, port
from adapters.tickets.beside import File
from adapters.tickets.errors import FileRefusedError, NotAllowedError, TicketNotFoundError
from adapters.tickets.rights import roles_of

MOST_OF_A_TICKET: Final = 50
UNKNOWN: Final = "application/octet-stream"
NAMELESS: Final = "file"

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,48}/[a-z0-9][a-z0-9!#$&^_.+-]{0,48}")


def attach(*, key: UUID, ref: str, file: File, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Keep a file with a ticket; run inside a transaction."""
    ticket = deeds.locked(ref)
    _may(ticket, note, vouched)
    _fits(ticket, file)
    name = name_of(file.name)
    said = note.text.strip() or f"Attached {name}, {len(file.content)} bytes."
    line = deeds.line(
        ticket,
        # What a file is called came from outside, whoever attaches it.
        port.Note(said, note.author, note.author_kind, note.visibility, note.action_id, True),  # noqa: FBT003
    )
    models.Attachment.objects.create(
        ticket=ticket,
        n=line,
        name=name,
        media_type=media_type_of(file.media_type),
        sha256=hashlib.sha256(file.content).hexdigest(),
        size=len(file.content),
        content=file.content,
        by=one_line(note.author, 150),
        visibility=note.visibility,
    )
    return deeds.deed(key, "attach", "attached", ticket, line)


def content(ref: str, n: int) -> bytes:
    """Return what is in a file.

    Raises:
        TicketNotFoundError: the ticket has no such file.
    """
    found = models.Attachment.objects.filter(ticket_id=ref, n=n).values_list("content", flat=True)
    for one in found:
        return bytes(one)
    raise TicketNotFoundError(f"{ref} has no file {n}.")


def name_of(said: str) -> str:
    """Return what a file is called, without a folder before it."""
    last = said.replace("\\", "/").rsplit("/", 1)[-1]
    name = one_line(last, 200).strip(". ")
    return name or NAMELESS


def media_type_of(said: str) -> str:
    """Return a media type without parameters; what is none becomes the type of anything."""
    bare = said.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else UNKNOWN


def _may(ticket: models.Ticket, note: port.Note, vouched: port.Vouched) -> None:
    roles = roles_of(note.author, note.author_kind, vouched, requester=ticket.requester)
    if not roles & {"operator", "requester", "rule", "executor"}:
        raise NotAllowedError(
            f"{ticket.ref}: it is for the desk, the requester and rules to attach files."
        )


def _fits(ticket: models.Ticket, file: File) -> None:
    largest = conf.largest_attachment_bytes()
    if not file.content:
        raise FileRefusedError(f"{name_of(file.name)} is empty.")
    if len(file.content) > largest:
        raise FileRefusedError(
            f"{name_of(file.name)} has {len(file.content)} bytes; a file has {largest} at most."
        )
    if models.Attachment.objects.filter(ticket=ticket).count() >= MOST_OF_A_TICKET:
        raise FileRefusedError(f"{ticket.ref} has {MOST_OF_A_TICKET} files, and takes no more.")
