"""The third same repair opens a problem by rule and takes the right back; what becomes of it."""

from typing import cast
from uuid import uuid4

import psycopg
import pytest

from adapters import registry
from adapters.tickets.models import Link, LogLine, Problem, Ticket
from adapters.tickets.port import TicketDraft, TicketFields, Vouched
from ethops.desk import recurrence
from ethops.desk.models import Delivery, Event
from ethops.executor import tickets
from tests.integration.personas.autonomy.test_earned import kinds, level
from tests.integration.personas.conftest import world as _world

world = _world
OPERATOR = Vouched(frozenset({"operator"}))


@pytest.fixture(autouse=True)
def _told(settings):
    settings.ETHOPS_NOTIFY = "http://127.0.0.1:9/people"


def act(world):
    """Let the card act, whatever was taken from it."""
    world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'restart', 'service', 'act', 'ada', 'x', true)",
    )
    for ci, _ in kept(world):
        give_back(world, "act", ci=ci)


def kept(world):
    """How far the card goes on each CI on which it goes less far than on its class."""
    rows = world.as_role("app").execute("SELECT ci_ref, level FROM autonomy_kept ORDER BY ci_ref")
    return [(row["ci_ref"], row["level"]) for row in rows]


def give_back(world, to, *, ci="web-01", against=True):
    """Let a person set the level of one CI."""
    world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'restart', 'service', %s, 'ada', 'x', %s, %s)",
        to, against, ci,
    )  # fmt: skip


def incident(cause=None, ci="web-01", alert="WebHangs"):
    """An incident with its alert."""
    draft = TicketDraft(
        "incident", "Web hangs", "", 2, 2, "event management", "rule",
        ci_refs=(ci,), cause_key=cause or uuid4().hex,
    )  # fmt: skip
    ref = tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref
    Event.objects.create(
        delivery=Delivery.objects.create(sender="t", digest=uuid4().hex, raw=b"", state="read"),
        fingerprint=uuid4().hex, starts_at="", status="firing", labels={"alertname": alert},
        annotations={}, joined="joined", ci_ref=ci, cause_key="c", decision="opened",
        ticket_ref=ref,
    )  # fmt: skip
    return ref


def repaired(world, ref, hours_ago=2):
    """An agent restarts web-01 for an incident, a while ago; returns the action."""
    act(world)
    found = world.authorised(ticket=ref)["action_id"]
    world.record()
    world.settle(world.claim())
    world.as_role("owner").execute(
        "UPDATE personas_action SET settled_at = settled_at - make_interval(hours => %s),"
        " decided_at = decided_at - make_interval(hours => %s) WHERE id = %s",
        [hours_ago, hours_ago, found],
    )
    return found


@pytest.fixture
def thrice(world):
    """Three repairs of web-01, of three incidents; the problem about them is open."""
    refs = [incident() for _ in range(3)]
    for number, ref in enumerate(refs):
        repaired(world, ref, hours_ago=30 - 10 * number)
    assert recurrence.watch() == 1
    return refs


def problem():
    return Ticket.objects.get(ticket_class="problem")


def test_the_third_same_repair_opens_a_problem_with_its_incidents(thrice):
    found = problem()
    linked = Link.objects.filter(other=found, kind="caused_by").values_list("ticket_id", flat=True)
    assert (found.state, sorted(linked)) == ("new", sorted(thrice))
    assert "3 times within 7 days" in found.title


def test_twice_is_none(world):
    for _ in range(2):
        repaired(world, incident())
    assert recurrence.watch() == 0


def test_what_lies_more_than_a_week_back_does_not_count(world):
    for hours in (200, 1, 0):
        repaired(world, incident(), hours)
    assert recurrence.watch() == 0


def test_a_repair_of_what_was_well_does_not_count(world):
    last = [repaired(world, incident()) for _ in range(3)][-1]
    world.value("app", "SELECT gate.facts_judge(%s, 'unknown', false, true, 'well before')", last)
    assert recurrence.watch() == 0


def test_it_takes_the_right_one_level_back_on_this_ci_alone_on_record(world, thrice):
    assert (level(world), kept(world)) == ("act", [("web-01", "veto")])
    (said,) = kinds(world, "autonomy.demoted")
    assert (said["before"], said["level"], said["ci"]) == ("act", "veto", "web-01")
    assert problem().ref in said["why"]


def test_what_is_kept_holds_for_what_is_asked_next(world, thrice):
    assert world.authorised(ticket=incident())["level"] == "veto"


