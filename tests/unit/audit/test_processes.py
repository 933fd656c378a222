"""How long a process waits after failures."""

import pytest

from audit.processes import pause_after


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1.0), (4, 4.0), (5, 5.0), (10_000, 5.0)]
)
def test_pauses_double_up_to_the_longest(failures, seconds):
    assert pause_after(failures, 0.5, 5.0) == seconds
