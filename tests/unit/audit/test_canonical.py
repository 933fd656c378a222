import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import LARGEST_BODY, LARGEST_INTEGER, body_of, canonical, tamed
from audit.errors import NotCanonicalError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.text(st.characters(max_codepoint=127), max_size=10)
whole = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
profile = st.recursive(
    st.none() | st.booleans() | whole | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(profile)
def test_bytes_equal_those_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(anything)
def test_whatever_a_fact_holds_it_can_be_recorded(value):
    canonical(tamed(value))


@given(profile)
def test_what_is_in_the_profile_is_left_alone(value):
    assert tamed(value) == value


@pytest.mark.parametrize("value", [1.5, 2**53, {"ä": 1}], ids=["float", "huge", "key"])
def test_what_is_outside_the_profile_is_refused(value):
    with pytest.raises(NotCanonicalError):
        canonical({"x": value} if not isinstance(value, dict) else value)


def test_a_body_too_long_for_a_tile_is_recorded_by_its_digest():
    body = {"text": "x" * (LARGEST_BODY + 1)}
    digest = hashlib.sha256(canonical(body)).hexdigest()
    assert digest.encode() in body_of({"v": 1}, body)


def test_no_entry_is_longer_than_a_tile_allows():
    assert len(body_of({"v": 1}, {"text": "x" * 10**6})) <= LARGEST_BODY
