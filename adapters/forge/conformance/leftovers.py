"""What a check that was killed left at a forge: closed, and its branch deleted."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.forge.errors import ForgeError, ForgeUnavailableError
from adapters.forge.git import Git
from adapters.forge.port import Pull, Reader, Writer
from adapters.forge.repository import Repository
from adapters.markers import AFTER, is_of_check
from adapters.rows import now, select

BY: Final = "ethops-check"
"""The author of all that a check opens."""
OVER: Final = "It was opened by a check, which is over."
MOST_OPEN: Final = 50
MOST_CLOSED: Final = 10
"""More than one check opens: one that was killed may not have come to the branch."""
_BRANCHES: Final = (
    "--format=%(refname:lstrip=2)%00%(committerdate:unix)%00%(authorname)%00%(subject)"
)


def is_own(folder: Path) -> bool:
    """Tell whether a folder is of the user that this process runs as."""
    return folder.stat().st_uid == os.geteuid()


def here(git: Git, base: str, marker: str) -> tuple[str, ...]:
    """Delete branches of checks that no row knows: the rows went with their transaction."""
    said = git("for-each-ref", _BRANCHES, "refs/heads/ethops/")
    if said.code:
        raise ForgeUnavailableError(f"git for-each-ref ended with {said.code}: {said.complaint}")
    found = tuple(_orphans(said.out.decode("utf-8", "replace"), marker))
    for branch in found:
        Repository(git, base).drop(branch)
    return tuple(f"Branch {branch} of the repository here is deleted." for branch in found)


def _orphans(listed: str, marker: str) -> Iterator[str]:
    for line in listed.splitlines():
        branch, at, author, subject = line.split("\0", 3)
        old = marker or datetime.fromtimestamp(int(at), UTC) < now() - AFTER
        if old and author == BY and is_of_check(subject, marker) and not _is_known(branch):
            yield branch


def _is_known(branch: str) -> bool:
    return bool(select("SELECT 1 FROM reading.pull WHERE branch = %s", [branch]))


def elsewhere(reader: Reader, writer: Writer, marker: str) -> tuple[str, ...]:
    """Close what checks left open, and delete the branches of it and of what was closed last."""
    done: list[str] = []
    for pull in _left(reader, marker):
        try:
            writer.close(pull.number, by=BY, why=OVER)
            writer.tidy(pull.number)
        except ForgeError as fault:
            done.append(f"Pull request {pull.number} ({pull.state}) stays at the forge: {fault}")
            continue
        if pull.state == "open":
            done.append(f"Pull request {pull.number} was open, and is closed.")
    return tuple(done)


def _left(reader: Reader, marker: str) -> Iterator[Pull]:
    """Yield what is a check's by its whole title and its commits, and ours by its branch."""
    listed = reader.pulls("open", limit=MOST_OPEN) + reader.pulls("closed", limit=MOST_CLOSED)
    for pull in listed:
        old = marker or pull.opened_at < now() - AFTER
        if old and pull.key and pull.author == BY and is_of_check(pull.title, marker):
            yield pull
