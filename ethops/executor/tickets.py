"""The door by which rules and people write tickets: no gate, same writer, same ledger."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.db import transaction

from adapters.registry import writer
from adapters.tickets import majors, questions
from adapters.tickets.beside import File, Question, Visibility, Watcher
from adapters.tickets.deeds import locked
from adapters.tickets.errors import TicketError
from adapters.tickets.models import Question as QuestionRow
from adapters.tickets.port import (
    NOTHING,
    AuthorKind,
    Claimed,
    Deed,
    Link,
    Note,
    TicketDraft,
    TicketFields,
    Vouched,
)
from audit.canonical import JSON
from audit.ledger import pending
from audit.work import rows
from ethops.executor import decisions
from ethops.sla import projection
from personas import gate

ENDS_RUNS: Final = frozenset({"ev_resolve", "ev_close", "ev_pending", "ev_cancel"})


@transaction.atomic
def open_incident(*, key: UUID, draft: TicketDraft, facts: Mapping[str, JSON]) -> Deed:
    """Open an incident, or fold the draft into the open one of its cause, on record.

    `facts` says why: the rule and what it read. A repeat of the key writes nothing.
    """
    return _opened(writer("tickets").open(key, draft), draft, facts)


@transaction.atomic
def open_problem(*, key: UUID, draft: TicketDraft, facts: Mapping[str, JSON]) -> Deed:
    """Open a problem as a rule says, on record; a repeat of the key writes nothing."""
    return _opened(writer("tickets").open(key, draft), draft, {**_class_facts(draft), **facts})


@transaction.atomic
def open_by_person(*, key: UUID, draft: TicketDraft, vouched: Vouched) -> Deed:
    """Open a ticket of any class in a person's name, on record; the dispatcher looks at it."""
    deed = _opened(writer("tickets").open(key, draft, vouched), draft, _class_facts(draft))
    _tell_dispatcher(deed, f"{draft.author}: opened")
    return deed


def _opened(deed: Deed, draft: TicketDraft, facts: Mapping[str, JSON]) -> Deed:
    projection.follow(deed.ref)
    body: dict[str, JSON] = {
        "outcome": deed.outcome,
        "title": draft.title,
        "impact": draft.impact,
        "urgency": draft.urgency,
        "cis": list(draft.ci_refs),
        "cause": draft.cause_key,
    }
    _record("ticket.opened", deed, draft.author, draft.author_kind, {**body, **facts})
    return deed


def _class_facts(draft: TicketDraft) -> dict[str, JSON]:
    """Return what of a draft only its class has, for the record; prose stays in the ticket."""
    facts: dict[str, JSON] = {"class": draft.ticket_class, "requester": draft.requester}
    if draft.change is not None:
        facts["change_type"] = draft.change.change_type
    if draft.request is not None:
        facts["model"] = draft.request.model
    if draft.incidents:
        facts["incidents"] = list(draft.incidents)
    return facts


@transaction.atomic
def comment_by_person(
    *,
    key: UUID,
    ref: str,
    person: str,
    text: str,
    visibility: Visibility = "public",
    tainted: bool = False,
    vouched: Vouched = NOTHING,
) -> Deed:
    """Append a person's line, on record; `tainted` where he is none of the desk.

    A line that was written at the desk and says `Q1: yes` answers that question; what answers
    nothing that is open is a line like any other.
    """
    note = _said_by(person, text, visibility, tainted=tainted)
    deed = writer("tickets").comment(key, ref, note)
    _record("ticket.commented", deed, person, "person", {"visibility": visibility})
    # Text from outside has an author by its own word alone: a mail answers nothing.
    for n, word in questions.said_in(text) if not (deed.repeated or tainted) else ():
        with suppress(TicketError):
            _note_answer(deed, questions.settle(locked(ref), n, word, note, vouched))
    return deed


@transaction.atomic
def answer_by_person(
    *, key: UUID, ref: str, n: int, word: str, person: str, vouched: Vouched
) -> Deed:
    """Answer a question of an agent in a person's name, on record; the dispatcher goes on."""
    note = _said_by(person, "", "public")
    deed = questions.answer(key=key, ref=ref, n=n, word=word, note=note, vouched=vouched)
    if not deed.repeated:
        found = next(one for one in questions.of_ticket(ref) if one.n == n)
        _note_answer(deed, found)
    return deed


def _note_answer(deed: Deed, found: Question | QuestionRow) -> None:
    body: dict[str, JSON] = {"question": found.n, "name": found.name, "answer": found.answer}
    _record("ticket.answered", deed, found.answered_by, "person", body)
    _tell_dispatcher(deed, f"{found.answered_by}: answered Q{found.n}")


@transaction.atomic
def withdraw_questions(*, ref: str, rule: str, text: str, key: UUID) -> int:
    """Say as a rule that nobody needs the answers any more, and why; returns how many."""
    gone = questions.withdraw(ref)
    if gone:
        deed = comment_by_rule(key=key, ref=ref, rule=rule, text=text, tainted=False)
        _tell_dispatcher(deed, f"{rule}: nobody answered")
    return gone


