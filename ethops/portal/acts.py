"""What requesters do, each act in a person's name and on record; nobody acts as the desk here."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from django.utils import timezone

from adapters.tickets.errors import DraftRefusedError
from adapters.tickets.fields import Field, read_all
from adapters.tickets.port import Deed, TicketDraft, TicketFields
from ethops.desk import answers, filing
from ethops.executor import tickets
from ethops.portal import bounds
from ethops.portal.visitor import Visitor

NAMESPACE: Final = UUID("0c4e2a0e-5a2f-4d61-9c0f-5a9f4f0f7a21")

HINDERS: Final[Mapping[str, tuple[str, int, int]]] = {
    "many": ("many people cannot work", 1, 2),
    "me": ("I cannot work", 3, 1),
    "slow": ("it is slow or laborious", 3, 2),
    "later": ("it can wait", 3, 3),
}
"""Choice -> its words, impact and urgency. What wakes people at night, P1, is the desk's to say."""

INCIDENT: Final = (
    Field("title", "What is wrong, in a line", required=True),
    Field("description", "What you did, what happened, since when", "text"),
    Field(
        "hinders",
        "How much does it hinder",
        "choice",
        required=True,
        choices=tuple((name, words) for name, (words, _, _) in HINDERS.items()),
    ),
)
"""What a form for something that does not work asks."""


def file_incident(visitor: Visitor, said: Mapping[str, object], key: UUID) -> Deed:
    """Open an incident in a person's name.

    Raises:
        DraftRefusedError: `errors` says what is wrong, by field.
        TooOftenError: he files more than a person does.
    """
    values, faults = read_all(INCIDENT, said)
    if faults:
        raise DraftRefusedError("Some fields need a change.", faults)
    bounds.mind(bounds.FILE, visitor.person)
    _, impact, urgency = HINDERS[str(values["hinders"])]
    draft = TicketDraft(
        ticket_class="incident",
        title=str(values["title"]),
        description=str(values.get("description") or ""),
        impact=impact,
        urgency=urgency,
        author=visitor.person,
        author_kind="person",
        detected_at=timezone.now(),
        tainted=True,
    )
    return tickets.open_by_person(key=own(visitor, key), draft=draft, vouched=visitor.vouched)


def file_request(visitor: Visitor, model: str, answers: Mapping[str, object], key: UUID) -> Deed:
    """Request an item of the service catalogue in a person's name.

    Raises:
        UnknownModelError: the catalogue has no such item.
        DraftRefusedError: `errors` says what is wrong, by field.
        TooOftenError: he files more than a person does.
    """
    draft = filing.request(visitor.person, model, answers)
    bounds.mind(bounds.FILE, visitor.person)
    return tickets.open_by_person(key=own(visitor, key), draft=draft, vouched=visitor.vouched)


def answer(visitor: Visitor, ref: str, text: str, key: UUID) -> Deed:
    """Say something in a ticket, for everybody who may see it."""
    bounds.mind(bounds.ACT, visitor.person)
    return answers.answer(key=own(visitor, key), ref=ref, person=visitor.person, text=text)


def say_word(visitor: Visitor, ref: str, n: int, word: str, key: UUID) -> Deed:
    """Answer what an agent asks about a ticket, with one of its words, as its requester."""
    bounds.mind(bounds.ACT, visitor.person)
    return tickets.answer_by_person(
        key=own(visitor, key),
        ref=ref,
        n=n,
        word=word,
        person=visitor.person,
        vouched=visitor.vouched,
    )


def move(
    visitor: Visitor,
    ref: str,
    stimulus: str,
    fields: TicketFields,
    note: str,
    key: UUID,
    code: str = "",
) -> Deed:
    """Move a ticket as its requester or approver; an approver of the desk gives his `code`."""
    bounds.mind(bounds.ACT, visitor.person)
    return tickets.move_by_person(
        key=own(visitor, key),
        ref=ref,
        person=visitor.person,
        stimulus=stimulus,
        fields=fields,
        vouched=visitor.vouched,
        text=note,
        tainted=True,
        code=code,
    )


def own(visitor: Visitor, key: UUID) -> UUID:
    """Return a form's key as this person's own: nobody meets another's deed by its key."""
    return uuid5(NAMESPACE, f"{visitor.person}:{key}")