def test_where_three_cis_have_it_the_class_goes_back_too(world, thrice):
    world.as_role("owner").execute(
        "INSERT INTO autonomy_kept (card_id, entry, ci_ref, ci_class, level, set_by, why)"
        " SELECT 'responder', 'restart', 'web-0' || n, 'service', 'veto', 'ethops', 'x'"
        "   FROM generate_series(2, 3) n"
    )
    world.as_role("owner").execute("DELETE FROM autonomy_kept WHERE ci_ref = 'web-01'")
    done = world.value("app", "SELECT id FROM personas_action WHERE outcome = 'done' LIMIT 1")
    said = world.value("app", "SELECT gate.take_back(%s, 'again')", done)
    assert "on all of them from act to veto" in said
    assert level(world) == "veto"


def test_who_gives_the_class_its_level_again_begins_anew(world, thrice):
    """CIs that were put back before that are put back still, and count for nothing."""
    world.as_role("owner").execute(
        "INSERT INTO autonomy_kept (card_id, entry, ci_ref, ci_class, level, set_by, why)"
        " SELECT 'responder', 'restart', 'web-0' || n, 'service', 'veto', 'ethops', 'x'"
        "   FROM generate_series(2, 4) n"
    )
    world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'restart', 'service', 'act', 'ada', 'x', true)",
    )
    world.as_role("owner").execute("DELETE FROM autonomy_kept WHERE ci_ref = 'web-01'")
    done = world.value("app", "SELECT id FROM personas_action WHERE outcome = 'done' LIMIT 1")
    said = world.value("app", "SELECT gate.take_back(%s, 'again')", done)
    assert ("on all of them" in said, level(world)) == (False, "act")


def test_a_person_gives_it_back_on_record(world, thrice):
    give_back(world, "act")
    assert kept(world) == []
    assert kinds(world, "person.set_autonomy")[-1]["ci"] == "web-01"


def test_it_is_given_back_by_the_figures_only(world, thrice):
    with pytest.raises(psycopg.errors.CheckViolation, match="right 0 of 0 times"):
        give_back(world, "act", against=False)


def test_on_a_ci_a_card_goes_no_further_than_on_its_class(world, thrice):
    world.value(
        "app", "SELECT gate.set_autonomy('responder', 'restart', 'service', 'propose', 'ada', 'x')"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="may only propose"):
        give_back(world, "act")


def test_a_permit_that_was_given_before_is_not_claimed_on_this_ci(world):
    refs = [incident() for _ in range(3)]
    done = [repaired(world, ref) for ref in refs]
    world.authorised(ticket=incident())
    world.record()
    world.value("app", "SELECT gate.take_back(%s, 'again')", done[-1])
    assert world.claim() is None


def test_three_of_a_class_are_a_problem_and_take_nothing(world):
    """Each was repaired once, and rightly: what they share is a cause."""
    owner = world.as_role("owner")
    for name in ("web-01", "web-02", "web-03"):
        owner.execute(
            "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, lifeline,"
            " source, retired) VALUES (%s, %s, 'service', '{}', 2, 2, false, 'test', false)"
            " ON CONFLICT (ref) DO NOTHING",
            [name, name],
        )
        done = repaired(world, incident(ci=name))
        owner.execute("UPDATE personas_action SET target = %s WHERE id = %s", [name, done])
    assert recurrence.watch() == 1
    assert "3 CIs of class service" in problem().title
    assert (level(world), kinds(world, "autonomy.demoted")) == ("act", [])


def test_ticket_and_people_are_told(world, thrice):
    said = LogLine.objects.filter(ticket_id=thrice[-1], author="recurrence").get().text
    assert "third time" in said
    assert "act to veto" in said
    ordered = world.value(
        "app", "SELECT count(*) FROM personas_action WHERE principal = 'rule:recurrence'"
    )
    assert ordered == 1


def test_it_is_opened_and_taken_once(world, thrice):
    assert recurrence.watch() == 0
    assert (Problem.objects.count(), kept(world)) == (1, [("web-01", "veto")])


def test_a_fourth_hangs_on_the_same_problem_and_takes_nothing_more(world, thrice):
    ref = incident()
    repaired(world, ref, hours_ago=0)
    assert recurrence.watch() == 1
    assert Link.objects.filter(other=problem(), ticket_id=ref).exists()
    assert level(world) == "act"


