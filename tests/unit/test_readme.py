"""The README says what is true: its site file is a site file, and its commands are there."""

import re

from django.core.management import get_commands

from adapters import site
from ethops.env import CLONE
from personas import conf
from personas.cards import read_cards

TEXT = (CLONE / "README.md").read_text(encoding="utf-8")


def test_the_site_file_in_it_has_no_fault(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(block)
    assert site.read(file).faults == ()


def test_the_commands_in_it_are_there():
    named = set(re.findall(r"manage\.py (\w+)", TEXT))
    assert named <= set(get_commands())


def test_the_targets_in_it_are_there():
    makefile = (CLONE / "Makefile").read_text(encoding="utf-8")
    missing = [name for name in re.findall(r"`?make (\w+)", TEXT) if f"\n{name}:" not in makefile]
    assert missing == []


def test_what_it_links_to_is_there():
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert [name for name in linked if not (CLONE / name).exists()] == []


def test_the_list_of_the_reference_names_each_of_its_pages():
    folder = CLONE / "docs/reference"
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (folder / "README.md").read_text("utf-8"))
    there = {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert set(linked) == there | {"cards/"}


def test_it_counts_the_roles_that_have_runs_and_those_that_have_none():
    cards = [card.document for card in read_cards(conf.cards_folder())[0]]
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    after = words[sum(bool(card.looks_after) for card in cards)]
    described = words[sum(not card.dispatchable for card in cards)]
    assert f"one of {after} more" in TEXT
    assert f"{described} further roles are described" in TEXT
