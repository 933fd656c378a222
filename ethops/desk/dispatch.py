"""The dispatcher: no LLM, one look at the ticket, one next step."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.environments import OPERATIONS
from adapters.json_value import JSON
from adapters.tickets import questions
from adapters.tickets.errors import HeldError
from adapters.tickets.models import Deed
from adapters.tickets.port import LogLine, Request, Ticket, TicketDraft
from adapters.tickets.states import SETTLED
from audit.work import rows
from ethops.desk import (
    approvals,
    asking,
    events,
    fulfilling,
    known_errors,
    major,
    notices,
    parents,
    resuming,
    seen,
    unmerged,
)
from ethops.desk.policy import CARDS, Standing, Step, card_for, next_step
from ethops.executor import changes, tickets
from ethops.sla import queries as levels
from personas import environments, intents, queries
from personas.agentops import acts as agent_acts
from personas.approvals import doors as approval_doors
from personas.autonomy import doors
from personas.guardrails import doors as guardrails

NAMESPACE = UUID("8b4d9a52-2a4e-4b41-8f5b-5a2a8f4f6c02")
AUTHOR = "dispatcher"
PRIORITY = {"P1": 0, "P2": 1, "P3": 2, "P4": 3}


def consider(payload: Mapping[str, Any]) -> None:
    """Look at a ticket that something happened to, and have the next thing done."""
    ref = str(payload["ticket"])
    about = _ABOUT_ACTIONS.get(str(payload.get("why")))
    if about is not None:
        about(ref, payload)
        return
    ticket = registry.reader("tickets").get(ref)
    if payload.get("why") == "alert ended" and events.all_ended(ref):
        approval_doors.alert_ended(ref)
    if payload.get("why") == "asked":
        asking.tell(ticket)
    if ticket.ticket_class == "request":
        _consider_request(ticket)
    if ticket.ticket_class != "incident":
        return
    if ticket.state in SETTLED:
        _look_at_children(ticket)
    major.consider(ticket)
    _STEPS[next_step(_standing(ticket))](ticket)
    # Of those of its priority that wait for a place, whose ticket is due first goes first.
    intents.set_due(ticket_ref=ref, due_at=levels.next_due(ref))


def _consider_request(ticket: Ticket) -> None:
    """Have the card that its model names do a request, as far as it may be worked on."""
    request = fulfilling.of(ticket)
    if request is None:
        return
    card = queries.card_document(request.card) if queries.has_card(request.card) else {}
    team = str(card.get("team") or CARDS["respond"])
    run = queries.newest_run(ticket.ref, since=_turn_began(ticket.ref))
    standing = fulfilling.Standing(
        *(ticket.state, ticket.variant, ticket.team, ticket.assignee),
        approved=ticket.variant != "with_approver" or _was_approved(ticket.ref),
        live_run=queries.has_live_run(ticket.ref),
        ran=run is not None,
    )
    step = fulfilling.next_step(standing, team)
    if step == "take":
        _take(ticket, request.card, team)
        ticket, step = registry.reader("tickets").get(ticket.ref), "fulfil"
    if step == "fulfil":
        _fulfil(ticket, request)
    elif step != "nothing":
        _STEPS[step](ticket)
    intents.set_due(ticket_ref=ticket.ref, due_at=levels.next_due(ticket.ref))


def _was_approved(ref: str) -> bool:
    history = registry.reader("tickets").history(ref)
    return any(passage.state == "approved" for passage in history)


def _take(ticket: Ticket, card: str, team: str) -> None:
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"take:{_turn(ticket.ref)}"),
        ref=ticket.ref,
        stimulus="ev_assign",
        fields={"team": team},
        rule=AUTHOR,
        text=f"{card} does it, as the service catalogue says.",
    )


def _fulfil(ticket: Ticket, request: Request) -> None:
    ci = fulfilling.target(ticket)
    if not ci or not queries.has_card(request.card):
        named = ", ".join(ticket.ci_refs) or "none"
        gone = f"The CI that the form names is not there ({named})." if not ci else ""
        _escalate(ticket, gone or f"There is no card {request.card} that has runs.")
        return
    if ticket.reopens and all(step.done_at for step in request.steps):
        _escalate(ticket, "It was opened again, and all its steps have been done before.")
        return
    _submit(ticket, request.card, "joined", lambda: fulfilling.inputs(request, ci))


def _standing(ticket: Ticket) -> Standing:
    run = queries.newest_run(ticket.ref, since=_turn_began(ticket.ref))
    return Standing(
        state=ticket.state,
        team=ticket.team,
        assignee=ticket.assignee,
        live_run=queries.has_live_run(ticket.ref),
        last_run=run.state if run else "",
        last_card=run.card if run else "",
        alert_ended=events.all_ended(ticket.ref),
        reopened=_is_reopened(ticket.ref),
        held=_is_held(ticket),
        responder=_responder(ticket),
        asked=any(one.is_open for one in questions.of_ticket(ticket.ref)),
    )


def _responder(ticket: Ticket) -> str:
    """Return the card that looks after the one CI of a ticket; else who responds to anything."""
    if len(ticket.ci_refs) != 1:
        return CARDS["respond"]
    found = registry.reader("cmdb").by_refs(ticket.ci_refs)
    return (queries.looks_after(found[0].ci_class) if found else "") or CARDS["respond"]


def _turn_began(ref: str) -> datetime | None:
    """Return when a person last said something, or it was opened again.

    What agents did before is of an earlier turn.
    """
    said = [line.at for line in _lines(ref) if line.author_kind == "person"]
    history = registry.reader("tickets").history(ref)
    said += [passage.at for passage in history if passage.stimulus == "ev_reopen"]
    return max(said, default=None)


def _is_reopened(ref: str) -> bool:
    """Tell whether somebody opened it again since an alert of it ended last: no rule of ours."""
    ended = events.ended_at(ref)
    deed = Deed.objects.filter(ticket_id=ref, stimulus="ev_reopen").order_by("-at").first()
    if deed is None or ended is None or deed.at < ended:
        return False
    said = next((line.author for line in _lines(ref) if line.n == deed.line), "")
    return said != seen.AUTHOR


def _turn(ref: str) -> str:
    """Return a key for what may happen once: per word of a person and per run."""
    said = sum(line.author_kind == "person" for line in _lines(ref))
    return f"{ref}:{said}:{queries.count_runs(ref)}"


def _lines(ref: str) -> tuple[LogLine, ...]:
    return registry.reader("tickets").worklog(ref)


def _is_held(ticket: Ticket) -> bool:
    """True where a greater incident is open: what is done about that one comes first."""
    if not ticket.parent_ref:
        return False
    return registry.reader("tickets").get(ticket.parent_ref).state not in SETTLED


def _look_at_children(ticket: Ticket) -> None:
    """Have the incidents that waited for this one looked at, once each time it is settled."""
    for child in registry.reader("tickets").children(ticket.ref):
        if child.ticket_class == "incident" and child.state not in SETTLED:
            rows.enqueue(
                kind="dispatch",
                subject=child.ref,
                payload={"ticket": child.ref, "why": f"{ticket.ref} is settled"},
                dedup=f"freed:{child.ref}:{ticket.ref}:{ticket.reopens}",
                priority=3,
            )


def _bear(ticket: Ticket, step: Step) -> None:
    _submit(
        ticket,
        card_for(step, _responder(ticket)),
        events.joined(ticket.ref),
        lambda: {
            "alert": dict(events.facts(ticket.ref)),
            # Found by rows before anybody is asked, and told to the ticket too.
            "known_error": dict(known_errors.tell(ticket)),
        },
    )


def _submit(
    ticket: Ticket, card: str, joined: str, knows: Callable[[], Mapping[str, JSON]]
) -> None:
    """Ask for a run of a card, which knows what is passed besides what every run does."""
    if doors.ticket_is_full(ticket.ref):
        _escalate(ticket)
        return
    if not guardrails.card_approved(card):
        _escalate(
            ticket, f"Nobody has approved the card {card} as it is loaded, so it has no runs."
        )
        return
    parent = parents.of(ticket, turn_began=_turn_began(ticket.ref))
    if parent is not None and doors.is_too_deep(parent, card):
        _escalate(ticket, "Agents have set each other to work here as often as they may.")
        return
    environment = environments.one_of(environments.of(ticket.ci_refs))
    # A queue of operations that fills holds nobody back who works elsewhere.
    held = agent_acts.retry_after(PRIORITY[ticket.priority]) if environment == OPERATIONS else 0
    if held:
        _come_again(ticket.ref, held)
        return
    document = queries.card_document(card)
    said = intents.submit(
        card=card,
        ticket_ref=ticket.ref,
        priority=PRIORITY[ticket.priority],
        scope=list(ticket.ci_refs),
        joined=joined,
        inputs={
            "first_question": document["first_question"],
            "slot": document.get("slot"),
            "escalates_to": document["escalates_to"],
            **knows(),
            **resuming.inputs(ticket.ref, key=_turn(ticket.ref)),
            **({"parent_run": str(parent)} if parent else {}),
        },
        dedup=f"{card}:{_turn(ticket.ref)}",
        environment=environment,
    )
    if said.verdict == "full":
        _come_again(ticket.ref, said.retry_after_s)
    elif said.verdict == "isolated":
        _escalate(ticket)


def _come_again(ref: str, seconds: int) -> None:
    """Keep a ticket for later, whose run found no room in the queue."""
    rows.enqueue(
        kind="dispatch",
        subject=ref,
        payload={"ticket": ref, "why": "the queue was full"},
        # Once per ticket and such while, however often somebody looks at it meanwhile.
        dedup=f"full:{ref}:{seconds}:{int(time.time()) // seconds}",
        delay_s=seconds,
    )


def _settle(ticket: Ticket) -> None:
    try:
        with transaction.atomic():
            _resolve_by_rule(ticket)
            # The move holds the ticket's row, which a new episode would have to touch too.
            if not events.all_ended(ticket.ref):
                raise _FiresAgain
            _look_at_children(ticket)
    # Who has taken it meanwhile keeps it, and what he does is told to the dispatcher.
    except (_FiresAgain, HeldError):
        return


class _FiresAgain(Exception):  # noqa: N818 - no error: it only undoes the move
    """The alert fires again: the ticket is not settled after all."""


def _resolve_by_rule(ticket: Ticket) -> None:
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"{ticket.ref}:ended:{len(_lines(ticket.ref))}"),
        ref=ticket.ref,
        stimulus="ev_resolve",
        fields={"solution": "Ended by itself, before anybody acted."},
        rule=AUTHOR,
        text="The alert ended before anybody acted.",
        holder=ticket.assignee,
    )


def _escalate(ticket: Ticket, why: str = "") -> None:
    run = queries.newest_run(ticket.ref)
    said = f"The agent {run.card} ended ({run.state}): {run.summary}" if run else "No agent fits."
    said = why or said
    try:
        tickets.move_by_rule(
            key=uuid5(NAMESPACE, f"escalate:{_turn(ticket.ref)}"),
            ref=ticket.ref,
            stimulus="ev_escalate",
            fields={"team": "people"},
            rule=AUTHOR,
            text=f"{said} A person is needed.",
            holder=ticket.assignee,
        )
    # A person has it by now.
    except HeldError:
        return
    _tell(registry.reader("tickets").get(ticket.ref))


def _tell(ticket: Ticket) -> None:
    lines = _lines(ticket.ref)
    notices.tell(
        rule="escalation",
        key=_turn(ticket.ref),
        ticket_ref=ticket.ref,
        title=f"{ticket.priority} {ticket.ref}: {ticket.title}",
        text=lines[-1].text if lines else ticket.description,
    )


def _doubt(ref: str, payload: Mapping[str, Any]) -> None:
    action_id = str(payload["action"])
    what = queries.action_sentence(action_id)
    text = (
        f"Nobody can tell whether this happened: {what}. It is not run again by itself."
        f" Look, then say `manage.py personas settle {action_id} done|failed --why TEXT`."
    )
    if ref:
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, f"doubt:{action_id}"),
            ref=ref,
            rule=AUTHOR,
            text=text,
            tainted=False,
        )
    notices.tell(rule="doubt", key=action_id, ticket_ref=ref, title=f"In doubt: {what}", text=text)


def _untold(ref: str, payload: Mapping[str, Any]) -> None:
    """Try again to tell a person; the ticket says that nobody was told yet."""
    action = queries.notice(str(payload["action"]))
    if ref:
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, f"untold:{payload['action']}"),
            ref=ref,
            rule=AUTHOR,
            text=f"Nobody could be told: {action.said}",
            tainted=False,
        )
    notices.again(action, ticket_ref=ref)


def _expired(ref: str, payload: Mapping[str, Any]) -> None:
    """Say in the ticket what was not done, and what it waited for."""
    action = str(payload["action"])
    said = queries.outcome_said(action)
    tickets.comment_by_rule(
        key=uuid5(NAMESPACE, f"expired:{action}"),
        ref=ref,
        rule=AUTHOR,
        text=f"Not done: {queries.action_sentence(action)}. {said[:1].upper()}{said[1:]}.",
        tainted=False,
    )


def _people_first(ref: str, payload: Mapping[str, Any]) -> None:
    """Ask who is named before anything is done on a host on which people or jobs are."""
    action = str(payload["action"])
    said = queries.outcome_said(action)
    what = queries.action_sentence(action)
    text = (
        f"{what} was {said}. It is proposed anew, and begins once somebody has approved it; whoever"
        " must not be disturbed is asked before that."
    )
    tickets.comment_by_rule(
        key=uuid5(NAMESPACE, f"people:{action}"), ref=ref, rule=AUTHOR, text=text, tainted=True
    )
    asked = str(queries.outcome(action).get("asked", "the operators"))
    notices.tell(
        rule="people_first",
        key=action,
        ticket_ref=ref,
        title=f"{asked}: may we? {what} for {ref}",
        text=text,
    )


def _demoted(ref: str, payload: Mapping[str, Any]) -> None:
    """Tell ticket and people that a right was taken back, and for what."""
    action_id = str(payload["action"])
    what = "{card} x {entry} x {ci_class}".format(**payload)
    text = (
        f"{what} is back from {payload['before']} to observe by itself: this was a false action,"
        f" {payload['said']}. A person decides whether, and when, it may act again."
    )
    if ref:
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, f"demoted:{action_id}"),
            ref=ref,
            rule=AUTHOR,
            text=text,
            tainted=False,
        )
    notices.tell(rule="demoted", key=action_id, ticket_ref=ref, title=f"Demoted: {what}", text=text)


def _conclude(ref: str, payload: Mapping[str, Any]) -> None:
    del ref
    changes.conclude_by_person(
        UUID(str(payload["action"])), str(payload["outcome"]), str(payload["said"])
    )


def open_for_person(
    *, occasion: str, title: str, description: str, facts: Mapping[str, JSON], cause: str = "",
    impact: int = 2, urgency: int = 1,
) -> str:  # fmt: skip
    """Open an incident of ethops itself that no agent can help with, and tell a person, once.

    Occasions of the same cause are folded into one while it is open; returns the incident's ref.
    """
    deed = tickets.open_incident(
        key=uuid5(NAMESPACE, occasion),
        draft=TicketDraft(
            ticket_class="incident",
            title=title,
            description=description,
            impact=impact,
            urgency=urgency,
            author=AUTHOR,
            author_kind="rule",
            cause_key=cause or occasion,
            detected_at=datetime.now(UTC),
            tainted=True,
        ),
        facts=facts,
    )
    ticket = registry.reader("tickets").get(deed.ref)
    if ticket.state != "new":
        return ticket.ref
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"{occasion}:{ticket.ref}:escalate"),
        ref=ticket.ref,
        stimulus="ev_escalate",
        fields={"team": "people"},
        rule=AUTHOR,
        text="No agent can help with this; a person is needed.",
    )
    _tell(registry.reader("tickets").get(ticket.ref))
    return ticket.ref


def _nothing(ticket: Ticket) -> None:
    del ticket


_ABOUT_ACTIONS: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
    "in doubt": _doubt,
    "nobody told": _untold,
    "expired": _expired,
    "people first": _people_first,
    "demoted": _demoted,
    "concluded elsewhere": _conclude,
    "approval": approvals.tell,
    "pull closed": unmerged.tell,
}
_STEPS: dict[Step, Callable[[Ticket], None]] = {
    "triage": lambda ticket: _bear(ticket, "triage"),
    "respond": lambda ticket: _bear(ticket, "respond"),
    "tell_person": _tell,
    "escalate": _escalate,
    "settle": _settle,
    "nothing": _nothing,
}