@pytest.mark.parametrize("door", ["agent", "executor"])
def test_nobody_else_takes_a_right_back(world, thrice, door):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(door, "SELECT gate.take_back(%s, 'x')", uuid4())


def test_a_right_is_taken_by_what_was_done_and_not_by_name(world):
    assert world.value("app", "SELECT gate.take_back(%s, 'x')", uuid4()) == ""


def move(ref, stimulus, vouched=OPERATOR, text="", **fields):
    said = cast("TicketFields", fields)
    return tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus=stimulus, fields=said, vouched=vouched,
        text=text,
    )  # fmt: skip


@pytest.fixture
def solved(world, thrice):
    """The problem, resolved by a person."""
    found = problem()
    move(found.ref, "ev_assign", team="people")
    move(found.ref, "ev_resolve", root_cause="a leak", solution="a new version")
    return found.ref


def week(world, ref):
    """Let a week have passed since it was resolved, and its repairs lie before that."""
    owner = world.as_role("owner")
    owner.execute(
        "UPDATE tickets_ticket SET resolved_at = resolved_at - interval '8 days' WHERE ref = %s",
        [ref],
    )
    owner.execute(
        "UPDATE personas_action SET settled_at = settled_at - interval '9 days',"
        " decided_at = decided_at - interval '9 days'"
    )
    owner.execute(
        "UPDATE tickets_ticket SET opened_at = opened_at - interval '9 days'"
        " WHERE ticket_class = 'incident'"
    )


def test_what_stayed_away_for_a_week_is_closed_by_rule(world, solved):
    week(world, solved)
    assert recurrence.watch() == 1
    assert problem().state == "closed"


def test_before_that_it_stays(solved):
    assert recurrence.watch() == 0
    assert problem().state == "resolved"


def test_the_same_repair_again_opens_it_again(world, solved):
    week(world, solved)
    ref = incident()
    repaired(world, ref)
    recurrence.watch()
    assert problem().state == "assigned"
    assert Link.objects.filter(other_id=solved, ticket_id=ref).exists()


def test_an_incident_of_the_same_cause_opens_it_again(world, solved):
    week(world, solved)
    first = Link.objects.filter(other_id=solved).first().ticket
    world.as_role("owner").execute(
        "UPDATE tickets_ticket SET state = 'closed' WHERE ref = %s", [first.ref]
    )
    incident(cause=first.cause_key)
    recurrence.watch()
    assert problem().state == "assigned"


def test_after_it_was_closed_three_more_are_another_problem(world, solved):
    week(world, solved)
    recurrence.watch()
    world.as_role("owner").execute(
        "UPDATE tickets_ticket SET closed_at = closed_at - interval '5 hours' WHERE ref = %s",
        [solved],
    )
    for _ in range(3):
        repaired(world, incident())
    recurrence.watch()
    states = Ticket.objects.filter(ticket_class="problem").values_list("state", flat=True)
    assert sorted(states) == ["closed", "new"]


def test_what_nobody_can_know_again_is_not_closed_by_rule(world):
    draft = TicketDraft("problem", "Odd", "", 3, 3, "ada", "person")
    ref = tickets.open_by_person(key=uuid4(), draft=draft, vouched=OPERATOR).ref
    move(ref, "ev_assign", team="people")
    move(ref, "ev_resolve", root_cause="r", solution="s")
    world.as_role("owner").execute(
        "UPDATE tickets_ticket SET resolved_at = now() - interval '30 days' WHERE ref = %s", [ref]
    )
    assert recurrence.watch() == 0


def test_a_person_closes_it_sooner_only_for_a_reason(solved):
    looked = recurrence.looked(OPERATOR, solved, "ev_close", "")
    with pytest.raises(Exception, match="Nobody has looked"):
        move(solved, "ev_close", looked)
    why = "The host is gone."
    move(solved, "ev_close", recurrence.looked(OPERATOR, solved, "ev_close", why), text=why)
    last = registry.reader("tickets").worklog(solved)[-1].text
    assert last.startswith(why)
    assert "nobody can say yet" in last


def test_a_reason_is_kept_with_what_was_known_then(world, solved):
    week(world, solved)
    ref = incident()
    repaired(world, ref)
    move(solved, "ev_close", recurrence.looked(OPERATOR, solved, "ev_close", "So be it."),
         text="So be it.")  # fmt: skip
    assert f"{ref} came back" in registry.reader("tickets").worklog(solved)[-1].text
