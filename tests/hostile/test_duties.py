"""Separation of duties through the gate: who x which class of change x which move."""

import pytest

from tests.hostile.desk import Desk
from tests.hostile.duties import CLASSES, MOVES, PEOPLE, must
from tests.hostile.house import house


@pytest.fixture(scope="module")
def desk(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_duties", 1) as made:
        yield Desk(made)


@pytest.mark.parametrize("change", CLASSES)
@pytest.mark.parametrize("person", PEOPLE, ids=[person.kind for person in PEOPLE])
def test_nobody_decides_what_is_not_his_to_decide(desk, person, change):
    wrong = [desk.case(person, change, move) for move in MOVES]
    assert [each for found in wrong for each in found] == []


def test_the_oracle_lets_somebody_approve_each_class():
    """Or else a gate that refuses everything would do."""
    approving = {
        change
        for person in PEOPLE
        for change in CLASSES
        if must(person, change, "approve, code right")
    }
    assert approving == set(CLASSES)
