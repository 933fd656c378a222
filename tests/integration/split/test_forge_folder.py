"""The split profile's users at the embedded forge: one writes, one reads, the rest stay out."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from adapters.forge.port import File
from adapters.forge.repository import Repository
from adapters.knowledge.errors import RepositoryAwayError
from adapters.knowledge.repository import Branch
from ethops.executor.git import BareGit
from ethops.split import accounts

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root parts users from each other"
)  # fmt: skip
USERS = {"ethops-web": 64123, "ethops-exec": 64124, "ethops-agent": 64125}
GROUPS = {"ethops-forge": 64126, "ethops-stop": 64127}


@pytest.fixture
def place() -> Iterator[Path]:
    """The forge's folder as systemd would make it, in a state folder that all may enter."""
    state = Path(tempfile.mkdtemp(prefix="ethops-state-"))
    state.chmod(0o711)
    lines = [line.split() for line in accounts.folders(state).splitlines()]
    (line,) = [line for line in lines if line[1] == f"{state}/forge"]
    _, path, mode, user, group, _ = line
    folder = Path(path)
    folder.mkdir()
    os.chown(folder, USERS[user], GROUPS[group])
    folder.chmod(int(mode, 8))
    yield folder / "repository.git"
    shutil.rmtree(state)


def groups_of(user: str) -> list[int]:
    lines = [line.split() for line in accounts.users().splitlines()]
    return [GROUPS[line[2]] for line in lines if line[0] == "m" and line[1] == user]


def done_as(user: str, what: Callable[[Path], object], place: Path) -> object:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_become, args=(user, what, place, theirs))
    child.start()
    try:
        assert ours.poll(30)
        return ours.recv()
    finally:
        child.join()


def _become(user: str, what: Callable[[Path], object], place: Path, out: Connection) -> None:
    os.setgroups(groups_of(user))
    os.setgid(USERS[user])
    os.setuid(USERS[user])
    os.umask(0o077)
    out.send(what(place))


def merge(place: Path) -> str:
    forge = Repository(BareGit(place), "main")
    tip = forge.tip()
    page = File("a.md", f"# After {tip}\n".encode())
    head, _ = forge.commit(tip, "ethops/a", [page], message="A page", author="ada")
    return forge.merge(head, message="Merge", by="ben")


def read(place: Path) -> object:
    branch = Branch(BareGit(place), "main")
    try:
        head = branch.head()
        return head, [one.path for one in branch.files(head, {}) if one.content]
    except RepositoryAwayError:
        return "refused"


def move(place: Path) -> int:
    return BareGit(place)("update-ref", "refs/heads/other", "refs/heads/main").code


def test_the_desk_reads_what_the_executor_merged_and_writes_nothing(place: Path) -> None:
    for _ in range(2):
        merged = done_as("ethops-exec", merge, place)
        assert done_as("ethops-web", read, place) == (merged, ["a.md"])
    assert done_as("ethops-web", move, place) != 0
    assert done_as("ethops-exec", move, place) == 0


def test_agents_do_not_enter(place: Path) -> None:
    done_as("ethops-exec", merge, place)
    assert done_as("ethops-agent", read, place) == "refused"
