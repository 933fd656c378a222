"""The effects on tickets: comment, assign, resolve, escalate, each one write by one key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from django.db import transaction

from adapters.registry import writer
from adapters.tickets import questions
from adapters.tickets.beside import Asking
from adapters.tickets.errors import TicketError
from adapters.tickets.port import AuthorKind, Deed, Note, TicketFields, Writer
from audit.work import rows
from ethops.executor import stop
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import ArgumentRefusedError, TicketRefusedError
from ethops.sla import projection
from personas.gate import Claim

Write: TypeAlias = Callable[[Writer, Claim], Deed]

STIMULI: Final[Mapping[str, str]] = {
    "ticket.assign": "ev_assign",
    "ticket.resolve": "ev_resolve",
    "ticket.escalate": "ev_escalate",
}
"""Verb -> the stimulus that it gives: the only ones that an agent can."""


@dataclass(frozen=True, slots=True)
class TicketWrite:
    """One write to a ticket; `why` tells the dispatcher, empty where it need not know."""

    write: Write
    why: str = ""

    def act(self, claim: Claim) -> Result:
        """Write, and wake the dispatcher in the same transaction."""
        try:
            with transaction.atomic():
                deed = self.write(writer("tickets"), claim)
                projection.follow(deed.ref)
                stop.check_wanted(claim.action_id)
                self._tell_dispatcher(claim)
        except TicketError as fault:
            raise TicketRefusedError(str(fault), result={"refused": fault.code}) from fault
        return _result(deed)

    def probe(self, claim: Claim) -> Finding:
        """Ask the ticket system for the key; what was written must also be told."""
        deed = writer("tickets").find(claim.action_id)
        if deed is None:
            return Finding("absent", {"said": "the ticket system does not know this write"})
        self._tell_dispatcher(claim)
        return Finding("done", _result(deed))

    def _tell_dispatcher(self, claim: Claim) -> None:
        if self.why:
            rows.enqueue(
                kind="dispatch",
                queue="control",
                subject=claim.ticket_ref,
                payload={"ticket": claim.ticket_ref, "why": self.why},
                dedup=f"dispatch:{claim.action_id}",
                priority=3,
            )


def comment(tickets: Writer, claim: Claim) -> Deed:
    """Append what the card says."""
    return tickets.comment(claim.action_id, claim.ticket_ref, _note(claim, claim.args["text"]))


def assign(tickets: Writer, claim: Claim) -> Deed:
    """Give the ticket to a team, with its impact and urgency."""
    fields: TicketFields = {
        "team": claim.args["team"],
        "impact": _scale(claim.args, "impact"),
        "urgency": _scale(claim.args, "urgency"),
    }
    text = claim.args.get("note") or f"Assigned to {claim.args['team']}."
    return _move(tickets, claim, STIMULI["ticket.assign"], fields, text)


def resolve(tickets: Writer, claim: Claim) -> Deed:
    """Resolve the ticket with its solution."""
    solution = claim.args["solution"]
    return _move(tickets, claim, STIMULI["ticket.resolve"], {"solution": solution}, solution)


def escalate(tickets: Writer, claim: Claim) -> Deed:
    """Hand the ticket to people: what was tried, and what is asked of them."""
    text = f"Tried: {claim.args['tried']}\nAsked: {claim.args['asked']}"
    fields: TicketFields = {"team": claim.args["team"]}
    return _move(tickets, claim, STIMULI["ticket.escalate"], fields, text)


def ask(tickets: Writer, claim: Claim) -> Deed:
    """Ask people, with the words that answer it."""
    del tickets
    words = tuple(claim.args["answers"].split())
    asking = Asking(claim.args["name"], claim.args["text"], words)
    note = _note(claim, claim.args["text"])
    return questions.ask(key=claim.action_id, ref=claim.ticket_ref, asking=asking, note=note)


def _move(tickets: Writer, claim: Claim, stimulus: str, fields: TicketFields, text: str) -> Deed:
    return tickets.move(claim.action_id, claim.ticket_ref, stimulus, fields, _note(claim, text))


def _note(claim: Claim, text: str) -> Note:
    by_card = bool(claim.card)
    kind: AuthorKind = "agent" if by_card else "rule"
    # A card has read what others wrote: its own words are no more to be trusted than theirs.
    return Note(
        text=text,
        author=claim.card or claim.principal,
        author_kind=kind,
        action_id=claim.action_id,
        tainted=by_card,
    )


def _scale(args: Mapping[str, str], name: str) -> int:
    value = args[name]
    if value not in {"1", "2", "3"}:
        raise ArgumentRefusedError(f"{name} is {value!r}, not 1, 2 or 3")
    return int(value)


def _result(deed: Deed) -> Result:
    return {"said": f"{deed.ref} {deed.outcome}, now {deed.state}", "line": deed.line}
