"""Commands are where our words say that they are: on their page, in every page, in what we tell."""

import re
from argparse import _SubParsersAction
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.management import CommandParser, get_commands, load_command_class

from ethops.env import CLONE

PAGE = CLONE / "docs/reference/commands.md"
OF_DJANGO = frozenset({"check", "migrate", "makemigrations"})
TOLD = re.compile(r"manage\.py ([a-z](?:(?!manage\.py)[^`\n<>#])*)")
QUOTED = re.compile(r"`manage\.py ([a-z][^`]*)`")


@dataclass(frozen=True)
class Part:
    """What one command takes, after all its words."""

    last: bool
    options: frozenset[str]
    needed: frozenset[str]


def _parts(words: tuple[str, ...], parser: CommandParser) -> Iterator[tuple[tuple[str, ...], Part]]:
    below = [each for each in parser._actions if isinstance(each, _SubParsersAction)]
    options = frozenset(name for each in parser._actions for name in each.option_strings)
    needed = frozenset(
        each.option_strings[-1] for each in parser._actions if each.option_strings and each.required
    )
    yield words, Part(last=not below, options=options, needed=needed)
    for each in below:
        for name, inner in each.choices.items():
            yield from _parts((*words, name), inner)


PARTS = {
    words: part
    for name, room in get_commands().items()
    if room in {"ethops", "audit"}
    for words, part in _parts(
        (name,), load_command_class(room, name).create_parser("manage.py", name)
    )
}


def _named(said: str) -> tuple[str, ...]:
    """Return the longest command that these words begin with."""
    words = [word.strip(".,;:()[]\"'") for word in said.split()]
    return max((tuple(words[:n]) for n in range(4) if tuple(words[:n]) in PARTS), default=())


def _options_of(words: tuple[str, ...]) -> frozenset[str]:
    """Return what it takes, and what its parts take: a text may leave open which of them."""
    return frozenset().union(
        *(part.options for each, part in PARTS.items() if each[: len(words)] == words)
    )


def _is_wrong(said: str) -> bool:
    words = _named(said)
    if not words:
        return said.split(maxsplit=1)[0] not in OF_DJANGO
    own = re.split(r" -- | && | \\| ", said)[0]
    return not set(re.findall(r"--[a-z][a-z-]*", own)) <= _options_of(words)


def _text(path: Path) -> str:
    # Of words over several lines of code the seams are nothing.
    return re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))


def _code() -> Iterator[Path]:
    for room in ("adapters", "audit", "ethops", "gpu", "personas"):
        for kind in ("py", "sql", "html"):
            yield from (CLONE / room).rglob(f"*.{kind}")


def test_the_page_names_each_command_once_and_no_other() -> None:
    commands, _, _ = PAGE.read_text(encoding="utf-8").partition("## What `check` finds")
    rows = re.findall(r"^\| (`.*?) \|", commands, re.MULTILINE)
    named = sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row))
    assert named == sorted(
        ["check", *(" ".join(name) for name, part in PARTS.items() if part.last)]
    )


def test_commands_and_options_that_pages_tell_are_there() -> None:
    pages = [*CLONE.glob("*.md"), *CLONE.glob("docs/*.md"), *CLONE.glob("docs/reference/**/*.md")]
    told = [(path.name, said) for path in pages for said in TOLD.findall(_text(path))]
    assert len(told) > 100
    assert [one for one in told if _is_wrong(one[1])] == []


def test_commands_and_options_that_the_code_tells_are_there() -> None:
    told = [(path.name, said) for path in _code() for said in TOLD.findall(_text(path))]
    assert len(told) > 50
    assert [one for one in told if _is_wrong(one[1])] == []


def test_whom_a_message_tells_what_to_type_is_told_the_whole_of_it() -> None:
    wrong = []
    for path in _code():
        for said in QUOTED.findall(_text(path)):
            words = _named(said)
            # A command that is only named, without what it is about, is looked up.
            if words and len(said.split()) > len(words) and "management" not in path.parts:
                wrong += [
                    (path.name, said, name) for name in PARTS[words].needed if name not in said
                ]
    assert wrong == []


def test_the_page_names_each_fault_that_check_finds() -> None:
    _, _, faults = PAGE.read_text(encoding="utf-8").partition("## What `check` finds")
    code = "\n".join(_text(path) for path in _code() if path.name == "checks.py")
    there = re.findall(r"\"([a-z]+\.[EW]\d{3})\"", code)
    assert len(there) > 15
    assert sorted(re.findall(r"`([a-z]+\.[EW]\d{3})`", faults)) == sorted(set(there))
