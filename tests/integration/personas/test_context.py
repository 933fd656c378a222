"""What a step gathers through the readers, from rows as they are loaded and written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command

from adapters import registry
from adapters.cmdb.port import CI, Host, Inventory
from adapters.tickets import majors
from adapters.tickets.port import Note, Vouched
from personas import conf
from personas.catalogue import read_catalogue
from personas.gate import StepClaim
from personas.incarnation import Incarnation
from personas.runtime import context, facts
from tests.conftest import point_django

ATTRIBUTES = [
    {},
    {"unit": "a.service"},
    {"pidfile": "/run/a/pid"},
    {"path": "/srv/a"},
    {"path": "/srv/a", "clean_pattern": "*.log"},
    {"colour": "red"},
    {'an "odd" name': "x", "path": "/srv/a"},
]


def ci(ref, host="node-1", attributes=None):
    return CI(
        ref=ref,
        name=ref,
        ci_class="service",
        attributes=attributes or {},
        impact=2,
        urgency=2,
        user_facing=False,
        lifeline=False,
        host=host,
        source="site",
        managed_by="test",
    )


def host(name):
    return Host(name=name, connection="local", address="", user="", port=22, python="")


def claim(ticket, *scope, **alert):
    now = datetime.now(UTC)
    return StepClaim(
        work_id=uuid4(),
        fence=1,
        run_id=uuid4(),
        number=1,
        token="t",
        card="incident_responder",
        ticket_ref=ticket,
        scope=list(scope),
        joined="joined",
        inputs={"alert": alert},
        checkpoint={},
        started_at=now,
        deadline=now,
        history=[],
        signer=Incarnation.mint(),
    )


@pytest.fixture
def site(clean_db, servers, database_name, role):
    """Cards and catalogue; five CIs on two hosts; an open incident on most of them."""
    point_django(servers, database_name, "ethops_owner")
    call_command("site", "load", verbosity=0)
    cis = [ci("a"), ci("b"), ci("c"), ci("d", "node-2"), ci("old")]
    inventory = Inventory(hosts=(host("node-1"), host("node-2")), cis=tuple(cis))
    registry.writer("cmdb").apply(inventory, source="site")
    point_django(servers, database_name, "ethops_app")
    owner = role("owner")
    for ref, state, age in (
        ("a", "assigned", "1 minute"),
        ("b", "assigned", "1 minute"),
        ("c", "resolved", "1 minute"),
        ("d", "assigned", "1 minute"),
        ("old", "escalated", "2 days"),
    ):
        owner.execute(
            "INSERT INTO tickets_ticket (ref, ticket_class, title, priority, impact, urgency,"
            " state, repeats, opened_at) VALUES (%s, 'incident', 't', 'P3', 2, 2, %s, 4,"
            " clock_timestamp() - %s::interval)",
            [f"I-{ref}", state, age],
        )
        owner.execute(
            "INSERT INTO tickets_ticketci (ticket_id, ci_ref) VALUES (%s, %s)", [f"I-{ref}", ref]
        )


@pytest.fixture
def major(site, role):
    """The incident of a is a major one, and that of b a part of it."""
    majors.declare(
        key=uuid4(), ref="I-a", criteria=("all is down",), update_minutes=30, lead="",
        note=Note("", "ada", "person"), vouched=Vouched(frozenset({"operator"})),
    )  # fmt: skip
    role("owner").execute("UPDATE tickets_ticket SET parent_id = 'I-a' WHERE ref = 'I-b'")


@pytest.mark.parametrize(("ref", "said"), [("I-a", True), ("I-b", True), ("I-d", False)])
def test_a_major_incident_and_its_parts_are_known_as_such(major, ref, said):
    assert context.gather(claim(ref, ref.removeprefix("I-"))).is_major is said


def test_a_major_incident_that_is_over_is_none(major, role):
    role("owner").execute("UPDATE tickets_major SET ended_at = clock_timestamp()")
    assert context.gather(claim("I-a", "a")).is_major is False


def test_only_neighbours_that_fell_ill_lately_are_counted(site):
    assert context.gather(claim("I-a", "a")).neighbours == 1


def test_a_ci_without_a_host_has_no_neighbours(site, role):
    role("owner").execute("UPDATE cmdb_ci SET inventory_host_id = NULL WHERE ref = 'a'")
    assert context.gather(claim("I-a", "a")).neighbours == 0


@pytest.mark.parametrize(("named", "declared"), [("node-2", "node-2"), ("node-9", ""), ("", "")])
def test_only_a_declared_host_is_taken_for_one(site, named, declared):
    assert context.gather(claim("I-a", "a", host=named)).named_host == declared


def test_repeats_are_the_tickets_own(site):
    assert context.gather(claim("I-a", "a")).repeats == 4


def test_a_ticket_of_another_system_has_none(site):
    known = context.gather(claim("X-1", "a"))
    assert (known.repeats, known.opened_at) == (0, None)


def test_when_the_ticket_was_opened_is_known(site):
    known = context.gather(claim("I-a", "a"))
    assert known.opened_at is not None
    assert timedelta(seconds=59) < known.now - known.opened_at < timedelta(seconds=120)


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=str)
def test_what_is_on_offer_is_what_the_evaluation_offers(site, attributes):
    pinned, _ = read_catalogue(conf.playbooks_folder())
    fitting = sorted(entry.name for entry in pinned if entry.document.fits(attributes))
    assert [entry.name for entry in context._entries(ci("a", attributes=attributes))] == fitting


def test_triage_is_told_what_the_value_of_its_probe_was(site, role, servers, database_name):
    owner = role("owner")
    owner.execute(
        "INSERT INTO monitoring_probe (name, ci_ref, kind, params, interval_s, bad_after,"
        " good_after, alertname, severity) VALUES ('disk', 'a', 'filesystem',"
        """ '{"path": "/", "max_percent": 90}', 60, 1, 1, 'Full', 'warning')"""
    )
    owner.execute(
        "INSERT INTO monitoring_sample (probe_id, at, ok, symptom, value)"
        " SELECT 'disk', now() - n * interval '1 minute', true, 'ok', 72 - n / 30.0"
        " FROM generate_series(0, 59) n"
    )
    owner.execute(
        "INSERT INTO monitoring_pasthour (probe_id, begin, low, middle, high, points) VALUES"
        " ('disk', date_trunc('hour', now() - interval '7 days', 'UTC'), 40, 41, 42, 60),"
        # The next one: the hour may end before it is looked at.
        " ('disk', date_trunc('hour', now() - interval '167 hours', 'UTC'), 40, 41, 42, 60)"
    )
    point_django(servers, database_name, "ethops_agent")
    step = replace(claim("I-a", "a"), checkpoint={"stage": "triage"})
    told = facts.facts(context.gather(step), "triage")
    assert (told["trend.last"], told["trend.limit"], told["trend.week_median"]) == (72.0, 90, 41.0)
    assert told["trend.hours_left"] == pytest.approx(9.0, abs=0.3)
    assert context.gather(replace(step, checkpoint={"stage": "verify"})).trend is None
