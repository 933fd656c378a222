"""A play runs from a copy, and only from the copy that was approved."""

import pytest

from ethops.executor.errors import TreeChangedError
from ethops.executor.export import export
from personas.catalogue import tree_hash


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "entry"
    (folder / "library").mkdir(parents=True)
    (folder / "playbook.yaml").write_text("- hosts: all\n")
    (folder / "library" / "module.py").write_text("print()\n")
    return folder


def test_the_copy_of_an_approved_tree_has_its_hash(tree, tmp_path):
    export(tree, tmp_path / "copy", expected=tree_hash(tree))
    assert tree_hash(tmp_path / "copy") == tree_hash(tree)


def test_bytecode_beside_a_module_is_not_taken_along(tree, tmp_path):
    approved = tree_hash(tree)
    (tree / "library" / "__pycache__").mkdir()
    (tree / "library" / "__pycache__" / "module.pyc").write_bytes(b"evil")
    export(tree, tmp_path / "copy", expected=approved)
    assert not (tmp_path / "copy" / "library" / "__pycache__").exists()


def edit(tree):
    (tree / "playbook.yaml").write_text("- hosts: localhost\n")


def add(tree):
    (tree / "library" / "second.py").write_text("")


def remove(tree):
    (tree / "library" / "module.py").unlink()


def link(tree):
    (tree / "library" / "link.py").symlink_to("/etc/passwd")


def link_to_folder(tree):
    (tree / "roles").symlink_to("/etc")


@pytest.mark.parametrize("change", [edit, add, remove, link, link_to_folder])
def test_a_tree_that_changed_after_its_approval_does_not_run(tree, tmp_path, change):
    approved = tree_hash(tree)
    change(tree)
    with pytest.raises(TreeChangedError):
        export(tree, tmp_path / "copy", expected=approved)


def test_a_tree_that_is_gone_does_not_run(tmp_path):
    with pytest.raises(TreeChangedError):
        export(tmp_path / "none", tmp_path / "copy", expected="")
