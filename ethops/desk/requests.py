"""What people and programs ask of agents over the API: a ticket, an intent, a place in the queue.

Their words are text from outside: they become facts of a ticket and are nobody's authority.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from adapters import registry
from adapters.environments import OPERATIONS
from adapters.json_value import JSON
from adapters.text import one_line
from adapters.tickets.port import Ticket, TicketDraft
from ethops.desk import commanded, events
from ethops.desk.commanded import Command
from ethops.executor import tickets
from personas import environments, intents, queries
from personas.agentops import acts
from personas.agentops.acts import Requested
from personas.agentops.errors import (
    BusyTicketError,
    CommandRefusedError,
    IsolatedRoleError,
    KeyReusedError,
    OtherEnvironmentError,
    QueueFullError,
    UnapprovedRoleError,
    UnknownEnvironmentError,
    UnknownRoleError,
)
from personas.agentops.models import Request
from personas.guardrails import doors as guardrails
from personas.intents import Admission

NAMESPACE = UUID("b1f7a1c3-9a44-4f0e-8f07-3f1c5d8f2a06")
TITLE = 100
URGENCY = {0: 1, 1: 1, 2: 2, 3: 3, 4: 3}


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent as it was asked for, by whom, and under which key."""

    person: str
    key: str
    agent_role: str
    job_id: str
    prompt: str
    priority: int
    max_duration: int
    tenant_id: str
    command: Command | None = None
    """What is wanted done, word for word; the gate judges it like any other command."""
    flags: tuple[str, ...] = ()
    """What the rules are told besides, such as that something may be forced."""
    environment: str | None = None
    """Where the run is to be at work; unsaid, where its CIs are."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was asked, without who asked and under which key."""
        said = {
            name: value
            for name, value in asdict(self).items()
            if name not in ("person", "key") and value not in (None, ())
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is answered: the intent, its place, and when it begins, about."""

    intent_id: UUID
    queue_position: int
    estimated_start_s: int


def submit(asked: Asked) -> Admitted:
    """Let a run be born, or refuse; the same key and words again return the first answer.

    Raises:
        KeyReusedError: the key belongs to other words.
        UnknownRoleError: no card of this name is enabled.
        UnapprovedRoleError: nobody has approved the card as it is loaded.
        UnknownScopeError: the card has no such scope of commands.
        CommandRefusedError: the gate would deny the command in any case.
        UnknownFlagError: no rule would hear what is said with the request.
        UnknownEnvironmentError: there is no such environment.
        OtherEnvironmentError: what the run is about is of another one.
        TicketNotFoundError: `job_id` names no ticket.
        BusyTicketError: an agent is at work on the ticket, or a person has it.
        IsolatedRoleError: the card has no new runs for now.
        QueueFullError: too many wait; carries after how many seconds to come again.
    """
    known = _known(asked)
    if known is not None:
        return known
    if not queries.has_card(asked.agent_role):
        raise UnknownRoleError(f"There is no agent {asked.agent_role}.")
    if not guardrails.card_approved(asked.agent_role):
        raise UnapprovedRoleError(f"Nobody has approved {asked.agent_role} as it is loaded.")
    if asked.command is not None:
        commanded.check(asked.agent_role, asked.command)
    commanded.check_flags(asked.agent_role, asked.flags)
    environment = _environment(asked)
    _let_in(asked.priority, environment)
    try:
        return _admit(asked, environment)
    except (IntegrityError, BusyTicketError):
        # Asked twice in one instant, the other was first.
        known = _known(asked)
        if known is None:
            raise
        return known


def _known(asked: Asked) -> Admitted | None:
    row = Request.objects.filter(principal=asked.person, idempotency_key=asked.key).first()
    if row is None:
        return None
    if row.body_sha256 != asked.digest:
        raise KeyReusedError("This key was used for another request.")
    return Admitted(row.intent_id, row.queue_position, row.estimated_start_s)


def _environment(asked: Asked) -> str:
    """Return where the run will be at work: nobody gets around a full one by naming another."""
    named, there = asked.environment, environments.names()
    if named is not None and named not in there:
        raise UnknownEnvironmentError(
            f"There is no environment {named}; there are: {', '.join(there)}."
        )
    about = _cis(asked)
    declared = environments.of(about)
    if named is None:
        return environments.one_of(declared)
    if declared and named not in declared:
        raise OtherEnvironmentError(
            f"{', '.join(about)} is of {', '.join(sorted(declared))}, not of {named}."
        )
    return named


def _cis(asked: Asked) -> tuple[str, ...]:
    if asked.command is not None:
        return (asked.command.ci,)
    return registry.reader("tickets").get(asked.job_id).ci_refs if asked.job_id else ()


def _let_in(priority: int, environment: str) -> None:
    # It is the queue of operations that is looked at; every other is bounded by itself.
    wait = acts.retry_after(priority) if environment == OPERATIONS else 0
    if wait:
        raise QueueFullError(f"Too many runs wait for one of priority {priority}.", wait=wait)


@transaction.atomic
def _admit(asked: Asked, environment: str) -> Admitted:
    ticket = _ticket(asked)
    if ticket.assignee or queries.has_live_run(ticket.ref):
        raise BusyTicketError(f"Somebody is at work on {ticket.ref}.")
    said = intents.submit(
        card=asked.agent_role,
        ticket_ref=ticket.ref,
        priority=asked.priority,
        scope=[asked.command.ci] if asked.command else list(ticket.ci_refs),
        # Who names the CI of a command has said which one is meant.
        joined="joined" if asked.command else events.joined(ticket.ref),
        inputs=_inputs(asked, ticket),
        dedup=f"asked:{asked.person}:{hashlib.sha256(asked.key.encode()).hexdigest()}",
        environment=environment,
        by=f"person:{asked.person}",
        max_duration_s=asked.max_duration,
        job=asked.job_id,
        tenant=asked.tenant_id,
    )
    intent = _accepted(said, ticket.ref, environment)
    acts.requested(
        Requested(
            intent=intent,
            principal=asked.person,
            key=asked.key,
            body_sha256=asked.digest,
            prompt=asked.prompt,
            max_duration_s=asked.max_duration,
            tenant=asked.tenant_id,
            position=said.queue_position,
            start_s=said.estimated_start_s,
        )
    )
    return Admitted(intent, said.queue_position, said.estimated_start_s)


def _accepted(said: Admission, ref: str, environment: str) -> UUID:
    """Return the intent; what was not accepted leaves nothing behind."""
    if said.verdict == "full":
        full = f"Too many runs of {environment} wait already."
        raise QueueFullError(full, wait=said.retry_after_s)
    if said.verdict == "isolated":
        raise IsolatedRoleError("A person lets this card have no new runs.")
    if said.verdict != "accepted" or said.intent is None:
        raise BusyTicketError(f"Somebody is at work on {ref}.")
    return said.intent


def _inputs(asked: Asked, ticket: Ticket) -> Mapping[str, JSON]:
    document = queries.card_document(asked.agent_role)
    return {
        **dict.fromkeys(asked.flags, True),
        **({"command": asked.command.document()} if asked.command else {}),
        "first_question": document["first_question"],
        "slot": document.get("slot"),
        "escalates_to": document["escalates_to"],
        "alert": dict(events.facts(ticket.ref)),
        "request": asked.prompt,
    }


def _ticket(asked: Asked) -> Ticket:
    """Return the ticket that is meant, with the words in it, or open one that says them."""
    key = uuid5(NAMESPACE, f"{asked.person}:{asked.key}")
    if asked.job_id:
        ticket = registry.reader("tickets").get(asked.job_id)
        if ticket.ticket_class != "incident" or ticket.state in ("resolved", "closed"):
            raise BusyTicketError(f"{ticket.ref} is {ticket.state}: no agent works on it.")
        if asked.command and asked.command.ci not in ticket.ci_refs:
            raise CommandRefusedError(f"{asked.command.ci} is no CI of {ticket.ref}.")
        tickets.comment_by_person(
            key=key, ref=ticket.ref, person=asked.person, text=asked.prompt, visibility="private"
        )
        return ticket
    deed = tickets.open_incident(
        key=key,
        draft=TicketDraft(
            ticket_class="incident",
            title=one_line(asked.prompt, TITLE),
            description=asked.prompt,
            impact=3,
            urgency=URGENCY[asked.priority],
            author=asked.person,
            author_kind="person",
            ci_refs=(asked.command.ci,) if asked.command else (),
            detected_at=datetime.now(UTC),
            tainted=True,
        ),
        facts={"asked": "by the API"},
    )
    return registry.reader("tickets").get(deed.ref)
