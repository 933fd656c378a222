"""Each guard is taken away in turn: something that must not be permitted gets through, or the
guard is one that no test would miss.
"""

import pytest

from tests.hostile import killers, oracle
from tests.hostile.house import house


@pytest.fixture(scope="module")
def made(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_killers", 7) as found:
        yield found


def test_the_oracle_knows_every_guard(made):
    assert set(killers.guards(made)) - oracle.RULES.keys() == set()


def test_each_guard_has_a_killer(made):
    assert [name for name in killers.guards(made) if not killers.kill(made, name)] == []


def test_while_all_stand_none_of_these_attempts_gets_through(made):
    assert [name for name in killers.guards(made) if killers.found(made, name, most_tries=4)] == []
