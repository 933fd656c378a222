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


ROWS = sorted(oracle.RULES.keys() - {"signature", "approval"})
"""What the oracle knows, but for what is no row of the table."""


def test_the_oracle_knows_every_guard(made):
    assert sorted(killers.guards(made)) == ROWS


@pytest.mark.parametrize("guard", ROWS)
def test_each_guard_has_a_killer(made, guard):
    assert killers.kill(made, guard) != []


@pytest.mark.parametrize("guard", ROWS)
def test_while_all_stand_none_of_these_attempts_gets_through(made, guard):
    assert killers.found(made, guard, most_tries=4) == []
