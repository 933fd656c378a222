"""A document cut into passages: at headings, near a size, and never within a table or code. Pure.

Passages do not overlap and leave out no line but blank ones at their ends, so that each can be
cited by the lines where it stands.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

LEAST: Final = 200
MOST: Final = 400
"""In tokens: what is shorter goes on into the headings below its own, what is longer is cut."""
SIGNS_PER_TOKEN: Final = 4
WHOLE: Final = frozenset({"fence", "code_block", "table_open"})
"""What is never cut, however long."""
NEWEST: Final = 1
"""Raised with any change of where passages are cut or how they are called."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of a document, the first counted as 1, and the way of headings to them."""

    ref: str
    heading: tuple[str, ...]
    text: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """Lines that stay together: a heading (`level` above 0), a block, or a part of a long one."""

    begin: int
    end: int
    level: int
    under: int
    path: tuple[str, ...]


def tokens(text: str) -> int:
    """Return about how many tokens a text is for a model."""
    return -(-len(text) // SIGNS_PER_TOKEN)


def chunks(document: str, body: str, *, first_line: int = 1) -> tuple[Chunk, ...]:
    """Cut a document's body, whose first line is this one of its file, into passages."""
    lines = body.split("\n")
    seen: Counter[str] = Counter()
    made: list[Chunk] = []
    for group in _packed(_units(body, lines), lines):
        begin, end = _trimmed(lines, group[0].begin, group[-1].end)
        if begin == end:
            continue
        path, text = _subject(group).path, "\n".join(lines[begin:end])
        same = json.dumps([document, path, text])
        ref = hashlib.sha256(json.dumps([same, seen[same]]).encode()).hexdigest()
        seen[same] += 1
        made.append(Chunk(ref, path, text, first_line + begin, first_line + end - 1))
    return tuple(made)


def _units(body: str, lines: Sequence[str]) -> Iterator[_Unit]:
    """Yield what stays together, in order; each goes on to where the next begins."""
    parsed = MarkdownIt("commonmark").enable("table").parse(body)
    whole = [one.map for one in parsed if one.type in WHOLE and one.map]
    tops: list[tuple[int, Token | None]] = [
        (n, one) for n, one in enumerate(parsed) if one.level == 0 and one.map
    ]
    begins = [0, *(one.map[0] for _, one in tops[1:] if one and one.map), len(lines)]
    stack: list[tuple[int, str]] = []
    for place, (n, one) in enumerate(tops or [(0, None)]):
        level = int(one.tag[1:]) if one and one.type == "heading_open" else 0
        if level:
            while stack and stack[-1][0] >= level:
                stack.pop()
            stack.append((level, _heading(parsed[n + 1])))
        path, under = tuple(title for _, title in stack), stack[-1][0] if stack else 0
        begin, end = begins[place], begins[place + 1]
        parts = [(begin, end)] if level else _parts(lines, begin, end, whole)
        for first, last in parts:
            yield _Unit(first, last, level, under, path)


def _heading(inline: Token) -> str:
    return " ".join(inline.content.split())[:200]


def _parts(
    lines: Sequence[str], begin: int, end: int, whole: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """Return a block as it is, or one that is too long in parts that end with a line."""
    if _size(lines, begin, end) <= MOST:
        return [(begin, end)]
    kept = {line for first, last in whole for line in range(first + 1, last)}
    cuts = [line for line in range(begin + 1, end) if line not in kept] + [end]
    parts: list[tuple[int, int]] = []
    first = last = begin
    for cut in cuts:
        if last > first and _size(lines, first, cut) > MOST:
            parts.append((first, last))
            first = last
        last = cut
    return [*parts, (first, last)]


def _packed(units: Iterator[_Unit], lines: Sequence[str]) -> Iterator[list[_Unit]]:
    """Yield the units of one passage after another."""
    group: list[_Unit] = []
    for unit in units:
        if group and _ends(group, unit, lines):
            kept = len(group)
            # A heading goes with what follows it.
            while not unit.level and group[kept - 1].level:
                kept -= 1
            yield group[:kept]
            group = group[kept:]
        group.append(unit)
    if group:
        yield group


def _ends(group: Sequence[_Unit], unit: _Unit, lines: Sequence[str]) -> bool:
    """Tell whether a passage ends before this unit; one of headings alone never does."""
    if all(one.level for one in group):
        return False
    if _size(lines, group[0].begin, unit.end) > MOST:
        return True
    under = _subject(group).under
    is_below = under and unit.level > under
    return bool(unit.level) and (
        not is_below or _size(lines, group[0].begin, group[-1].end) >= LEAST
    )


def _subject(group: Sequence[_Unit]) -> _Unit:
    """Return the unit whose headings the passage is under: the first that is not a heading."""
    return next((one for one in group if not one.level), group[-1])


def _size(lines: Sequence[str], begin: int, end: int) -> int:
    first, last = _trimmed(lines, begin, end)
    return tokens("\n".join(lines[first:last]))


def _trimmed(lines: Sequence[str], begin: int, end: int) -> tuple[int, int]:
    while begin < end and not lines[begin].strip():
        begin += 1
    while end > begin and not lines[end - 1].strip():
        end -= 1
    return begin, end
