"""Refusals as problem+json: stable codes, statuses, and nothing of the inside."""

import json

import pytest
from django.db import DataError, OperationalError
from rest_framework import exceptions

from adapters.errors import AdapterError
from adapters.tickets import errors as tickets
from ethops.api import problems

TICKET_ERRORS = [
    kind
    for kind in vars(tickets).values()
    if isinstance(kind, type)
    and issubclass(kind, AdapterError)
    and kind.code != "tickets.error"
    and kind is not AdapterError
]


def test_a_problem_has_the_members_of_the_standard():
    said = json.loads(problems.answer(404, "tickets.not_found", "There is no INC-1.").content)
    assert {"type", "title", "status", "detail"} <= said.keys()


def test_what_is_not_known_is_left_out():
    assert "delivery" not in problems.document(400, "desk.bad", "?", delivery=None)


@pytest.mark.parametrize("kind", TICKET_ERRORS, ids=lambda kind: kind.code)
def test_every_error_that_a_person_can_cause_has_a_status(kind):
    fault = kind.__new__(kind)
    answer = problems.handler(fault, {})
    assert 400 <= answer.status_code < 500
    assert answer.data["code"] == kind.code
    assert answer.data["hint"]


def test_a_code_that_nobody_mapped_is_a_fault_of_ours():
    assert problems.handler(AdapterError("?"), {}) is None


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (exceptions.ParseError(), 400, "request.not_json"),
        (exceptions.NotAuthenticated(), 401, "request.no_credentials"),
        (exceptions.MethodNotAllowed("GET"), 405, "request.method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "request.wrong_type"),
        (OperationalError("gone"), 503, "database.away"),
        (DataError("NUL"), 400, "request.unfit"),
        (RecursionError(), 400, "request.too_deep"),
    ],
)
def test_every_refusal_has_its_code(fault, status, code):
    answer = problems.handler(fault, {})
    assert (answer.status_code, answer.data["code"]) == (status, code)


def test_a_database_that_is_away_says_when_to_come_again():
    assert problems.handler(OperationalError("gone"), {})["Retry-After"] == "2"


def test_the_words_of_the_database_stay_inside():
    answer = problems.handler(OperationalError("password of ethops_app"), {})
    assert "ethops_app" not in json.dumps(answer.data)
