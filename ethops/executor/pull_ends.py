"""The effect `pull.tell`: a ticket hears what became of its pull request, and a change goes on.

A merge says that files are changed, and nothing of whether they help: an incident stays as it is
until its probes say that it is well, or a person does.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters.registry import reader, writer
from adapters.text import one_line
from adapters.tickets.errors import TicketError
from adapters.tickets.port import Note, Ticket, TicketFields
from audit.work import rows
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import TicketRefusedError
from ethops.sla import projection
from personas.gate import Claim

log = logging.getLogger(__name__)

AUTHOR: Final = "executor"
ON: Final = {"approved": ("ev_implement", "ev_finish"), "implementing": ("ev_finish",)}
"""State of a change -> the stimuli that its merge gives, in order; in any other state none."""
ENDS: Final = ("merged", "closed")
UNMERGED: Final = "pull closed"
"""By this the dispatcher knows that a person is to hear of it."""


@dataclass(frozen=True, slots=True)
class TellTicket:
    """Writes the line, moves a change, and tells the dispatcher, all by keys of the action."""

    waiting: Callable[[str], int]
    """How many pull requests of a ticket are not over yet."""

    def act(self, claim: Claim) -> Result:
        """Do all of it in one transaction; what was done before is not done again."""
        try:
            with transaction.atomic():
                said = self._told(claim)
                _tell_dispatcher(claim, said)
        except TicketError as fault:
            raise TicketRefusedError(str(fault), result={"refused": fault.code}) from fault
        return {"said": said, "state": reader("tickets").get(claim.ticket_ref).state}

    def probe(self, claim: Claim) -> Finding:
        """Ask the ticket system for the line; where it is, what may be missing is done."""
        if writer("tickets").find(_key(claim.action_id, "line")) is None:
            return Finding("absent", {"said": "the ticket system does not know this line"})
        return Finding("done", self.act(claim))

    def _told(self, claim: Claim) -> str:
        ticket = reader("tickets").get(claim.ticket_ref)
        said = sentence(claim)
        left = self.waiting(ticket.ref)
        line = _note(claim, f"{said}{_follows(ticket, claim.args['what'], left)}", private=True)
        writer("tickets").comment(_key(claim.action_id, "line"), ticket.ref, line)
        if claim.args["what"] == "merged" and not left:
            self._go_on(claim, ticket)
        return said

    def _go_on(self, claim: Claim, ticket: Ticket) -> None:
        for stimulus in stimuli(ticket):
            fields: TicketFields = {"solution": sentence(claim)} if stimulus == "ev_finish" else {}
            text = f"By pull request {claim.args['pull']}."
            note = _note(claim, text, private=False)
            try:
                with transaction.atomic():
                    key = _key(claim.action_id, stimulus)
                    writer("tickets").move(key, ticket.ref, stimulus, fields, note)
            except TicketError as fault:
                # The line is written; who has moved it meanwhile, or wants more of it, is right.
                log.warning("%s does not take %s: %s", ticket.ref, stimulus, fault)
                return
            projection.follow(ticket.ref)


def stimuli(ticket: Ticket) -> tuple[str, ...]:
    """Return what a merge gives to a ticket that stands like this: to a change alone. Pure."""
    return ON.get(ticket.state, ()) if ticket.ticket_class == "change" else ()


def sentence(claim: Claim) -> str:
    """Say what became of it; the title is an agent's, names and address may be a forge's.

    Raises:
        TicketRefusedError: it has not ended.
    """
    said = claim.args
    if said["what"] not in ENDS:
        raise TicketRefusedError(
            f"Pull request {said['pull']} is {said['what']}: only ends are told.",
            result={"refused": "pulls.not_over"},
        )
    name = f"Pull request {said['pull']} ({one_line(said['title'], 200)})"
    by = one_line(said["by"], 150) or "somebody at the forge"
    at = one_line(said["url"], 500) or f"/pulls/{said['pull']}/"
    if said["what"] == "merged":
        return f"{name} is merged as {said['commit'][:12]} by {by}: {at}"
    why = one_line(said["why"], 500)
    return f"{name} was closed unmerged by {by}: {at}" + (f"\n{why}" if why else "")


def _follows(ticket: Ticket, what: str, left: int) -> str:
    """Say what does not follow from it, where somebody might think so."""
    if what != "merged":
        return "\nNothing of it was done."
    if ticket.ticket_class == "incident":
        return "\nThat resolves nothing by itself: its probes say whether it is well."
    if ticket.ticket_class == "change" and left:
        return f"\nThe change waits for {left} more."
    return ""


def _tell_dispatcher(claim: Claim, said: str) -> None:
    why = UNMERGED if claim.args["what"] == "closed" else "pull merged"
    rows.enqueue(
        kind="dispatch",
        queue="control",
        subject=claim.ticket_ref,
        payload={
            "ticket": claim.ticket_ref, "why": why, "action": str(claim.action_id), "said": said,
        },
        dedup=f"dispatch:{claim.action_id}",
        priority=3,
    )  # fmt: skip


def _note(claim: Claim, text: str, *, private: bool) -> Note:
    return Note(
        text=text,
        author=AUTHOR,
        author_kind="executor",
        visibility="private" if private else "public",
        action_id=claim.action_id,
        tainted=True,
    )


def _key(action_id: UUID, part: str) -> UUID:
    return uuid5(action_id, part)
