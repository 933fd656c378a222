"""Whatever the channel does, a client has exactly the answer in the end, or is told."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.proxy.assembling import Assembly
from gpu.proxy.errors import DivergedError
from gpu.proxy.shapes import Piece

CALL = {"function": {"name": "look", "arguments": {}}}


def chunks_of(text, cuts):
    at = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [{"at": a, "text": text[a:b]} for a, b in pairwise(at)]


def had(told, said, whole):
    parts = [told.add(chunk) for chunk in said]
    return "".join(part.text for part in [*parts, told.rest(Piece(whole))])


@given(st.text(), st.lists(st.integers(0, 99)), st.lists(st.booleans(), min_size=99))
def test_chunks_may_be_lost(text, cuts, kept):
    chunks = [c for c, keep in zip(chunks_of(text, cuts), kept, strict=False) if keep]
    assert had(Assembly(), chunks, text) == text


@given(st.text(min_size=1), st.lists(st.integers(0, 99)), st.integers(0, 99))
def test_chunks_may_come_twice(text, cuts, again):
    chunks = chunks_of(text, cuts)
    assert had(Assembly(), [*chunks, *chunks[again % len(chunks) :]], text) == text


def test_chunks_without_a_place_are_believed():
    assert had(Assembly(), [{"text": "Ether"}, {"text": "net"}], "Ethernet") == "Ethernet"


def test_after_a_gap_nothing_is_believed():
    told = Assembly()
    assert told.add({"at": 0, "text": "a"}).text == "a"
    assert told.add({"at": 2, "text": "c"}).text == ""
    assert told.add({"at": 1, "text": "b"}).text == ""
    assert told.rest(Piece("abc")).text == "bc"


def test_an_answer_that_is_not_continued_is_a_failure():
    told = Assembly()
    told.add({"text": "Ether"})
    with pytest.raises(DivergedError):
        told.rest(Piece("Token ring"))


def test_beginning_anew_costs_nothing_before_the_first_word():
    told = Assembly()
    told.again()
    assert told.add({"text": "Ethernet"}).text == "Ethernet"


def test_beginning_anew_after_the_first_word_waits_for_the_row():
    told = Assembly()
    told.add({"text": "Ether"})
    told.again()
    assert not told.add({"text": "Ether"})
    assert told.rest(Piece("Ethernet")).text == "net"


def test_calls_that_were_passed_on_are_not_passed_on_again():
    told = Assembly()
    assert told.add({"text": "", "tool_calls": [CALL]}).calls == (CALL,)
    assert told.rest(Piece("", "", (CALL, CALL))).calls == (CALL,)


def test_thoughts_are_completed_too():
    told = Assembly()
    told.add({"thinking": "h"})
    assert told.rest(Piece("Ethernet", "hm")) == Piece("Ethernet", "m")
