"""Known errors are found by rows before anybody is asked, and told to the ticket and its runs."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adapters import registry
from adapters.tickets.models import Link, LogLine
from adapters.tickets.port import TicketDraft
from ethops.desk import known_errors
from ethops.executor import tickets
from personas.runtime import context, facts
from tests.integration.desk.test_recurrence import OPERATOR, incident, move
from tests.integration.personas.conftest import world as _world

world = _world
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HELP = "Restart it twice, a minute apart."


def known(*incidents, workaround=HELP):
    """A known error of these incidents."""
    draft = TicketDraft("problem", "It leaks", "", 3, 3, "ada", "person", incidents=incidents)
    ref = tickets.open_by_person(key=uuid4(), draft=draft, vouched=OPERATOR).ref
    move(ref, "ev_assign", team="people")
    if workaround:
        move(ref, "ev_known_error", workaround=workaround)
    return ref


def found(ref):
    return known_errors.matching(registry.reader("tickets").get(ref))


@pytest.fixture
def error(world):
    return known(incident())


def test_the_same_alert_on_the_same_ci_is_known(error):
    match = found(incident())
    assert (match.problem, match.workaround) == (error, HELP)


def test_the_same_alert_on_another_ci_of_the_class_is_known(error):
    assert found(incident(ci="odd-01")).problem == error


@pytest.mark.parametrize(
    ("ci", "alert"), [("web-01", "Other"), ("db-01", "WebHangs")], ids=["alert", "class"]
)
def test_another_alert_or_class_is_not(error, ci, alert):
    assert found(incident(ci=ci, alert=alert)) is None


def test_a_problem_without_a_workaround_is_no_known_error(world):
    known(incident(), workaround="")
    assert found(incident()) is None


def test_a_resolved_problem_is_no_known_error_any_more(error):
    move(error, "ev_resolve", root_cause="r", solution="s")
    assert found(incident()) is None


def test_that_of_its_own_ci_goes_first(world):
    own = known(incident())
    known(incident(ci="odd-01"))
    assert found(incident()).problem == own


def test_the_ticket_says_so_once_and_hangs_on_it(error):
    ref = incident()
    ticket = registry.reader("tickets").get(ref)
    assert known_errors.tell(ticket) == known_errors.tell(ticket)
    lines = LogLine.objects.filter(ticket_id=ref, author="known errors", text__contains=HELP)
    assert lines.count() == 1
    assert Link.objects.filter(ticket_id=ref, kind="caused_by", other_id=error).count() == 1


def test_a_ticket_of_no_known_error_says_nothing(world):
    ref = incident()
    assert known_errors.tell(registry.reader("tickets").get(ref)) == {}
    assert not LogLine.objects.filter(ticket_id=ref, author="known errors").exists()


def test_the_search_takes_a_fixed_number_of_queries(error):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            found(ref)
        return len(caught)

    ref = incident()
    few = queries()
    for _ in range(3):
        known(incident(), incident())
    assert queries() == few


def test_its_runs_know_it_as_facts():
    said = context._known_error({"known_error": {"problem": "PRB-1", "workaround": HELP}})
    known_ = facts.Known("INC-1", "r", "none", {}, [], None, NOW, known_error=said)
    shown = facts.facts(known_, "triage")
    assert shown["known_error.workaround"] == HELP


@pytest.mark.parametrize("inputs", [{}, {"known_error": {}}, {"known_error": "x"}])
def test_a_run_of_no_known_error_has_no_such_fact(inputs):
    known_ = facts.Known("INC-1", "r", "none", {}, [], None, NOW,
                         known_error=context._known_error(inputs))  # fmt: skip
    assert not [name for name in facts.facts(known_, "triage") if name.startswith("known_error")]