@transaction.atomic
def comment_by_rule(*, key: UUID, ref: str, rule: str, text: str, tainted: bool) -> Deed:
    """Append a rule's private line, on record; `tainted` where it repeats text from outside."""
    note = Note(text=text, author=rule, author_kind="rule", visibility="private", tainted=tainted)
    deed = writer("tickets").comment(key, ref, note)
    _record("ticket.commented", deed, rule, "rule", {"visibility": "private"})
    return deed


def move_by_person(
    *,
    key: UUID,
    ref: str,
    person: str,
    stimulus: str,
    fields: TicketFields,
    vouched: Vouched,
    text: str = "",
    tainted: bool = False,
    code: str = "",
) -> Deed:
    """Move a ticket at a person's word, on record; agents let go of what a person takes or ends.

    Whoever approves as an approver of the desk gives the `code` of his second factor. The
    dispatcher looks at the ticket afterwards, so that one handed back is not forgotten.

    Raises:
        ApprovalRefusedError: the code was not taken; a wrong one stays counted.
    """
    note = _said_by(person, text, "public", tainted=tainted)
    with transaction.atomic():
        taken = decisions.taken(
            key=key, ref=ref, person=person, stimulus=stimulus, vouched=vouched, code=code
        )
        if taken.refused is None:
            deed = writer("tickets").move(key, ref, stimulus, fields, note, vouched)
            _moved(deed, person, stimulus, fields, taken.factor)
            return deed
    # Whoever could not make this move at all is told that, and of no code.
    decisions.mind_the_table(ref, stimulus, person, vouched)
    raise taken.refused


@transaction.atomic
def claim_by_person(
    *,
    key: UUID,
    ref: str,
    person: str,
    team: str,
    instead_of: str,
    vouched: Vouched,
    text: str = "",
) -> Claimed:
    """Give a ticket to the person who claims it, on record, where nobody was quicker."""
    note = _said_by(person, text, "public")
    claimed = writer("tickets").claim(key, ref, team, note, vouched, instead_of=instead_of)
    if claimed.deed is not None:
        fields: TicketFields = {"team": team, "assignee": claimed.holder}
        _moved(claimed.deed, person, "ev_assign", fields, "")
    return claimed


def _moved(deed: Deed, person: str, stimulus: str, fields: TicketFields, factor: str) -> None:
    projection.follow(deed.ref)
    body: dict[str, JSON] = {"stimulus": stimulus, "state": deed.state, "fields": [*fields]}
    _record("ticket.moved", deed, person, "person", body | ({"factor": factor} if factor else {}))
    if fields.get("assignee") or stimulus in ENDS_RUNS:
        questions.withdraw(deed.ref)
        gate.take_over(ticket_ref=deed.ref, person=person, why=stimulus)
    _tell_dispatcher(deed, f"{person}: {stimulus}")


@transaction.atomic
def link_by_person(*, key: UUID, link: Link, person: str, vouched: Vouched) -> Deed:
    """Link two tickets in a person's name, on record."""
    deed = writer("tickets").link(key, link, _said_by(person, "", "public"), vouched)
    _record("ticket.linked", deed, person, "person", {"kind": link.kind, "other": link.other})
    return deed


@transaction.atomic
def link_by_rule(*, key: UUID, link: Link, rule: str) -> Deed:
    """Link two tickets as a rule says, on record."""
    deed = writer("tickets").link(key, link, Note("", rule, "rule"))
    _record("ticket.linked", deed, rule, "rule", {"kind": link.kind, "other": link.other})
    return deed


@transaction.atomic
def adopt_by_rule(*, key: UUID, ref: str, parent: str, rule: str, text: str = "") -> Deed:
    """Put an incident under a greater one as a rule says, on record."""
    deed = writer("tickets").adopt(key, ref, parent, Note(text, rule, "rule"))
    _record("ticket.adopted", deed, rule, "rule", {"parent": parent})
    return deed


@transaction.atomic
def adopt_by_person(
    *, key: UUID, ref: str, parent: str, person: str, vouched: Vouched, text: str = ""
) -> Deed:
    """Put an incident under a greater one in a person's name, on record."""
    deed = writer("tickets").adopt(key, ref, parent, _said_by(person, text, "public"), vouched)
    _record("ticket.adopted", deed, person, "person", {"parent": parent})
    return deed


@transaction.atomic
def retitle_by_rule(*, key: UUID, ref: str, title: str, rule: str, text: str) -> Deed:
    """Call a ticket something else as a rule says, on record; both titles are text from outside."""
    deed = writer("tickets").retitle(key, ref, title, Note(text, rule, "rule", tainted=True))
    _record("ticket.retitled", deed, rule, "rule", {"title": title})
    return deed


