"""The stop under load with Redis, web or PostgreSQL dead; `tests.chaos.stop` does it many times."""

import pytest

from tests.chaos import stop

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.processes,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with stop.house(tmp_path_factory.mktemp("stop")) as made:
        yield made


@pytest.mark.parametrize(
    ("part", "door"),
    [("redis", "command"), ("web", "target"), ("postgres", "file")],
)
def test_nothing_happens_any_more(house, part, door):
    stack, sink = house
    found = stop.one(stack, sink, part, door)
    assert found.held, found
