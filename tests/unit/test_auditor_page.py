"""The auditor's page against the code: its commands, its names, its length."""

import re
import shlex

import pytest
from django.core.management import CommandParser

from audit import verify
from ethops.env import CLONE
from ethops.management.commands.ledger import Command

PAGE = (CLONE / "docs/auditor.md").read_text(encoding="utf-8")
LINES = [
    line.partition("   #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
INLINE = re.findall(r"`((?:manage\.py ledger|python3 verify\.py) [^`]+)`", PAGE)
COMMANDS = [line for line in LINES + INLINE if line.startswith("manage.py ")]
CHECKS = [line for line in LINES + INLINE if line.startswith("python3 verify.py ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line):
    words = shlex.split(line)[1:]
    parser: CommandParser = Command().create_parser("manage.py", words[0])
    assert parser.parse_args(words[1:]).part in {"verify", "prove", "export", "witness", "receipts"}


@pytest.mark.parametrize("line", CHECKS)
def test_an_option_of_the_one_file_is_there(line):
    for option in re.findall(r"--[a-z]+", line):
        assert f"[{option}" in (verify.__doc__ or "")


def test_there_is_something_to_test():
    assert len(COMMANDS) >= 5
    assert len(CHECKS) >= 2


def test_what_it_names_is_there():
    named = re.findall(r"`((?:audit|tests|docs)/[\w/.]+)`", PAGE)
    linked = [f"docs/{name}" for name in re.findall(r"\]\(([^)#:]+)\)", PAGE)]
    assert [name for name in named + linked if not (CLONE / name).exists()] == []


def test_the_kinds_it_names_are_documented():
    entries = (CLONE / "docs/reference/entries.md").read_text(encoding="utf-8")
    kinds = re.findall(r"`((?:action|run|ledger|person)\.[a-z_]+)`", PAGE)
    assert kinds
    assert [kind for kind in kinds if f"`{kind}`" not in entries] == []


def test_it_fits_on_two_pages():
    words = [line for line in PAGE.splitlines() if not line.startswith("|")]
    assert len(" ".join(words).split()) <= 900
    # Besides those, one table of one line per class.
    assert len(PAGE.splitlines()) - len(words) == 2 + 28


def test_each_letter_of_the_table_is_told_where_it_ends():
    page = (CLONE / "docs/reference/exposed.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([A-Z]) \|", page, re.MULTILINE)
    letters = re.findall(r"\*\*([A-Z])\*\* ", PAGE)
    assert sorted(told) == sorted(letters) == sorted("VIPTSRWH")
