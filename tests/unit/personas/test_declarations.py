import shutil

import pytest

from personas import conf
from personas.cards import further_bounds, read_cards
from personas.catalogue import read_catalogue, tree_hash
from personas.errors import UnsafeTreeError


@pytest.fixture
def playbooks(tmp_path):
    return shutil.copytree(conf.playbooks_folder(), tmp_path / "playbooks")


def test_our_own_cards_have_no_fault():
    assert read_cards(conf.cards_folder())[1] == []


def test_every_playbook_is_approved_as_it_lies_here():
    pinned, faults = read_catalogue(conf.playbooks_folder())
    assert (faults, [e.name for e in pinned if e.tree_hash != e.approved_hash]) == ([], [])


def test_a_changed_file_changes_the_hash(playbooks):
    folder = playbooks / "remediation" / "restart_service"
    before = tree_hash(folder)
    (folder / "playbook.yaml").write_text("---\n")
    assert tree_hash(folder) != before


def test_a_new_file_changes_the_hash(playbooks):
    folder = playbooks / "remediation" / "restart_service"
    before = tree_hash(folder)
    (folder / "empty").touch()
    assert tree_hash(folder) != before


def test_a_link_in_a_tree_is_refused(playbooks):
    folder = playbooks / "remediation" / "restart_service"
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeTreeError):
        tree_hash(folder)


def test_a_fault_in_the_catalogue_names_its_line(playbooks):
    file = playbooks / "catalogue.yaml"
    lines = file.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.strip() == "timeout_s: 60")
    lines[line - 1] = "  timeout_s: soon"
    file.write_text("\n".join(lines))
    _, faults = read_catalogue(playbooks)
    assert line in [fault.line for fault in faults]


CARD = """---
name: probe
title: Probe
purpose: Tries things.
duties: [It tries things.]
never: [It never does things.]
team: desk
first_question: triage
escalates_to: people
limits: {max_steps: 6, max_actions: 6, max_duration_s: 300}
grants:
  - verb: ticket.comment
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (CARD.replace("name: probe", "name: other"), 2),
        (CARD.replace("max_steps: 6", "max_steps: 0"), 10),
        (CARD.replace("max_steps: 6", "max_steps: 6, max_depth: 21"), 10),
        (CARD.replace("ticket.comment", "root.shell"), 12),
        (CARD + "  - verb: playbook.run\n", 13),
        (CARD + "powers: all\n", 13),
    ],
    ids=["name", "limit", "depth", "verb", "unbounded", "unknown key"],
)
def test_a_fault_in_a_card_names_its_line(tmp_path, text, line):
    (tmp_path / "probe.yaml").write_text(text)
    _, faults = read_cards(tmp_path)
    assert line in [fault.line for fault in faults]


def test_what_a_card_does_not_bound_is_left_to_the_gate(tmp_path):
    (tmp_path / "probe.yaml").write_text(CARD.replace("max_steps: 6", "max_steps: 6, max_depth: 2"))
    ((card,), _) = read_cards(tmp_path)
    said = card.document.limits.said()
    assert set(said) == {
        "max_steps",
        "max_actions",
        "max_duration_s",
        "max_concurrent",
        "max_depth",
    }
    assert further_bounds(said) == ["2 runs deep"]
