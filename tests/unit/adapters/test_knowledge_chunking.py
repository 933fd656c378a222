"""Passages: nothing is lost or said twice, and what must stay whole does, whatever the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.knowledge.chunking import LEAST, MOST, WHOLE, Chunk, chunks, tokens

WORDS = st.text("ab cd.|#*>`-", max_size=60)
LONG = st.integers(1, 60).map(lambda n: "The valve is behind the second door. " * n)
HEADING = st.tuples(st.integers(1, 4), st.sampled_from(["Valve", "Pump", "Door"])).map(
    lambda pair: f"{'#' * pair[0]} {pair[1]}"
)
FENCE = st.tuples(st.integers(0, 90), st.sampled_from(["", "  ", "> "])).map(
    lambda pair: "\n".join(
        pair[1] + line for line in ["```", *["# systemctl restart shop"] * pair[0], "```"]
    )
)
TABLE = st.integers(0, 90).map(lambda n: "| a | b |\n|---|---|" + "\n| 1 | two |" * n)
LIST = st.integers(1, 80).map(lambda n: "\n".join(["- look at the gauge of the pump"] * n))
PIECES = st.one_of(WORDS, LONG, HEADING, FENCE, TABLE, LIST, st.just(""))
DOCUMENTS = st.lists(PIECES, max_size=12).flatmap(
    lambda pieces: st.sampled_from(["\n\n", "\n"]).map(lambda gap: gap.join(pieces))
)


def cut(text: str) -> tuple[Chunk, ...]:
    return chunks("doc", text)


def whole_of(text: str) -> list[tuple[int, int]]:
    """First and last line, from 1, of each table and block of code that has anything in it."""
    lines = text.split("\n")
    found = []
    for one in MarkdownIt("commonmark").enable("table").parse(text):
        if one.type in WHOLE and one.map:
            begin, end = one.map
            while end > begin and not lines[end - 1].strip():
                end -= 1
            found.append((begin + 1, end))
    return found


def headings_of(text: str) -> set[int]:
    """Lines, from 1, of headings; one that is underlined may have several."""
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    maps = [one.map for one in parsed if one.type == "heading_open" and one.level == 0]
    return {line + 1 for pair in maps if pair for line in range(*pair)}


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_every_line_stands_in_one_passage(text: str) -> None:
    lines, made = text.split("\n"), cut(text)
    held = [n for one in made for n in range(one.first_line, one.last_line + 1)]
    assert held == sorted(set(held))
    assert all(not lines[n - 1].strip() for n in {*range(1, len(lines) + 1)} - {*held})
    for one in made:
        assert one.text == "\n".join(lines[one.first_line - 1 : one.last_line])
        assert one.text.strip()


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_no_table_and_no_code_is_cut(text: str) -> None:
    made = cut(text)
    for first, last in whole_of(text):
        assert any(one.first_line <= first and last <= one.last_line for one in made)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_what_is_too_long_is_one_thing_that_cannot_be_cut(text: str) -> None:
    whole, lines, headings = whole_of(text), text.split("\n"), headings_of(text)
    for one in cut(text):
        # Below its headings: not too long, or one line, or what a table or code keeps together.
        first = one.first_line
        while first <= one.last_line and (first in headings or not lines[first - 1].strip()):
            first += 1
        below = "\n".join(lines[first - 1 : one.last_line])
        assert tokens(below) <= MOST or _loose(lines, first, one.last_line, whole)


def _loose(lines: list[str], first: int, last: int, whole: list[tuple[int, int]]) -> bool:
    """Without what is kept whole, what is left of it is no more than a line."""
    left = [
        n for n in range(first, last + 1)
        if lines[n - 1].strip() and not any(begin <= n <= end for begin, end in whole)
    ]  # fmt: skip
    return len(left) <= 1


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_a_passage_is_called_the_same_each_time_and_no_two_alike(text: str) -> None:
    refs = [one.ref for one in cut(text)]
    assert len(set(refs)) == len(refs)
    assert refs == [one.ref for one in chunks("doc", text, first_line=7)]
    assert not set(refs) & {one.ref for one in chunks("other", text)}


def test_it_is_cut_at_headings_and_says_the_way_to_it() -> None:
    long = "Sentence. " * 90
    made = cut(f"Before.\n\n# A\n\n{long}\n\n## B\n\n{long}\n\n# C\n\nEnd.")
    assert [one.heading for one in made] == [(), ("A",), ("A", "B"), ("C",)]
    assert [(one.first_line, one.last_line) for one in made] == [(1, 1), (3, 5), (7, 9), (11, 13)]


def test_what_is_short_goes_on_below_its_heading_and_not_beside_it() -> None:
    made = cut("# A\n\nOne.\n\n## B\n\nTwo.\n\n## C\n\nThree.\n\n# D\n\nFour.")
    assert [(one.heading, one.first_line) for one in made] == [(("A",), 1), (("D",), 13)]


def test_a_heading_is_not_left_behind() -> None:
    nearly = "x" * (4 * (LEAST - 20))
    made = cut(f"# A\n\n{nearly}\n\n## B\n\n{'y' * 4 * (MOST - 20)}")
    assert [one.heading for one in made] == [("A",), ("A", "B")]
    assert made[1].text.startswith("## B")


def test_a_comment_in_code_is_no_heading() -> None:
    (one,) = cut("# A\n\n```\n# not a heading\n\n## nor this\n```")
    assert one.heading == ("A",)


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
def test_nothing_makes_nothing(text: str) -> None:
    assert cut(text) == ()


def test_what_no_parser_keeps_is_kept() -> None:
    (one,) = cut("[shop]: https://shop.example\n[db]: https://db.example")
    assert one.text.count("example") == 2


@pytest.mark.parametrize(
    "text",
    ["> " * 20_000, "[" * 50_000, "- " * 20_000, "`" * 50_000, "a\n" * 20_000, "|" * 50_000],
)
@pytest.mark.timeout(20)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    assert cut(text)
