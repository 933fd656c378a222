"""Text from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.text import one_line, plain


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        pytest.param("a\x00b", "ab", id="nul"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;title\x07x", "x", id="terminal-title"),
        pytest.param("a\u202eb\u200bc", "abc", id="reordering-and-hiding"),
        pytest.param("a\r\nb", "a\nb", id="lines-are-kept"),
        pytest.param("\ud800x", "x", id="lone-surrogate"),
    ],
)
def test_unfit_characters_go(text: str, fit: str) -> None:
    assert plain(text, 100) == fit


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_the_limit_holds_and_the_result_is_stable(text: str, limit: int) -> None:
    fit = plain(text, limit)
    assert len(fit) <= limit
    assert plain(fit, limit) == fit


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text, 100).splitlines()) <= 1
