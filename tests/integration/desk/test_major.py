"""Major incidents, from the criterion to the review: over the doors that pages and API use."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from adapters import registry
from adapters.tickets import majors
from adapters.tickets.errors import DraftRefusedError, MoveRefusedError, NotAllowedError
from adapters.tickets.models import CLASSES
from adapters.tickets.port import NOTHING, ChangeDraft, Note, TicketDraft, Vouched
from ethops.api import acts
from ethops.desk import major
from ethops.world import review
from ethops.world.story import Told

pytestmark = pytest.mark.django_db
OPERATOR = Vouched(frozenset({"operator"}))
DRAFT = TicketDraft("incident", "It hangs", "", 1, 1, "rhea", "person", requester="rhea")
NOTES = {
    "operator": (Note("", "ada", "person"), OPERATOR),
    "requester": (Note("", "rhea", "person"), NOTHING),
    "another": (Note("", "eve", "person"), NOTHING),
    "agent": (Note("", "triage", "agent"), NOTHING),
    "rule": (Note("", "major", "rule"), NOTHING),
    "executor": (Note("", "executor", "executor"), NOTHING),
}
each_actor = pytest.mark.parametrize("actor", NOTES)


def opened(**more):
    return registry.writer("tickets").open(uuid4(), replace(DRAFT, **more), OPERATOR).ref


def declare(ref, actor="operator"):
    note, vouched = NOTES[actor]
    return majors.declare(
        key=uuid4(), ref=ref, criteria=("many",), update_minutes=30, lead="", note=note,
        vouched=vouched,
    )  # fmt: skip


def refused(act, *args):
    try:
        act(*args)
    except (NotAllowedError, MoveRefusedError) as fault:
        return fault.code
    return ""


@each_actor
def test_who_may_declare_one(actor):
    said = refused(declare, opened(), actor)
    assert said == ("" if actor in {"operator", "rule"} else "tickets.not_allowed")


@pytest.mark.parametrize("act", ["lead", "end"])
@each_actor
def test_who_may_lead_and_end_one(act, actor):
    ref, (note, vouched) = opened(), NOTES[actor]
    declare(ref)
    more = {"lead": "ada"} if act == "lead" else {}
    said = refused(
        lambda: getattr(majors, act)(key=uuid4(), ref=ref, note=note, vouched=vouched, **more)
    )
    assert said == ("" if actor == "operator" else "tickets.not_allowed")


@each_actor
def test_who_may_make_one_a_part_of_another(actor):
    parent, child, (note, vouched) = opened(), opened(), NOTES[actor]
    said = refused(lambda: registry.writer("tickets").adopt(uuid4(), child, parent, note, vouched))
    assert said == ("" if actor in {"operator", "rule", "executor"} else "tickets.not_allowed")
    assert (registry.reader("tickets").get(child).parent_ref == parent) is not bool(said)


@pytest.mark.parametrize("ticket_class", [name for name in CLASSES if name != "request"])
@pytest.mark.parametrize("state", ["new", "assigned", "resolved", "closed"])
def test_only_an_open_incident_is_a_major_one(role, ticket_class, state):
    of_change = {"change": ChangeDraft("normal", "x")} if ticket_class == "change" else {}
    ref = opened(ticket_class=ticket_class, **of_change)
    if ticket_class == "change" and state == "resolved":
        state = "implemented"
    if state != "new":
        from adapters.tickets.models import Ticket

        Ticket.objects.filter(ref=ref).update(state=state)
    said = refused(declare, ref)
    is_open = ticket_class == "incident" and state in {"new", "assigned"}
    assert said == ("" if is_open else "tickets.move_refused")


def test_a_part_of_another_is_none_by_itself():
    parent, child = opened(), opened()
    registry.writer("tickets").adopt(uuid4(), child, parent, *NOTES["operator"])
    assert refused(declare, child) == "tickets.move_refused"


@pytest.fixture
def people():
    return [User.objects.create_user(name, is_staff=True) for name in ("ada", "bo")]


def test_whoever_declares_one_leads_it_until_another_does(people):
    ref = opened()
    acts.declare_major(ref=ref, person="ada", why="All is down.", lead="", key=uuid4())
    first = majors.of_ticket(ref).lead
    acts.lead_major(ref=ref, person="bo", lead="", key=uuid4())
    assert (first, majors.of_ticket(ref).lead) == ("ada", "bo")


def test_only_a_person_of_the_desk_leads(people):
    User.objects.create_user("cy")
    with pytest.raises(DraftRefusedError):
        acts.declare_major(ref=opened(), person="ada", why="x", lead="cy", key=uuid4())


def test_a_second_press_declares_it_once(people):
    ref, key = opened(), uuid4()
    said = [
        acts.declare_major(ref=ref, person="ada", why="x", lead="", key=key).repeated
        for _ in range(2)
    ]
    assert said == [False, True]


def test_many_cis_at_once_are_declared_by_the_rule_and_ask_for_a_lead(settings, tmp_path):
    root = opened(ci_refs=("a", "b", "c", "d"))
    opened(ci_refs=("e", "f"), parent_ref=root)
    child = opened(ci_refs=("g", "h"), parent_ref=root)
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    major.consider(registry.reader("tickets").get(child))
    found = majors.of_ticket(root)
    assert (found.lead, found.criteria) == ("", ("many CIs at once (P1, 8 CIs)",))


def test_what_a_person_has_ended_is_not_declared_again_by_the_rule(settings, tmp_path, people):
    ref = opened(ci_refs=tuple("abcdefgh"))
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    major.consider(registry.reader("tickets").get(ref))
    acts.end_major(ref=ref, person="ada", key=uuid4())
    assert major.consider(registry.reader("tickets").get(ref)) is None


def notices():
    from personas.models import Action

    return Action.objects.filter(principal="rule:major").count()


def test_an_overdue_update_is_told_once_and_again_each_rhythm(settings, tmp_path, people):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(
        json.dumps({"notify": {"kind": "http", "url": "http://x.example/"}})
    )
    ref = opened(author="intake", author_kind="rule", requester="")
    declare(ref, "rule")
    said = [major.watch()]
    from adapters.tickets.models import Major

    for minutes in (31, 62):
        Major.objects.filter(ticket_id=ref).update(
            declared_at=timezone.now() - timedelta(minutes=minutes)
        )
        said += [major.watch(), major.watch()]
    acts.comment(ref=ref, person="ada", text="We look.", visibility="public", key=uuid4())
    said.append(major.watch())
    assert said == [0, 1, 0, 1, 0, 0]
    assert notices() == 2


def test_the_review_is_reckoned_from_the_record(people):
    ref = opened(ci_refs=("web-01",), first_bad_at=timezone.now() - timedelta(minutes=5))
    child = opened(title="It <b>hangs</b> | too", parent_ref=ref)
    acts.declare_major(ref=ref, person="ada", why="All is down.", lead="", key=uuid4())
    acts.comment(ref=ref, person="ada", text="We look.", visibility="public", key=uuid4())
    acts.end_major(ref=ref, person="ada", key=uuid4())
    found = review.review(ref, timezone.now())
    assert found is not None
    facts = dict(found.facts)
    text = "\n".join(review.markdown(found))
    assert (facts["Led by"], facts["Because"], facts["Parts"]) == ("ada", "All is down.", child)
    assert facts["Updates"] == "1; every 30 min were promised, 0 came late"
    assert "“We look.”" in text
    assert "It \\<b\\>hangs\\</b\\> \\| too" in text


AT = timezone.now()
TOLD = {
    "permit": (Told(AT, "permit", "responder", "restart on web-01", "level act"),
               "responder was permitted restart on web-01 (level act)"),
    "denied": (Told(AT, "denied", "responder", "restart on db-01", "no grant"),
               "responder was denied restart on db-01 (no grant)"),
    "outcome": (Told(AT, "done", "done", "restart on web-01", "new pid 2 <b>"),
                "restart on web-01 done: “new pid 2 <b>”"),
    "line": (Told(AT, "note", "ada", "wrote", said="We look.\nNow."), "ada wrote: “We look. Now.”"),
    "run": (Told(AT, "run_ended", "responder", "was ended", "by ada"),
            "responder was ended, by ada"),
}  # fmt: skip


@pytest.mark.parametrize(("told", "sentence"), TOLD.values(), ids=TOLD)
def test_a_sentence_quotes_what_is_not_its_own(told, sentence):
    assert review.sentence(told) == sentence


def test_what_never_was_one_has_no_review():
    assert review.review(opened(), timezone.now()) is None


def test_each_act_is_on_record(people):
    from audit.models import Pending

    ref = opened()
    acts.declare_major(ref=ref, person="ada", why="x", lead="", key=uuid4())
    acts.lead_major(ref=ref, person="bo", lead="", key=uuid4())
    acts.end_major(ref=ref, person="bo", key=uuid4())
    kinds = set(Pending.objects.values_list("kind", flat=True))
    assert kinds >= {
        "ticket.major_declared", "ticket.major_led", "ticket.major_ended",
    }  # fmt: skip
