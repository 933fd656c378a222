"""Priority from impact and urgency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tickets.priority import priority

scale = st.integers(min_value=1, max_value=3)


@given(scale, scale, scale, scale)
def test_worse_is_never_less_urgent(impact: int, urgency: int, worse: int, faster: int) -> None:
    better = priority(max(impact, worse), max(urgency, faster))
    assert priority(min(impact, worse), min(urgency, faster)) <= better


@given(scale, scale)
def test_the_matrix_is_symmetric(impact: int, urgency: int) -> None:
    assert priority(impact, urgency) == priority(urgency, impact)


def test_the_ends_of_the_matrix() -> None:
    assert (priority(1, 1), priority(2, 2), priority(3, 3)) == ("P1", "P3", "P4")


@pytest.mark.parametrize("impact", [0, 4, -1])
def test_a_value_off_the_scale_is_refused(impact: int) -> None:
    with pytest.raises(ValueError, match="must both be 1, 2 or 3"):
        priority(impact, 1)
