"""A dozen tickets under kills and a wipe; `tests.chaos.tickets` does it with hundreds."""

import pytest

from tests.chaos import tickets

# Two stacks at once would only wait for each other.
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(240),
]

SIZE = tickets.Size(count=12, seed=20260504, pace_s=1.0, settle_s=80.0)


def test_each_ticket_has_its_end_once_and_no_doubt_is_left(tmp_path):
    with tickets.house(SIZE, tmp_path) as parts:
        report = tickets.live_through(SIZE, *parts)
    assert report.kept, str(report)
