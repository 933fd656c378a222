"""A ticket as its requester sees it: how it stands, what was said, and what he may do."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from adapters.errors import AdapterError
from adapters.tickets import catalogue, deeds, models, questions
from adapters.tickets.errors import DraftRefusedError
from adapters.tickets.form_fields import FIELDS
from adapters.tickets.port import TicketFields
from adapters.tickets.states import Move
from ethops.pages.asked import CODE, Asked, asked, code_asked
from ethops.pages.words import MOVE_WORDS, Moment
from ethops.portal import acts, files, reading, visitor, words
from ethops.portal.door import frame, guarded
from ethops.portal.errors import NotYoursError, TooOftenError
from ethops.portal.filing import key_of
from ethops.portal.visitor import Visitor
from ethops.sla import queries as clocks
from ethops.world import tickets
from personas.approvals.errors import ApprovalRefusedError

GRAVE = frozenset({"ev_cancel", "ev_reject"})
LONGEST = 4_000
NUMBER = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Offer:
    """One move as a form; a short one is a button alone."""

    stimulus: str
    title: str
    button: str
    fields: list[Asked]
    open: bool
    grave: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """What was pressed and refused: it is shown again, with what is wrong beside it."""

    act: str
    said: dict[str, str]
    faults: dict[str, list[str]]
    refusal: str
    status: int


@guarded
def shown(request: HttpRequest, ref: str) -> HttpResponse:
    """Draw it, or do what was pressed."""
    here, ticket = visitor.at(request, ref)
    typed: Typed | None = None
    if request.method == "POST":
        try:
            messages.success(request, _pressed(request, here, ticket))
        except TooOftenError as fault:
            typed = _typed(request, {}, f"{fault} {fault.hint}", fault.status)
        except ApprovalRefusedError as fault:
            typed = _typed(request, {CODE: [f"{fault} {fault.hint}"]}, "", 422)
        except AdapterError as fault:
            faults = getattr(fault, "errors", None) or {}
            typed = _typed(request, faults, "" if faults else f"{fault} {fault.hint}", 422)
        else:
            return HttpResponseRedirect(reverse("portal:ticket", args=[ref]))
        ticket.refresh_from_db()
    about = {**frame(here), **content(here, ticket, typed)}
    status = typed.status if typed else 200
    return TemplateResponse(request, "portal/ticket.html", about, status=status)


def content(here: Visitor, ticket: models.Ticket, typed: Typed | None) -> dict[str, Any]:
    """Return what is shown of a ticket."""
    now = timezone.now()
    mine = ticket.requester == here.person
    details = deeds.details_of(ticket)
    role = details.approver_role if isinstance(details, models.Request) else ""
    return {
        "title": f"{ticket.ref} {ticket.title}",
        "ticket": ticket,
        "state": words.state(ticket.state),
        "sentence": words.sentence(
            ticket.state, mine=mine, reason=ticket.pending_reason, role=role
        ),
        "promise": words.promise(clocks.of_ticket(ticket.ref)),
        "opened": Moment(ticket.opened_at, now),
        "answers": answers(details),
        "lines": [
            (
                words.author(one.author, one.author_kind, here.person),
                Moment(one.at, now),
                one.text,
                one.author_kind == "person" and one.author == here.person,
            )
            for one in reading.lines(ticket.ref)
        ],
        "mine": mine,
        "asked": [one for one in questions.of_ticket(ticket.ref) if one.is_open and mine],
        "offers": offers(here, ticket, typed),
        "typed": typed,
        "files": files.shown(ticket.ref),
        "may_answer": ticket.state != "closed",
        "attaching": files.asked(typed.faults if typed else {}) if mine else None,
        "longest": LONGEST,
        "key": uuid4(),
    }


def answers(details: deeds.Details) -> list[tuple[str, str]]:
    """Return what a request's form asked, and what was answered."""
    if not isinstance(details, models.Request):
        return []
    return [
        (field.label, catalogue.shown(details.answers.get(field.name)))
        for field in catalogue.fields_of(details.model.fields)
    ]


def offers(here: Visitor, ticket: models.Ticket, typed: Typed | None) -> list[Offer]:
    """Return what whoever looks may do now, as the table of states has it."""
    there = tickets.offered(ticket, here.person, here.vouched)
    return [_offer(here, stimulus, move, typed) for stimulus, move in there.items()]


def _offer(here: Visitor, stimulus: str, move: Move, typed: Typed | None) -> Offer:
    title, button = MOVE_WORDS.get(stimulus, (stimulus, stimulus))
    again = typed if typed is not None and typed.act == stimulus else None
    return Offer(
        stimulus,
        title,
        button,
        [
            *asked(
                [FIELDS[name] for name in (*move.needs, *move.takes)],
                again.said if again else {},
                again.faults if again else {},
                required=move.needs,
            ),
            *code_asked(here.person, stimulus, again.faults if again else {}),
        ],
        open=again is not None,
        grave=stimulus in GRAVE,
    )


def _pressed(request: HttpRequest, here: Visitor, ticket: models.Ticket) -> str:
    act = request.POST.get("act", "")
    if act == "answer":
        text = request.POST.get("text", "")[:LONGEST]
        return _answered(request, here, ticket, text)
    if act == "word":
        n, word = request.POST.get("n", ""), request.POST.get("word", "")
        # Two digits at most: whatever else was sent is the number of no question.
        acts.say_word(here, ticket.ref, int(n) if NUMBER.fullmatch(n) else 0, word, key_of(request))
        return f"You said {word}. The agents go on with it."
    if act not in MOVE_WORDS:
        raise NotYoursError("There is no such button.")
    said = {name: request.POST[name] for name in FIELDS if name in request.POST}
    note = said.get("decision", "")
    fields: TicketFields = said  # type: ignore[assignment]
    code = request.POST.get(CODE, "")
    deed = acts.move(here, ticket.ref, act, fields, note, key_of(request), code)
    return f"{ticket.ref} is {words.state(deed.state).word}."


def _answered(request: HttpRequest, here: Visitor, ticket: models.Ticket, text: str) -> str:
    came = files.sent(request)
    if came.fault:
        raise DraftRefusedError("A field needs a change.", {files.FIELD: came.fault})
    acts.answer(here, ticket.ref, text, key_of(request), came.files)
    return "Your answer is in the ticket."


def _typed(request: HttpRequest, faults: dict[str, list[str]], refusal: str, status: int) -> Typed:
    said = {name: request.POST[name] for name in ("text", *FIELDS) if name in request.POST}
    return Typed(request.POST.get("act", ""), said, faults, refusal, status)
