"""A play never runs from the checkout: its files are copied, and the copy is what is hashed."""

import shutil
from pathlib import Path

from ethops.executor.errors import TreeChangedError
from personas.catalogue import IGNORED, tree_hash
from personas.errors import UnsafeTreeError


def export(source: Path, target: Path, *, expected: str) -> None:
    """Copy a playbook's folder to `target`, which must not exist yet.

    Raises:
        TreeChangedError: the copy is not what was approved; nothing may run from it.
    """
    try:
        # Links are copied as links, so that the hash of the copy refuses them.
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(IGNORED))
        found = tree_hash(target)
    except (OSError, UnsafeTreeError) as fault:
        raise TreeChangedError(f"{source.name} cannot be exported: {fault}") from fault
    if found != expected:
        raise TreeChangedError(
            f"{source.name} has hash {found[:12]}, approved was {expected[:12] or 'none'}"
        )
