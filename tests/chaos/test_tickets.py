"""A dozen tickets under kills and a wipe; `tests.chaos.tickets` does it with hundreds."""

from collections import Counter

import pytest

from tests.chaos import tickets
from tests.chaos.world import PER_HOST

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


def test_no_host_has_so_many_ill_cis_that_agents_would_suspect_the_host(tmp_path):
    site = tickets.made(tickets.Size(500, 1, 1.0, 1.0), tmp_path).site("")
    hosts = Counter(ci["host"] for ci in site["cis"] if "host" in ci)
    assert sum(hosts.values()) == 50
    assert max(hosts.values()) == PER_HOST
    assert set(hosts) == {host["name"] for host in site["hosts"]}
