"""The four classes of tickets, held by every adapter: who may do what, and what each one needs."""

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import ModuleType
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.tickets import states
from adapters.tickets.errors import (
    CameBackError,
    DraftRefusedError,
    FieldMissingError,
    MoveRefusedError,
    NoCounterpartError,
    NotAllowedError,
    NotIndependentError,
    RecurrenceUnknownError,
    StepsOpenError,
    TicketError,
    TicketNotFoundError,
    TooLateError,
    UnknownModelError,
)
from adapters.tickets.itop.capabilities import LACKS, Lack
from adapters.tickets.port import (
    ANY_GROUP,
    NOTHING,
    Change,
    ChangeDraft,
    Deed,
    Link,
    Note,
    Problem,
    Reader,
    Request,
    RequestDraft,
    Role,
    TicketClass,
    TicketDraft,
    Vouched,
    Writer,
)
from tests.contract.conftest import EMBEDDED
from tests.doubles.itop.house import House

db = pytest.mark.django_db
AT = datetime(2026, 3, 2, 14, tzinfo=UTC)
OPERATOR = Vouched(frozenset[Role]({"operator"}))
APPROVER = Vouched(frozenset[Role]({"operator", "approver"}), frozenset({"research-leads"}))
MEMBER = Vouched(groups=frozenset({"research-leads"}))

FULL: dict[str, Any] = {
    "team": "people", "solution": "Done.", "pending_reason": "supplier", "workaround": "Restart.",
    "root_cause": "A leak.", "planned_start": AT, "planned_end": AT + timedelta(hours=1),
    "implementer": "ida", "backout": "Put it back.", "decision": "Because.",
}  # fmt: skip


@dataclass(frozen=True)
class Actor:
    """Somebody who gives a stimulus."""

    note: Note
    vouched: Vouched = NOTHING


def person(name: str, vouched: Vouched = NOTHING) -> Actor:
    return Actor(Note("", name, "person"), vouched)


RHEA = person("rhea")
OTTO = person("otto", OPERATOR)
ABE = person("abe", APPROVER)
RULE = Actor(Note("", "housekeeping", "rule"))
AGENT = Actor(Note("", "triage", "agent"))
EXECUTOR = Actor(Note("", "executor", "executor"))
MIGHTY = person(
    "rhea", Vouched(frozenset[Role]({"operator", "approver"}), frozenset({ANY_GROUP}), alone=True)
)
ACTORS: dict[Role, Actor] = {
    "requester": RHEA, "operator": OTTO, "approver": person("ama", MEMBER), "agent": AGENT,
    "rule": RULE, "executor": EXECUTOR,
}  # fmt: skip
"""One of each; the approver of changes is `ABE`, who is an operator too."""


