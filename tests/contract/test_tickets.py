"""The tickets contract, held by every adapter."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections, transaction
from django.db.utils import ProgrammingError

from adapters.tickets.errors import (
    CauseTakenError,
    DraftRefusedError,
    FieldMissingError,
    KeyReusedError,
    MoveRefusedError,
    TicketNotFoundError,
)
from adapters.tickets.port import Deed, Note, Reader, TicketDraft, Writer


@dataclass
class Desk:
    """One adapter under test."""

    reader: Reader
    writer: Writer

    def open(self, draft: TicketDraft) -> str:
        return self.writer.open(uuid4(), draft).ref

    def move(self, ref: str, stimulus: str, **fields: object) -> Deed:
        return self.writer.move(uuid4(), ref, stimulus, fields, RULE_NOTE)  # type: ignore[arg-type]


@pytest.fixture
def desk(tickets: ModuleType) -> Desk:
    return Desk(tickets.Reader(), tickets.Writer())


AT = datetime(2026, 1, 1, tzinfo=UTC)
RULE_NOTE = Note("", "intake", "rule")
RULE_LINE = Note("still so", "intake", "rule")
DRAFT = TicketDraft(
    ticket_class="incident",
    title="Shop is down",
    description="Accepts connections, answers nothing.",
    impact=1,
    urgency=2,
    author="intake",
    author_kind="rule",
    ci_refs=("shop", "lb"),
    cause_key="ShopDown/shop",
    first_bad_at=AT,
    detected_at=AT,
)
CHANGE = replace(
    DRAFT, ticket_class="change", cause_key=None, author="executor", author_kind="executor"
)
EXECUTOR_NOTE = Note("", "executor", "executor")
db = pytest.mark.django_db


@db
def test_an_opened_ticket_reads_back(desk: Desk) -> None:
    deed = desk.writer.open(uuid4(), DRAFT)
    ticket = desk.reader.get(deed.ref)
    assert (deed.outcome, deed.state, deed.repeated) == ("opened", "new", False)
    assert (ticket.title, ticket.priority, ticket.ci_refs) == (DRAFT.title, "P2", ("shop", "lb"))
    assert (ticket.first_bad_at, ticket.detected_at) == (AT, AT)
    assert (ticket.state, ticket.repeats, ticket.assigned_at) == ("new", 0, None)


@db
def test_each_class_counts_its_own_refs(desk: Desk) -> None:
    first, second = desk.open(DRAFT), desk.open(replace(DRAFT, cause_key="other"))
    assert first.startswith("INC-")
    assert int(second[4:]) == int(first[4:]) + 1
    assert desk.open(CHANGE).startswith("CHG-")


@db
def test_a_repeated_key_opens_nothing_and_returns_the_first_deed(desk: Desk) -> None:
    key = uuid4()
    first = desk.writer.open(key, CHANGE)
    again = desk.writer.open(key, CHANGE)
    assert again == replace(first, repeated=True)
    assert len(desk.reader.open_tickets()) == 1


@db
def test_find_tells_what_a_key_did(desk: Desk) -> None:
    key = uuid4()
    assert desk.writer.find(key) is None
    deed = desk.writer.open(key, DRAFT)
    assert desk.writer.find(key) == deed


@db
def test_the_same_cause_folds_into_the_open_incident(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    deed = desk.writer.open(uuid4(), replace(DRAFT, title="again"))
    assert (deed.outcome, deed.ref) == ("folded_into", ref)
    ticket = desk.reader.get(ref)
    assert (ticket.repeats, ticket.title) == (1, DRAFT.title)


@db
def test_a_repeated_fold_is_counted_once(desk: Desk) -> None:
    ref, key = desk.open(DRAFT), uuid4()
    assert [desk.writer.open(key, DRAFT).repeated for _ in range(2)] == [False, True]
    assert desk.reader.get(ref).repeats == 1


@db
def test_a_cause_is_free_again_after_its_incident_is_resolved(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    desk.move(ref, "ev_resolve", solution="restarted")
    assert desk.reader.find_open_by_cause("ShopDown/shop") is None
    assert desk.open(DRAFT) != ref


@db
def test_find_open_by_cause(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    found = desk.reader.find_open_by_cause("ShopDown/shop")
    assert found is not None
    assert found.ref == ref


@db
def test_an_incident_is_not_reopened_beside_another_of_its_cause(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    desk.move(ref, "ev_resolve", solution="restarted")
    desk.open(DRAFT)
    with pytest.raises(CauseTakenError):
        desk.move(ref, "ev_reopen")
    assert desk.reader.get(ref).state == "resolved"


@db
def test_lines_are_numbered_in_the_order_written(desk: Desk) -> None:
    ref, action = desk.open(DRAFT), uuid4()
    note = Note("hello", "triage", "agent", "private", action, tainted=True)
    assert desk.writer.comment(uuid4(), ref, note).line == 2
    first, second = desk.reader.worklog(ref)
    assert (first.n, first.text) == (1, "Opened as P2.")
    assert (second.text, second.author, second.visibility) == ("hello", "triage", "private")
    assert (second.action_id, second.tainted) == (action, True)


@db
def test_a_repeated_comment_writes_one_line(desk: Desk) -> None:
    ref, key = desk.open(DRAFT), uuid4()
    for _ in range(3):
        desk.writer.comment(key, ref, Note("once", "triage", "agent"))
    assert [line.text for line in desk.reader.worklog(ref)].count("once") == 1


@db
def test_a_move_sets_state_fields_times_and_a_line(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    deed = desk.move(ref, "ev_assign", team="responders", urgency=1)
    ticket = desk.reader.get(ref)
    assert (deed.state, ticket.state, ticket.team) == ("assigned", "assigned", "responders")
    assert ticket.priority == "P1"
    assert ticket.assigned_at is not None
    assert desk.reader.worklog(ref)[-1].text == "Moved from new to assigned."


@db
def test_the_history_is_every_state_it_came_into(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    desk.writer.open(uuid4(), DRAFT)
    desk.move(ref, "ev_assign", team="responders")
    desk.writer.comment(uuid4(), ref, RULE_LINE)
    desk.move(ref, "ev_assign", team="people")
    desk.move(ref, "ev_resolve", solution="restarted")
    history = desk.reader.history(ref)
    assert [passage.state for passage in history] == ["new", "assigned", "assigned", "resolved"]
    assert [passage.at for passage in history] == sorted({passage.at for passage in history})
    assert history[1].at >= desk.reader.get(ref).opened_at
    assert desk.reader.history("INC-99999") == ()


@db
def test_a_repeated_move_moves_once(desk: Desk) -> None:
    ref, key = desk.open(CHANGE), uuid4()
    deeds = [desk.writer.move(key, ref, "ev_implement", {}, EXECUTOR_NOTE) for _ in range(2)]
    assert [(deed.state, deed.repeated) for deed in deeds] == [
        ("implementing", False),
        ("implementing", True),
    ]
    assert len(desk.reader.worklog(ref)) == 2


@db
def test_times_of_resolving_reopening_and_closing(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    desk.move(ref, "ev_resolve", solution="restarted")
    assert desk.reader.get(ref).resolved_at is not None
    desk.move(ref, "ev_reopen")
    assert desk.reader.get(ref).resolved_at is None
    desk.move(ref, "ev_resolve")
    desk.move(ref, "ev_close")
    ticket = desk.reader.get(ref)
    assert ticket.closed_at is not None
    assert ticket.resolved_at is not None


@db
@pytest.mark.parametrize(
    ("stimulus", "error"),
    [
        ("ev_close", MoveRefusedError),
        ("ev_nonsense", MoveRefusedError),
        ("ev_assign", FieldMissingError),
        ("ev_resolve", FieldMissingError),
    ],
)
def test_a_refused_move_changes_nothing(desk: Desk, stimulus: str, error: type[Exception]) -> None:
    ref, key = desk.open(DRAFT), uuid4()
    before = desk.reader.get(ref)
    with pytest.raises(error):
        desk.writer.move(key, ref, stimulus, {}, RULE_NOTE)
    assert desk.reader.get(ref) == before
    assert desk.writer.find(key) is None


@db
def test_an_unknown_ref_is_an_error(desk: Desk) -> None:
    for ref in ("INC-99999", "INC-\x00", ""):
        with pytest.raises(TicketNotFoundError):
            desk.reader.get(ref)
    with pytest.raises(TicketNotFoundError):
        desk.writer.comment(uuid4(), "INC-99999", Note("x", "a", "agent"))
    with pytest.raises(TicketNotFoundError):
        desk.open(replace(CHANGE, parent_ref="INC-99999"))


@db
def test_a_key_serves_one_verb_on_one_ticket(desk: Desk) -> None:
    key = uuid4()
    ref = desk.writer.open(key, DRAFT).ref
    with pytest.raises(KeyReusedError):
        desk.writer.comment(key, ref, Note("x", "a", "agent"))
    other, note_key = desk.open(CHANGE), uuid4()
    desk.writer.comment(note_key, ref, Note("x", "a", "agent"))
    with pytest.raises(KeyReusedError):
        desk.writer.comment(note_key, other, Note("x", "a", "agent"))


@db
@pytest.mark.parametrize(
    "draft",
    [
        replace(DRAFT, impact=0),
        replace(DRAFT, urgency=4),
        replace(DRAFT, title=" \x00 "),
        replace(DRAFT, cause_key="x" * 201),
        replace(DRAFT, cause_key="\x00"),
    ],
    ids=["impact", "urgency", "title", "long-cause", "unfit-cause"],
)
def test_a_draft_off_the_scale_is_refused(desk: Desk, draft: TicketDraft) -> None:
    with pytest.raises(DraftRefusedError):
        desk.open(draft)


@db
def test_hostile_text_is_stored_clean(desk: Desk) -> None:
    ref = desk.open(replace(DRAFT, title="a\x00b\x1b[2Jc", description="d\x00\ud800" * 50_000))
    ticket = desk.reader.get(ref)
    assert ticket.title == "abc"
    assert len(ticket.description) <= 20_000


@db
def test_an_empty_comment_is_refused(desk: Desk) -> None:
    with pytest.raises(DraftRefusedError):
        desk.writer.comment(uuid4(), desk.open(DRAFT), Note("\x00", "a", "agent"))


@db
def test_children_and_tickets_of_a_ci(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    child = desk.open(replace(CHANGE, parent_ref=ref, ci_refs=("shop",)))
    assert [ticket.ref for ticket in desk.reader.children(ref)] == [child]
    assert {ticket.ref for ticket in desk.reader.for_ci("shop")} == {ref, child}
    desk.move(ref, "ev_resolve", solution="s")
    assert [ticket.ref for ticket in desk.reader.for_ci("shop")] == [child]
    assert len(desk.reader.for_ci("shop", open_only=False)) == 2


@db
def test_resolved_before_finds_what_waits_to_be_closed(desk: Desk) -> None:
    ref = desk.open(DRAFT)
    desk.open(replace(DRAFT, cause_key="still open"))
    desk.move(ref, "ev_resolve", solution="restarted")
    resolved_at = desk.reader.get(ref).resolved_at
    assert resolved_at is not None
    assert desk.reader.resolved_before(resolved_at) == ()
    found = desk.reader.resolved_before(resolved_at + timedelta(seconds=1))
    assert [ticket.ref for ticket in found] == [ref]


@db
def test_the_most_urgent_open_ticket_comes_first(desk: Desk) -> None:
    low = desk.open(replace(DRAFT, impact=3, urgency=3, cause_key="low"))
    high = desk.open(replace(DRAFT, impact=1, urgency=1, cause_key="high"))
    desk.open(CHANGE)
    assert [t.ref for t in desk.reader.open_tickets(ticket_class="incident")] == [high, low]


@db
def test_an_effect_that_is_rolled_back_leaves_no_deed(desk: Desk) -> None:
    key = uuid4()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        desk.writer.open(key, DRAFT)
        raise ZeroDivisionError
    assert desk.writer.find(key) is None


def at_once(act: Callable[[UUID], Deed], keys: list[UUID]) -> list[Deed]:
    def alone(key: UUID) -> Deed:
        try:
            return act(key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(alone, keys))


def test_one_cause_opened_by_many_at_once_is_one_incident(clean_db: None, desk: Desk) -> None:
    deeds = at_once(lambda key: desk.writer.open(key, DRAFT), [uuid4() for _ in range(24)])
    assert len({deed.ref for deed in deeds}) == 1
    assert [deed.outcome for deed in deeds].count("opened") == 1
    assert desk.reader.get(deeds[0].ref).repeats == 23


def test_one_key_used_by_many_at_once_acts_once(clean_db: None, desk: Desk) -> None:
    ref, key = desk.open(DRAFT), uuid4()
    note = Note("once", "executor", "executor")
    deeds = at_once(lambda used: desk.writer.comment(used, ref, note), [key] * 16)
    assert [deed.repeated for deed in deeds].count(False) == 1
    assert len(desk.reader.worklog(ref)) == 2


def test_an_agent_reads_and_cannot_write(become: Callable[[str], None], desk: Desk) -> None:
    ref = desk.open(DRAFT)
    become("agent")
    assert desk.reader.get(ref).ref == ref
    assert desk.reader.worklog(ref)
    assert desk.reader.history(ref)
    with pytest.raises(ProgrammingError, match="permission denied"):
        desk.writer.open(uuid4(), DRAFT)


def test_the_executor_writes(become: Callable[[str], None], desk: Desk) -> None:
    become("executor")
    ref = desk.open(DRAFT)
    assert desk.move(ref, "ev_assign", team="responders").state == "assigned"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets_logline SET text = 'never said'",
        "DELETE FROM tickets_logline",
        "TRUNCATE tickets_logline",
        "UPDATE tickets_deed SET outcome = 'opened'",
        "DELETE FROM tickets_deed",
    ],
)
def test_nobody_rewrites_a_worklog(
    desk: Desk, role: Callable[[str], psycopg.Connection], statement: str
) -> None:
    desk.open(DRAFT)
    for name in ("owner", "app", "executor"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role(name).execute(statement)


def test_a_ticket_is_never_deleted(desk: Desk, role: Callable[[str], psycopg.Connection]) -> None:
    desk.open(DRAFT)
    for name in ("app", "executor"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role(name).execute("DELETE FROM tickets_ticket")
