"""What requesters do, each act in a person's name and on record; nobody acts as the desk here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from adapters.tickets.beside import File
from adapters.tickets.errors import DraftRefusedError, FileRefusedError
from adapters.tickets.fields import Field, read_all
from adapters.tickets.port import Deed, TicketDraft, TicketFields
from ethops.desk import answers, filing
from ethops.executor import tickets
from ethops.portal import bounds
from ethops.portal.files import FIELD
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


def incident(visitor: Visitor, said: Mapping[str, object]) -> TicketDraft:
    """Return an incident in a person's name.

    Raises:
        DraftRefusedError: `errors` says what is wrong, by field.
    """
    values, faults = read_all(INCIDENT, said)
    if faults:
        raise DraftRefusedError("Some fields need a change.", faults)
    _, impact, urgency = HINDERS[str(values["hinders"])]
    return TicketDraft(
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


def request(visitor: Visitor, model: str, said: Mapping[str, object]) -> TicketDraft:
    """Return a request for an item of the service catalogue in a person's name.

    Raises:
        UnknownModelError: the catalogue has no such item.
        DraftRefusedError: `errors` says what is wrong, by field.
    """
    return filing.request(visitor.person, model, said)


def file(visitor: Visitor, draft: TicketDraft, key: UUID, attached: Sequence[File] = ()) -> Deed:
    """Open a ticket in a person's name with what he attaches: all of it, or nothing.

    Raises:
        DraftRefusedError: `errors` says what is wrong, by field.
        TooOftenError: he files more than a person does.
    """
    bounds.mind(bounds.FILE, visitor.person)
    _mind_files(visitor, attached)
    mine = own(visitor, key)
    with transaction.atomic(), _beside_its_field():
        deed = tickets.open_by_person(key=mine, draft=draft, vouched=visitor.vouched)
        answers.attach(key=mine, ref=deed.ref, person=visitor.person, files=attached)
    return deed


def answer(visitor: Visitor, ref: str, text: str, key: UUID, attached: Sequence[File] = ()) -> Deed:
    """Say something in a ticket, for everybody who may see it, and attach what belongs to it.

    Raises:
        DraftRefusedError: `errors` says what is wrong, by field.
        TooOftenError: he says more than a person does.
    """
    bounds.mind(bounds.ACT, visitor.person)
    _mind_files(visitor, attached)
    with _beside_its_field():
        return answers.answer(
            key=own(visitor, key), ref=ref, person=visitor.person, text=text, files=attached
        )


def _mind_files(visitor: Visitor, attached: Sequence[File]) -> None:
    for _ in attached:
        bounds.mind(bounds.ATTACH, visitor.person)


@contextmanager
def _beside_its_field() -> Iterator[None]:
    """Say what is wrong with a file where the files of the form are chosen."""
    try:
        yield
    except FileRefusedError as fault:
        raise DraftRefusedError(str(fault), {FIELD: f"{fault} {fault.hint}"}) from fault


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