@dataclass
class Desk:
    """One adapter under test."""

    reader: Reader
    writer: Writer
    lacks: frozenset[Lack]
    house: House | None

    def open(self, draft: TicketDraft, vouched: Vouched = OPERATOR) -> str:
        return self.writer.open(uuid4(), draft, vouched).ref

    def move(self, ref: str, stimulus: str, by: Actor, **fields: Any) -> Deed:
        return self.writer.move(uuid4(), ref, stimulus, cast("Any", fields), by.note, by.vouched)

    def walk(self, ref: str, *steps: tuple[str, Actor]) -> str:
        """Move on with every field that a move wants."""
        for stimulus, by in steps:
            ticket = self.reader.get(ref)
            move = (ticket.ticket_class, ticket.variant, ticket.state, stimulus)
            if move in self.lacks:
                pytest.skip(f"{' '.join(move)} has no counterpart there")
            there = states.moves(ticket.ticket_class, ticket.state, ticket.variant)[stimulus]
            self.move(ref, stimulus, by, **{name: FULL[name] for name in there.needs})
        return self.reader.get(ref).state

    def put(self, ref: str, state: str) -> None:
        """Put a ticket into a state past every verb, as only a test may."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tickets_ticket SET state = %s, resolved_at = now() WHERE ref = %s",
                [state, ref],
            )
            # What a request still waits for is no question of its table.
            cursor.execute("UPDATE tickets_requeststep SET done_at = now()")
        if self.house:
            self.house.put(ref, state)

    def problem(self, ref: str) -> Problem:
        return cast("Problem", self.reader.details(ref))

    def change(self, ref: str) -> Change:
        return cast("Change", self.reader.details(ref))

    def request(self, ref: str) -> Request:
        return cast("Request", self.reader.details(ref))


@pytest.fixture
def desk(tickets: ModuleType, request: pytest.FixtureRequest) -> Desk:
    own = tickets.__name__ == EMBEDDED
    house = None if own else request.getfixturevalue("house")
    return Desk(tickets.Reader(), tickets.Writer(), frozenset() if own else LACKS, house)


@pytest.fixture
def catalogue(role: Callable[[str], psycopg.Connection[Any]]) -> None:
    """A catalogue with one item that needs an approver, and one that needs none."""
    fields = [
        {"name": "hours", "label": "How many hours", "kind": "whole", "required": True,
         "least": 1, "most": 48},
        {"name": "begin", "label": "When it begins", "kind": "moment"},
        {"name": "card", "label": "Which card", "kind": "choice", "choices": [["a", "a"]]},
    ]  # fmt: skip
    for slug, title, asked, steps, approvers in (
        ("gpu-time", "Time on the GPU", fields, ["Reserve", "Tell"], "research-leads"),
        ("question", "A question", [], [], ""),
    ):
        role("owner").execute(
            "INSERT INTO tickets_requestmodel (slug, title, service, team, approver_role, impact,"
            " urgency, fields, steps) VALUES (%s, %s, 'gpu', 'people', %s, 3, 3, %s, %s)",
            [slug, title, approvers, json.dumps(asked), json.dumps(steps)],
        )


def incident(**more: Any) -> TicketDraft:
    return replace(
        TicketDraft("incident", "It hangs", "", 2, 2, "rhea", "person", requester="rhea"), **more
    )


def change(kind: Any = "normal", **more: Any) -> TicketDraft:
    said = ChangeDraft(kind, reason="It leaks.")
    return replace(incident(ticket_class="change", author="otto", change=said), **more)


def problem(**more: Any) -> TicketDraft:
    return replace(incident(ticket_class="problem", author="otto", requester=""), **more)


def request_for(model: str = "gpu-time", **answers: object) -> TicketDraft:
    given = answers or ({"hours": 3} if model == "gpu-time" else {})
    return incident(ticket_class="request", request=RequestDraft(model, given))


DRAFTS: dict[tuple[TicketClass, str], TicketDraft] = {
    ("incident", ""): incident(),
    ("problem", ""): problem(),
    ("change", "standard"): change("standard"),
    ("change", "normal"): change("normal"),
    ("change", "emergency"): change("emergency"),
    ("request", "plain"): request_for("question"),
    ("request", "with_approver"): request_for(),
}
KINDS = list(DRAFTS)


# ---------------------------------------------------------------- exactly the table


def actor_of(role: Role, ticket_class: TicketClass) -> Actor:
    """Somebody of this role alone; who approves changes needs no group."""
    if role == "approver" and ticket_class == "change":
        return person("abe", Vouched(frozenset[Role]({role})))
    return ACTORS[role]


@pytest.mark.parametrize(("ticket_class", "variant"), KINDS, ids=map("-".join, KINDS))
def test_every_state_stimulus_and_actor_is_exactly_the_table(
    desk: Desk, catalogue: None, ticket_class: TicketClass, variant: str
) -> None:
    ref = desk.open(DRAFTS[ticket_class, variant])
    looked = set()
    for state in states.states(ticket_class):
        there = states.moves(ticket_class, state, variant)
        with transaction.atomic():
            for stimulus in states.all_stimuli():
                desk.put(ref, state)
                if stimulus not in there:
                    # Who may do more than anybody: others are walked through in the unit test.
                    assert attempt(desk, ref, stimulus, MIGHTY, there) == MoveRefusedError
                    continue
                for role in ACTORS:
                    desk.put(ref, state)
                    found = attempt(desk, ref, stimulus, actor_of(role, ticket_class), there)
                    allowed = role in there[stimulus].by
                    lacking = (ticket_class, variant, state, stimulus) in desk.lacks
                    may = NoCounterpartError if lacking else there[stimulus].to
                    expected = may if allowed else NotAllowedError
                    assert found == expected, (state, stimulus, role)
                    looked.add((state, stimulus))
            transaction.set_rollback(True)
    assert len(looked) == sum(
        len(states.moves(ticket_class, state, variant)) for state in states.states(ticket_class)
    )


def attempt(
    desk: Desk, ref: str, stimulus: str, by: Actor, there: Mapping[str, states.Move]
) -> str | type[Exception]:
    """The state it came into, or what refused it; nothing of it stays."""
    given = {name: FULL[name] for name in there[stimulus].needs} if stimulus in there else {}
    vouched = replace(by.vouched, came_back=())
    undone = desk.house.undone() if desk.house else nullcontext()
    try:
        with undone, transaction.atomic():
            deed = desk.writer.move(uuid4(), ref, stimulus, cast("Any", given), by.note, vouched)
            transaction.set_rollback(True)
            return deed.state
    except TicketError as fault:
        return type(fault)


STIMULI = st.lists(
    st.tuples(st.sampled_from(states.all_stimuli()), st.sampled_from([*ACTORS.values(), ABE])),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kind=st.sampled_from(KINDS), given_stimuli=STIMULI)
def test_no_sequence_of_moves_leaves_the_table(
    desk: Desk, catalogue: None, kind: tuple[TicketClass, str], given_stimuli: list[Any]
) -> None:
    with transaction.atomic():
        ref = desk.open(DRAFTS[kind])
        for stimulus, by in given_stimuli:
            before = desk.reader.get(ref)
            there = states.moves(before.ticket_class, before.state, before.variant).get(stimulus)
            needs = {name: FULL[name] for name in there.needs} if there else {}
            try:
                deed = desk.move(ref, stimulus, by, **needs)
            except TicketError:
                assert desk.reader.get(ref) == before
            else:
                assert there is not None
                assert deed.state == there.to == desk.reader.get(ref).state
        told = desk.reader.history(ref)
        ticket = desk.reader.get(ref)
        assert told[0].state == states.INITIAL
        for earlier, later in pairwise(told):
            there = states.moves(kind[0], earlier.state, kind[1])[later.stimulus]
            assert there.to == later.state
        assert told[-1].state == ticket.state
        again = [one for one in told if (one.stimulus, one.state) == ("ev_reopen", "assigned")]
        assert ticket.reopens == len(again)
        transaction.set_rollback(True)


def test_who_may_open_a_ticket_of_each_class(desk: Desk, catalogue: None) -> None:
    found, table = set(), {(name, role) for name in states.FILERS for role in states.FILERS[name]}
    for (ticket_class, _), made in DRAFTS.items():
        for acting, by in ACTORS.items():
            draft = replace(
                made, author=by.note.author, author_kind=by.note.author_kind,
                requester="rhea" if acting == "requester" else "zoe",
            )  # fmt: skip
            try:
                desk.open(draft, by.vouched)
            except NotAllowedError:
                continue
            found.add((ticket_class, acting))
    assert found == table


# ---------------------------------------------------------------- ending and beginning again


@db
def test_a_requester_has_it_opened_again_within_the_window_and_that_is_counted(desk: Desk) -> None:
    ref = desk.open(incident())
    assert desk.walk(ref, ("ev_resolve", AGENT), ("ev_reopen", RHEA)) == "assigned"
    assert desk.walk(ref, ("ev_resolve", AGENT), ("ev_reopen", OTTO)) == "assigned"
    assert desk.reader.get(ref).reopens == 2


@db
def test_after_the_window_a_requester_opens_a_new_one_and_the_desk_still_may(desk: Desk) -> None:
    ref = desk.open(incident())
    desk.walk(ref, ("ev_resolve", AGENT))
    late = states.REOPEN_WITHIN + timedelta(seconds=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tickets_ticket SET resolved_at = now() - make_interval(secs => %s)",
            [late.total_seconds()],
        )
    with pytest.raises(TooLateError):
        desk.move(ref, "ev_reopen", RHEA)
    assert desk.move(ref, "ev_reopen", OTTO).state == "assigned"


@pytest.mark.parametrize("kind", [("request", "plain"), ("incident", "")], ids="-".join)
def test_what_its_requester_leaves_alone_waits_for_a_rule_to_close_it(
    desk: Desk, catalogue: None, kind: tuple[TicketClass, str]
) -> None:
    ref = desk.open(DRAFTS.get(kind, incident()))
    desk.put(ref, "resolved")
    resolved_at = desk.reader.get(ref).resolved_at
    assert resolved_at is not None
    found = desk.reader.resolved_before(resolved_at + timedelta(seconds=1))
    assert [ticket.ref for ticket in found] == [ref]
    assert desk.move(ref, "ev_close", RULE).state == "closed"


@db
def test_nobody_is_the_requester_of_an_alert(desk: Desk) -> None:
    ref = desk.open(incident(author="intake", author_kind="rule", requester=""))
    desk.walk(ref, ("ev_resolve", AGENT))
    for by in (RHEA, OTTO, person("")):
        with pytest.raises(NotAllowedError):
            desk.move(ref, "ev_close", by)
    assert desk.move(ref, "ev_close", RULE).state == "closed"


@db
def test_an_operator_who_asked_closes_it_as_the_requester(desk: Desk) -> None:
    ref = desk.open(incident(author="otto", requester="otto"))
    assert desk.walk(ref, ("ev_resolve", AGENT), ("ev_close", OTTO)) == "closed"


@db
def test_a_reason_to_wait_goes_when_the_waiting_ends(desk: Desk) -> None:
    ref = desk.open(incident())
    desk.walk(ref, ("ev_assign", OTTO), ("ev_pending", OTTO))
    waits = desk.reader.get(ref).pending_reason
    desk.walk(ref, ("ev_assign", OTTO))
    assert (waits, desk.reader.get(ref).pending_reason) == ("supplier", "")


# ---------------------------------------------------------------- fields


@db
def test_everything_that_is_wrong_is_said_at_once_beside_its_field(desk: Desk) -> None:
    ref = desk.open(incident())
    with pytest.raises(DraftRefusedError) as caught:
        desk.move(ref, "ev_assign", OTTO, team="Not A Team", impact=7, colour="red")
    assert set(caught.value.errors) == {"team", "impact", "colour"}
    assert desk.reader.get(ref).state == "new"


@db
def test_a_move_sets_no_field_that_it_does_not_take(desk: Desk) -> None:
    ref = desk.open(incident())
    desk.walk(ref, ("ev_resolve", AGENT))
    with pytest.raises(DraftRefusedError):
        desk.move(ref, "ev_reopen", RHEA, impact=1, team="mine")
    assert desk.reader.get(ref).priority == "P3"


@db
def test_what_a_move_needs_is_named(desk: Desk) -> None:
    ref = desk.open(change("emergency"))
    desk.walk(ref, ("ev_assign", OTTO))
    with pytest.raises(FieldMissingError) as caught:
        desk.move(ref, "ev_plan", OTTO)
    assert set(caught.value.errors) == {"planned_start", "planned_end", "implementer", "backout"}


@db
def test_a_change_is_not_over_before_it_begins(desk: Desk) -> None:
    ref = desk.open(change("emergency"))
    desk.walk(ref, ("ev_assign", OTTO))
    window = {"planned_start": AT, "planned_end": AT - timedelta(hours=1)}
    with pytest.raises(DraftRefusedError) as caught:
        desk.move(ref, "ev_plan", OTTO, **{**FULL_PLAN, **window})
    assert set(caught.value.errors) == {"planned_end"}


FULL_PLAN = {
    name: FULL[name] for name in ("planned_start", "planned_end", "implementer", "backout")
}


# ---------------------------------------------------------------- changes


@db
def test_a_normal_change_goes_its_whole_way(desk: Desk) -> None:
    ref = desk.open(change("normal"))
    way = desk.walk(
        ref, ("ev_validate", OTTO), ("ev_assign", OTTO), ("ev_plan", OTTO), ("ev_approve", ABE),
        ("ev_implement", OTTO), ("ev_finish", OTTO), ("ev_monitor", RULE), ("ev_close", OTTO),
    )  # fmt: skip
    found = desk.change(ref)
    assert (way, found.outcome, found.decided_by) == ("closed", "successful", "abe")
    assert (found.implementer, found.planned_start) == ("ida", AT)


@db
@pytest.mark.parametrize("near", ["requester", "opener", "implementer"])
def test_who_asked_or_does_it_does_not_approve_it(desk: Desk, near: str) -> None:
    names = {"requester": "rhea", "opener": "otto", "implementer": "ida"}
    ref = desk.open(change("normal"))
    desk.walk(ref, ("ev_validate", OTTO), ("ev_assign", OTTO), ("ev_plan", OTTO))
    with pytest.raises(NotIndependentError):
        desk.move(ref, "ev_approve", person(names[near], APPROVER))
    assert desk.reader.get(ref).state == "planned"


@db
def test_who_operates_a_house_alone_approves_his_own_and_the_worklog_says_so(desk: Desk) -> None:
    ref = desk.open(change("emergency"))
    desk.walk(ref, ("ev_assign", OTTO), ("ev_plan", OTTO))
    alone = person("otto", replace(APPROVER, alone=True))
    assert desk.move(ref, "ev_approve", alone).state == "approved"
    assert "not independent" in desk.reader.worklog(ref)[-1].text


@db
def test_another_plan_needs_another_approval(desk: Desk) -> None:
    ref = desk.open(change("emergency"))
    desk.walk(ref, ("ev_assign", OTTO), ("ev_plan", OTTO), ("ev_approve", ABE), ("ev_plan", OTTO))
    assert (desk.reader.get(ref).state, desk.change(ref).decided_by) == ("planned", "")


@db
@pytest.mark.parametrize(("given", "kept"), [(None, "failed"), ("backed_out", "backed_out")])
def test_a_failure_found_while_watching_is_what_came_of_it(
    desk: Desk, given: str | None, kept: str
) -> None:
    ref = desk.open(change("standard"))
    desk.walk(ref, ("ev_implement", EXECUTOR), ("ev_finish", EXECUTOR), ("ev_monitor", RULE))
    assert desk.change(ref).outcome == "successful"
    desk.move(ref, "ev_fail", OTTO, **({"outcome": given} if given else {}))
    assert desk.change(ref).outcome == kept


@db
def test_a_cancelled_change_says_so(desk: Desk) -> None:
    ref = desk.open(change("normal"))
    desk.walk(ref, ("ev_cancel", RHEA))
    found = desk.change(ref)
    assert (found.outcome, found.decision) == ("cancelled", "Because.")


@db
def test_a_change_says_everything_that_is_wrong_at_once(desk: Desk) -> None:
    said = ChangeDraft(cast("Any", "big"), "", AT, AT)
    draft = change(change=said, title=" ", impact=9, incidents=("INC-99999",))
    with pytest.raises(DraftRefusedError) as caught:
        desk.open(draft)
    assert set(caught.value.errors) == {
        "title", "impact", "change_type", "reason", "planned_end", "incidents",
    }  # fmt: skip


# ---------------------------------------------------------------- problems


@db
def test_a_problem_knows_its_incidents_and_its_workaround(desk: Desk) -> None:
    first, second = desk.open(incident()), desk.open(incident())
    ref = desk.open(problem(incidents=(first, second)))
    desk.walk(ref, ("ev_assign", OTTO), ("ev_known_error", OTTO))
    assert desk.problem(ref) == Problem(known_error=True, workaround="Restart.", root_cause="")
    assert desk.reader.links(ref) == (Link(first, "caused_by", ref), Link(second, "caused_by", ref))
    assert desk.reader.links(first) == (Link(first, "caused_by", ref),)


@db
def test_a_problem_is_closed_only_once_somebody_saw_that_it_stays_away(desk: Desk) -> None:
    ref = desk.open(problem())
    desk.walk(ref, ("ev_assign", OTTO), ("ev_resolve", OTTO))
    with pytest.raises(RecurrenceUnknownError):
        desk.move(ref, "ev_close", OTTO)
    back = Actor(OTTO.note, replace(OPERATOR, came_back=("INC-00007",)))
    with pytest.raises(CameBackError, match="INC-00007"):
        desk.move(ref, "ev_close", back)
    away = Actor(OTTO.note, replace(OPERATOR, came_back=()))
    assert desk.move(ref, "ev_close", away).state == "closed"


@db
def test_links_lead_where_they_mean_something(desk: Desk) -> None:
    inc, prb, chg = desk.open(incident()), desk.open(problem()), desk.open(change())
    for link in (
        Link(inc, "caused_by", prb),
        Link(prb, "solved_by", chg),
        Link(inc, "follows", chg),
    ):
        assert desk.writer.link(uuid4(), link, RULE.note).outcome == "linked"
    with pytest.raises(DraftRefusedError):
        desk.writer.link(uuid4(), Link(chg, "caused_by", inc), RULE.note)
    with pytest.raises(TicketNotFoundError):
        desk.writer.link(uuid4(), Link(inc, "caused_by", "PRB-99999"), RULE.note)
    for by in (AGENT, RHEA):
        with pytest.raises(NotAllowedError):
            desk.writer.link(uuid4(), Link(inc, "caused_by", prb), by.note)


@db
def test_a_link_made_twice_is_one(desk: Desk) -> None:
    inc, prb = desk.open(incident()), desk.open(problem())
    for _ in range(2):
        desk.writer.link(uuid4(), Link(inc, "caused_by", prb), RULE.note)
    assert desk.reader.links(inc) == (Link(inc, "caused_by", prb),)


# ---------------------------------------------------------------- requests


def test_a_request_that_needs_an_approver_waits_for_one_at_once(
    desk: Desk, catalogue: None
) -> None:
    ref = desk.open(request_for(), NOTHING)
    ticket, found = desk.reader.get(ref), desk.request(ref)
    assert (ticket.state, ticket.title, ticket.service) == (
        "waiting_for_approval", "Time on the GPU", "gpu",
    )  # fmt: skip
    assert (found.answers["hours"], found.approver_role) == (3, "research-leads")
    assert [step.title for step in found.steps] == ["Reserve", "Tell"]
    assert [one.state for one in desk.reader.history(ref)] == ["new", "waiting_for_approval"]


def test_only_the_group_it_names_approves_a_request(desk: Desk, catalogue: None) -> None:
    ref = desk.open(request_for())
    other = person("abe", Vouched(frozenset[Role]({"operator", "approver"}), frozenset({"others"})))
    with pytest.raises(NotAllowedError):
        desk.move(ref, "ev_approve", other)
    assert desk.move(ref, "ev_approve", person("ama", MEMBER)).state == "approved"
    assert desk.request(ref).decided_by == "ama"


def test_a_requester_in_the_group_does_not_approve_his_own(desk: Desk, catalogue: None) -> None:
    ref = desk.open(request_for())
    with pytest.raises(NotIndependentError):
        desk.move(ref, "ev_approve", person("rhea", MEMBER))


def test_a_request_is_resolved_once_its_steps_are_done(desk: Desk, catalogue: None) -> None:
    ref = desk.open(request_for())
    desk.walk(ref, ("ev_approve", person("ama", MEMBER)), ("ev_assign", OTTO))
    with pytest.raises(StepsOpenError, match="Reserve; Tell"):
        desk.move(ref, "ev_resolve", AGENT, solution="Done.")
    for n in (1, 2):
        deed = desk.writer.finish_step(uuid4(), ref, n, OTTO.note, OPERATOR)
        assert (deed.outcome, deed.state) == ("step_done", "assigned")
    assert desk.move(ref, "ev_resolve", AGENT, solution="Done.").state == "resolved"
    assert [step.done_by for step in desk.request(ref).steps] == ["otto", "otto"]


def test_a_step_is_done_once_by_the_desk_and_not_before_the_approval(
    desk: Desk, catalogue: None
) -> None:
    ref = desk.open(request_for())
    with pytest.raises(MoveRefusedError):
        desk.writer.finish_step(uuid4(), ref, 1, OTTO.note, OPERATOR)
    desk.walk(ref, ("ev_approve", person("ama", MEMBER)))
    for by in (RHEA, AGENT):
        with pytest.raises(NotAllowedError):
            desk.writer.finish_step(uuid4(), ref, 1, by.note, by.vouched)
    desk.writer.finish_step(uuid4(), ref, 1, OTTO.note, OPERATOR)
    with pytest.raises(MoveRefusedError):
        desk.writer.finish_step(uuid4(), ref, 1, OTTO.note, OPERATOR)
    with pytest.raises(TicketNotFoundError):
        desk.writer.finish_step(uuid4(), ref, 9, OTTO.note, OPERATOR)


def test_answers_are_held_against_the_fields_of_the_model(desk: Desk, catalogue: None) -> None:
    with pytest.raises(DraftRefusedError) as caught:
        desk.open(request_for(hours="many", begin="soon", card="z", colour="red"))
    assert set(caught.value.errors) == {"hours", "begin", "card", "colour"}
    assert desk.reader.open_tickets(ticket_class="request") == ()


def test_what_the_catalogue_does_not_have_is_not_filed(desk: Desk, catalogue: None) -> None:
    with pytest.raises(UnknownModelError):
        desk.open(request_for("moon"))
    with pytest.raises(UnknownModelError):
        desk.open(incident(ticket_class="request"))


def test_the_catalogue_reads_back(desk: Desk, catalogue: None) -> None:
    found = desk.reader.catalogue()
    assert [one.slug for one in found] == ["question", "gpu-time"]
    assert found[1].fields[0]["name"] == "hours"


def test_a_request_sent_twice_under_one_key_is_one(desk: Desk, catalogue: None) -> None:
    key = uuid4()
    first = desk.writer.open(key, request_for())
    again = desk.writer.open(key, request_for())
    assert (again.ref, first.repeated, again.repeated) == (first.ref, False, True)


# ---------------------------------------------------------------- roles of the database


def test_nobody_rewrites_a_link(
    desk: Desk, clean_db: None, role: Callable[[str], psycopg.Connection[Any]]
) -> None:
    desk.open(problem(incidents=(desk.open(incident()),)))
    for name in ("owner", "app", "executor"):
        for statement in ("UPDATE tickets_link SET kind = 'follows'", "DELETE FROM tickets_link"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role(name).execute(statement)


def test_the_agents_role_reads_the_classes_and_writes_none(
    become: Callable[[str], None], role: Callable[[str], psycopg.Connection[Any]], desk: Desk
) -> None:
    ref = desk.open(problem(incidents=(desk.open(incident()),)))
    become("agent")
    assert desk.problem(ref).known_error is False
    assert desk.reader.links(ref)
    assert desk.reader.catalogue() == ()
    for table in ("problem", "change", "request", "requeststep", "link", "requestmodel"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role("agent").execute(f"SELECT 1 FROM tickets_{table}")  # type: ignore[arg-type]
