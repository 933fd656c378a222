"""Tickets and worklog lines are found by their words, whatever the way to them."""

import psycopg
import pytest
from django.db import connection

from adapters.tickets import finding
from adapters.tickets.models import LogLine, Ticket, TicketCI
from tests.crowd import fill


@pytest.fixture
def crowd(servers, database_name, clean_db):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        fill(link, first=1, last=120)


SAID = {
    "INC-00077": {77},
    "inc 00077": {77},
    "host-77": {77},
    "HOST-11": {11, *range(110, 120)},
    "service host-4": {4, *range(40, 50)},
    "ci-50": {50},
    "cause 99": {99},
    "person-3 nowhere": set(),
    "ost-77": set(),
    "'); --": set(range(1, 121)),
    "&|!:*<->": set(range(1, 121)),
}


def numbers(said):
    return {int(one.ref[4:]) for one in finding.tickets(Ticket.objects.all(), said)}


@pytest.mark.parametrize("most", [1_000, 1], ids=["few", "frequent"])
def test_a_ticket_is_found_by_how_its_words_begin(crowd, monkeypatch, most):
    monkeypatch.setattr(finding, "MOST", most)
    assert {said: numbers(said) for said in SAID} == SAID


def test_a_ticket_of_many_cis_hides_no_other(crowd, monkeypatch):
    """Each of its CIs is a row of what is looked up, and only so many rows are."""
    some = list(Ticket.objects.order_by("ref")[:3])
    for ci in range(8):
        TicketCI.objects.create(ticket=some[0], ci_ref=f"zebra-{ci}")
    for one in some[1:]:
        TicketCI.objects.create(ticket=one, ci_ref="zebra-x")
    monkeypatch.setattr(finding, "MOST", 7)
    assert set(finding.tickets(Ticket.objects.all(), "zebra")) == set(some)


def test_a_list_that_says_nothing_of_a_bound_has_none(crowd, desk, monkeypatch):
    monkeypatch.setattr("adapters.tickets.admin.TicketAdmin.most", 60)
    answer = desk.get("/personas/run/?q=INC")
    assert answer.context["cl"].result_count > 60


def test_lines_are_found_by_the_index_of_their_words(crowd):
    found = finding.lines(LogLine.objects.all(), "line 2 INC-00077")
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plan = found.explain()
        cursor.execute("RESET enable_seqscan")
    assert ([one.n for one in found], "logline_words" in plan) == ([2], True)


def test_more_than_somebody_looks_through_is_not_counted(crowd, desk, monkeypatch):
    monkeypatch.setattr("adapters.tickets.admin.TicketAdmin.most", 60)
    answer = desk.get("/tickets/ticket/?show=all&q=service&p=2")
    assert (answer.context["cl"].result_count, len(answer.context["cl"].result_list)) == (60, 10)
