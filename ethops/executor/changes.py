"""The standard change that each play is: opened before it, concluded after it."""

import logging
from uuid import UUID, uuid5

from adapters.registry import reader, writer
from adapters.tickets.errors import TicketError
from adapters.tickets.port import ChangeDraft, Note, Request, TicketDraft
from audit.ledger import receipts
from ethops.executor.errors import TicketRefusedError
from ethops.sla import projection
from personas import queries
from personas.gate import Claim

log = logging.getLogger(__name__)

AUTHOR = "executor"


def begin(claim: Claim, host: str) -> str:
    """Open the change and mark it as being implemented; return its ref."""
    tickets = writer("tickets")
    try:
        ref = tickets.open(_key(claim.action_id, "change"), _draft(claim)).ref
        text = f"Runs on {host}.\n{receipts.line_of(claim.action_id)}"
        note = _note(claim.action_id, text, private=False)
        tickets.move(_key(claim.action_id, "implement"), ref, "ev_implement", {}, note)
    except TicketError as fault:
        raise TicketRefusedError(f"the change cannot be recorded: {fault}") from fault
    projection.follow(ref)
    return ref


def conclude(claim: Claim, *, done: bool, said: str) -> str:
    """Mark the change as finished or failed, tell the incident, and return the change's ref.

    A repeat changes nothing, so the probe after a crash may call it again.
    """
    return _conclude(claim.action_id, claim.entry, done=done, said=said)


def conclude_by_person(action_id: UUID, outcome: str, said: str) -> None:
    """Conclude the change of a play in doubt as a person settled it, `done` or `failed`.

    Nothing where the action had no change, or where the play's own end has concluded it.
    """
    _conclude(action_id, queries.entry_of(str(action_id)), done=outcome == "done", said=said)


def _conclude(action_id: UUID, entry: str, *, done: bool, said: str) -> str:
    tickets = writer("tickets")
    opened = tickets.find(_key(action_id, "change"))
    if opened is None:
        return ""
    change = reader("tickets").get(opened.ref)
    word = "done" if done else "failed"
    # Last, so that nothing a host has said can be taken for it.
    text = f"{word.capitalize()}: {said}\n{receipts.line_of(action_id)}"
    note = _note(action_id, text, private=False)
    line = _note(action_id, f"{change.ref}: {change.title}: {word}. {said}", private=True)
    try:
        stimulus = "ev_finish" if done else "ev_fail"
        tickets.move(_key(action_id, "conclude"), change.ref, stimulus, {}, note)
        if change.parent_ref:
            tickets.comment(_key(action_id, "tell"), change.parent_ref, line)
            if done:
                _finish_step(action_id, change.parent_ref, entry)
    except TicketError as fault:
        # The play is over either way; a ticket that somebody moved must not hide that.
        log.warning("change %s not concluded: %s", change.ref, fault)
    projection.follow(change.ref)
    return change.ref


def _finish_step(action_id: UUID, ref: str, entry: str) -> None:
    """Say of the step of a request that this entry does that it is done."""
    request = reader("tickets").details(ref)
    for step in request.steps if isinstance(request, Request) else ():
        if step.entry == entry and step.done_at is None:
            note = _note(action_id, f"Done: {step.title}.", private=False)
            writer("tickets").finish_step(_key(action_id, "step"), ref, step.n, note)


def _draft(claim: Claim) -> TicketDraft:
    return TicketDraft(
        ticket_class="change",
        title=_title(claim),
        description=(
            f"Standard change: catalogue entry {claim.entry}, tree {claim.tree_hash[:12]},"
            f" asked by {claim.card or claim.principal}, ledger entry {claim.entry_seq}."
        ),
        impact=3,
        urgency=3,
        author=AUTHOR,
        author_kind="executor",
        ci_refs=(claim.target,),
        parent_ref=claim.ticket_ref or None,
        action_id=claim.action_id,
        change=ChangeDraft(
            "standard",
            reason=f"Asked by {claim.card or claim.principal} for {claim.ticket_ref or 'a rule'}.",
            implementer=AUTHOR,
            backout=_backout(claim),
        ),
    )


def _backout(claim: Claim) -> str:
    """Return what the catalogue says about undoing it."""
    said = claim.document.get("rollback") or {}
    return f"Run {said['playbook']}." if said.get("playbook") else str(said.get("none") or "")


def _title(claim: Claim) -> str:
    return f"{claim.document.get('title', claim.entry)} on {claim.target}"


def _note(action_id: UUID, text: str, *, private: bool) -> Note:
    # What a host said is text from outside, whoever repeats it.
    return Note(
        text=text,
        author=AUTHOR,
        author_kind="executor",
        visibility="private" if private else "public",
        action_id=action_id,
        tainted=True,
    )


def _key(action_id: UUID, part: str) -> UUID:
    return uuid5(action_id, part)
