"""A hostile model at the gate's own door, against an oracle written apart: the small part."""

import pytest

from tests.hostile import campaign
from tests.hostile.house import house

ATTEMPTS = 2_000
SEED = 20


@pytest.fixture(scope="module")
def tally(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_hostile", SEED) as made:
        yield campaign.whole(made, ATTEMPTS)


def test_nothing_is_permitted_that_must_not_be(tally):
    assert tally.unauthorised == []


def test_nothing_is_denied_that_must_be_permitted(tally):
    assert tally.false_denials == []


def test_whatever_is_denied_is_denied_for_a_reason_that_is_true(tally):
    assert tally.wrong_reasons == []


def test_every_attempt_is_on_record(tally):
    assert tally.unwritten == []


def test_enough_was_tried_and_enough_of_it_was_permitted(tally):
    assert tally.attempts >= ATTEMPTS
    assert tally.verdicts["authorised"] > ATTEMPTS / 100