@transaction.atomic
def finish_step(
    *, key: UUID, ref: str, n: int, person: str, vouched: Vouched, text: str = ""
) -> Deed:
    """Say in a person's name that a step of a request is done, on record."""
    note = _said_by(person, text, "public")
    deed = writer("tickets").finish_step(key, ref, n, note, vouched)
    _record("ticket.step_done", deed, person, "person", {"step": n})
    return deed


@transaction.atomic
def move_by_rule(
    *,
    key: UUID,
    ref: str,
    rule: str,
    stimulus: str,
    fields: TicketFields,
    text: str = "",
    came_back: tuple[str, ...] | None = None,
    holder: str | None = None,
) -> Deed:
    """Move a ticket as a rule says, on record; `came_back` is what it found of a problem.

    Raises:
        HeldError: `holder` had it when the rule looked, and has it no more.
    """
    note = Note(text=text, author=rule, author_kind="rule")
    vouched = Vouched(came_back=came_back, holder=holder)
    deed = writer("tickets").move(key, ref, stimulus, fields, note, vouched)
    projection.follow(ref)
    body: dict[str, JSON] = {"stimulus": stimulus, "state": deed.state, "fields": [*fields]}
    _record("ticket.moved", deed, rule, "rule", body)
    return deed


@transaction.atomic
def declare_major(
    *,
    key: UUID,
    ref: str,
    criteria: tuple[str, ...],
    update_minutes: int,
    lead: str,
    note: Note,
    vouched: Vouched = NOTHING,
) -> Deed:
    """Declare a major incident at the word of the note's author, on record.

    What agents were permitted there and only looks stays; all else is void with the next sweep.
    """
    deed = majors.declare(
        key=key,
        ref=ref,
        criteria=criteria,
        update_minutes=update_minutes,
        lead=lead,
        note=note,
        vouched=vouched,
    )
    body: dict[str, JSON] = {"criteria": list(criteria), "lead": lead}
    _record("ticket.major_declared", deed, note.author, note.author_kind, body)
    return deed


@transaction.atomic
def lead_major(*, key: UUID, ref: str, lead: str, person: str, vouched: Vouched) -> Deed:
    """Have a person lead a major incident, on record."""
    note = _said_by(person, "", "public")
    deed = majors.lead(key=key, ref=ref, lead=lead, note=note, vouched=vouched)
    _record("ticket.major_led", deed, person, "person", {"lead": lead})
    return deed


@transaction.atomic
def end_major(*, key: UUID, ref: str, person: str, vouched: Vouched) -> Deed:
    """Say in a person's name that it is a major incident no more, on record."""
    note = _said_by(person, "", "public")
    deed = majors.end(key=key, ref=ref, note=note, vouched=vouched)
    _record("ticket.major_ended", deed, person, "person", {})
    _tell_dispatcher(deed, f"{person}: no major incident any more")
    return deed


@transaction.atomic
def attach(*, key: UUID, ref: str, file: File, note: Note, vouched: Vouched = NOTHING) -> Deed:
    """Keep a file with a ticket in the name of the note's author, on record by its digest."""
    deed = writer("tickets").attach(key, ref, file, note, vouched)
    digest = hashlib.sha256(file.content).hexdigest()
    body: dict[str, JSON] = {"file_sha256": digest, "bytes": len(file.content)}
    _record("ticket.attached", deed, note.author, note.author_kind, body)
    return deed


@transaction.atomic
def watch(*, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
    """Have somebody told of what happens to a ticket, at the word of the note's author, on record.

    Addresses of mail are on record by their digest.
    """
    deed = writer("tickets").watch(key, watcher, note, vouched)
    body = {**_watches(watcher), "why": watcher.why}
    _record("ticket.watched", deed, note.author, note.author_kind, body)
    return deed


@transaction.atomic
def unwatch(*, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
    """Have somebody told no more, at the word of the note's author, on record."""
    deed = writer("tickets").unwatch(key, watcher, note, vouched)
    _record("ticket.unwatched", deed, note.author, note.author_kind, _watches(watcher))
    return deed


def _watches(watcher: Watcher) -> dict[str, JSON]:
    if watcher.person:
        return {"person": watcher.person}
    address = watcher.address.strip().lower().encode()
    return {"address_sha256": hashlib.sha256(address).hexdigest()}


def _tell_dispatcher(deed: Deed, why: str) -> None:
    rows.enqueue(
        kind="dispatch",
        subject=deed.ref,
        payload={"ticket": deed.ref, "why": why},
        dedup=f"moved:{deed.key}",
        priority=3,
    )


def _said_by(person: str, text: str, visibility: Visibility, *, tainted: bool = False) -> Note:
    return Note(
        text=text, author=person, author_kind="person", visibility=visibility, tainted=tainted
    )


def _record(
    kind: str, deed: Deed, author: str, author_kind: AuthorKind, body: Mapping[str, JSON]
) -> None:
    if deed.repeated:
        return
    pending.note(
        kind=kind,
        subject=deed.ref,
        ticket_ref=deed.ref,
        body={"author": author, "author_kind": author_kind, "line": deed.line, **body},
    )
