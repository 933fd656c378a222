"""Questions of agents to people: numbered, few, and answered by one of the words they name.

Prose decides nothing: a line of the worklog answers only where it says `Q1: yes` and no more. The
answer is a fact for the next run; what follows from it, rules and the gate decide as always.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from adapters.rows import now, select
from adapters.text import one_line, plain
from adapters.tickets import deeds, models, port
from adapters.tickets.beside import Asking, Question
from adapters.tickets.errors import (
    DraftRefusedError,
    KeyReusedError,
    NotAllowedError,
    QuestionOverError,
    TicketNotFoundError,
)
from adapters.tickets.rights import roles_of
from adapters.tickets.states import is_open

ANSWERERS: Final = frozenset[port.Role]({"operator", "requester"})
"""Who may answer: people of the desk, and whose wish the ticket is."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD: Final = re.compile(r"[a-z]{1,20}")
_SAID: Final = re.compile(r"[ \t]*Q([1-9][0-9]?)[ \t]*:[ \t]*([A-Za-z]{1,20})[ \t]*\.?[ \t]*")

_QUESTION = """
    SELECT ref, n, name, text, answers, asked_by, asked_at, answer, answered_by, answered_at,
           is_open
    FROM reading.question
"""


def of_ticket(ref: str) -> tuple[Question, ...]:
    """Return what was asked about a ticket, oldest first."""
    return _read("WHERE ref = %s ORDER BY n", [ref])


def open_since(moment: datetime) -> tuple[Question, ...]:
    """Return what has been waiting for an answer since before this moment, oldest first."""
    return _read("WHERE is_open AND asked_at < %s ORDER BY asked_at", [moment])


def _read(where: str, params: list[object]) -> tuple[Question, ...]:
    rows = select(f"{_QUESTION} {where}", params)
    return tuple(Question(**row | {"answers": tuple(json.loads(row["answers"]))}) for row in rows)


def said_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the word of each line that says `Q1: yes` and nothing else."""
    for line in text.splitlines():
        found = _SAID.fullmatch(line)
        if found:
            yield int(found[1]), found[2].lower()


@transaction.atomic
def ask(*, key: UUID, ref: str, asking: Asking, note: port.Note) -> port.Deed:
    """Ask people something about a ticket, once, and write it into the worklog.

    Raises:
        TicketNotFoundError: no ticket has this ref.
        DraftRefusedError: it is no question with words to answer it, or was asked before.
        QuestionOverError: the ticket is settled.
    """
    ticket = deeds.locked(ref)
    done = _done(key, "ask", ref)
    if done is not None:
        return done
    _fits(ticket, asking)
    last = models.Question.objects.filter(ticket=ticket).aggregate(last=Max("n"))["last"] or 0
    words = " or ".join(f"Q{last + 1}: {word}" for word in asking.answers)
    said = plain(asking.text, 1000)
    text = (
        f"Q{last + 1}, to people: {said}\nAnswer with a button. At the desk you may write {words}."
    )
    line = deeds.line(ticket, _with(note, text))
    models.Question.objects.create(
        ticket=ticket,
        n=last + 1,
        name=asking.name,
        text=said,
        answers=list(asking.answers),
        asked_by=one_line(note.author, 150),
        action_id=key,
        asked_at=now(),
    )
    return deeds.deed(key, "ask", "asked", ticket, line)


@transaction.atomic
def answer(
    *, key: UUID, ref: str, n: int, word: str, note: port.Note, vouched: port.Vouched
) -> port.Deed:
    """Answer a question with one of its words, and write the line that says so.

    Raises:
        TicketNotFoundError: no ticket has this ref, or it has no such question.
        NotAllowedError: it is for the desk and the requester to answer.
        QuestionOverError: it was answered, or nobody needs the answer any more.
        DraftRefusedError: it is none of the words.
    """
    ticket = deeds.locked(ref)
    done = _done(key, "answer", ref)
    if done is not None:
        return done
    settle(ticket, n, word, note, vouched)
    line = deeds.line(ticket, _with(note, f"Q{n}: {word}"))
    return deeds.deed(key, "answer", "answered", ticket, line)


def settle(
    ticket: models.Ticket, n: int, word: str, note: port.Note, vouched: port.Vouched
) -> models.Question:
    """Keep a person's word as the answer of a locked ticket's question, as `answer` raises."""
    question = models.Question.objects.filter(ticket=ticket, n=n).first()
    if question is None:
        raise TicketNotFoundError(f"{ticket.ref} has no question {n}.")
    roles = roles_of(note.author, note.author_kind, vouched, requester=ticket.requester)
    if not roles & ANSWERERS:
        raise NotAllowedError(
            f"{ticket.ref}: it is for the desk and whoever asked for it to answer Q{n}."
        )
    if question.answer or question.withdrawn_at is not None:
        said = f"{question.answered_by} said {question.answer}" if question.answer else "withdrawn"
        raise QuestionOverError(f"Q{n} of {ticket.ref} is over: {said}.")
    if word not in question.answers:
        raise DraftRefusedError(
            f"Q{n} of {ticket.ref} is not answered by {one_line(word, 20)!r}.",
            {"answer": f"Say one of: {', '.join(question.answers)}."},
        )
    question.answer, question.answered_by, question.answered_at = word, note.author, now()
    question.save(update_fields=["answer", "answered_by", "answered_at"])
    return question


def withdraw(ref: str) -> int:
    """Say that nobody needs the answers to a ticket's open questions; returns how many."""
    return models.Question.objects.filter(
        ticket_id=ref, answer="", withdrawn_at__isnull=True
    ).update(withdrawn_at=now())


def _fits(ticket: models.Ticket, asking: Asking) -> None:
    fault = ""
    if not is_open(ticket.state):
        raise QuestionOverError(f"{ticket.ref} is {ticket.state}: nobody is asked about it.")
    if not _NAME.fullmatch(asking.name) or not plain(asking.text, 1000):
        fault = "A question has a name and says something."
    elif not 1 < len(asking.answers) <= 6 or not all(map(_WORD.fullmatch, asking.answers)):
        fault = "A question names two to six words that answer it, in small letters."
    elif models.Question.objects.filter(ticket=ticket, name=asking.name).exists():
        fault = f"{asking.name} was asked before."
    if fault:
        raise DraftRefusedError(f"{ticket.ref}: {fault}", {"text": fault})


def _with(note: port.Note, text: str) -> port.Note:
    return port.Note(
        text, note.author, note.author_kind, "public", note.action_id, tainted=note.tainted
    )


def _done(key: UUID, verb: port.Verb, ref: str) -> port.Deed | None:
    """Return what was done under this key before."""
    found = deeds.find(key)
    if found is None:
        return None
    if (found.verb, found.ref) != (verb, ref):
        raise KeyReusedError(f"Key {key} is that of {found.verb} on {found.ref}.")
    return replace(found, repeated=True)
