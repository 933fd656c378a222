"""The forge contract, held by every adapter."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from unittest.mock import ANY
from uuid import UUID, uuid4

import pytest
from django.db import connections
from psycopg import DatabaseError
from psycopg.errors import InsufficientPrivilege

from adapters.forge import embedded
from adapters.forge.errors import (
    ChangeRefusedError,
    ConflictError,
    ForgeError,
    ForgeRefusedError,
    HeadMovedError,
    NotApprovedError,
    NothingChangedError,
    NotOpenError,
    ObjectedError,
    OwnPullError,
    PullNotFoundError,
)
from adapters.forge.place import Place
from adapters.forge.port import Change, Draft, File, Pull, Reader, Verdict, Writer
from adapters.forge.repository import Repository
from ethops.executor.git import BareGit
from tests.doubles.forges import BOT, TOKEN, Kind
from tests.doubles.forges import Forge as Elsewhere

GIT = shutil.which("git") or "git"
KEY = UUID("12345678-1234-5678-1234-567812345678")
PAGE = File("pages/shop.md", b"# The shop\n\nRestart it by night.\n")
DRAFT = Draft(
    title="How the shop is restarted",
    body="Learned from I-1.",
    author="librarian",
    files=(PAGE, File("index.md", b"- shop\n")),
    ticket_ref="I-1",
    behind=("anna",),
)


@dataclass
class Forge:
    """One adapter under test, and the people of it: `ben` and `carla` may review, `anna` too."""

    reader: Reader
    writer: Writer
    review: Callable[..., None]
    """`review(number, verdict, head=..., by=...)`, as a person does it there."""
    bases: Callable[[], dict[str, bytes]]
    """What the base holds now."""
    direct: Callable[[dict[str, bytes]], None]
    """Somebody changes the base past every pull request."""
    branches: Callable[[], list[str]]
    """What branches there are."""
    elsewhere: Elsewhere | None = None

    def open(self, draft: Draft = DRAFT, key: UUID = KEY) -> Pull:
        return self.writer.open(key, draft)

    def approve(self, pull: Pull, by: str = "ben", verdict: Verdict = "approved") -> None:
        self.review(pull.number, verdict, head=pull.head, by=by)

    def merge(self, pull: Pull) -> Pull:
        return self.writer.merge(pull.number, expected_head=pull.head, by="executor")


def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    ran = subprocess.run(
        [GIT, f"--git-dir={folder}", *words], input=stdin, capture_output=True, check=True
    )
    return ran.stdout


def files_of(folder: Path, ref: str = "main") -> dict[str, bytes]:
    names = git(folder, "ls-tree", "-r", "-z", "--name-only", ref).decode().split("\0")
    return {name: git(folder, "cat-file", "blob", f"{ref}:{name}") for name in names if name}


def branches_of(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname:lstrip=2)").decode().split()


def commit_to(folder: Path, files: dict[str, bytes], ref: str = "refs/heads/main") -> None:
    parts = [f"commit {ref}\ncommitter x <x@x> 1 +0000\ndata 0\nfrom {ref}^0\n".encode()]
    for path, content in files.items():
        parts.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    git(folder, "fast-import", "--quiet", stdin=b"".join(parts))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(folder=tmp_path / "repository.git")


def people_of_the_desk() -> None:
    from django.contrib.auth.models import Permission, User

    may = Permission.objects.get(codename="approve_pull", content_type__app_label="forge")
    for name in ("anna", "ben", "carla"):
        person = User.objects.create_user(name, is_staff=True)
        person.user_permissions.add(may)
    User.objects.create_user("guest").user_permissions.add(may)
    User.objects.create_user("clerk", is_staff=True)


@pytest.fixture
def ours(place: Place, become: Callable[[str], None]) -> Forge:
    become("app")
    people_of_the_desk()
    become("executor")
    Repository(BareGit(place.folder), place.base).tip()
    writer = embedded.Writer(place, BareGit(place.folder))

    def review(number: int, verdict: Verdict, *, head: str, by: str) -> None:
        # The desk has a door of its own, which asks for a code: ethops/pulls/doors.py.
        become("owner")
        try:
            embedded.Reviewer(place).review(number, verdict, head=head, by=by, why="so")
        finally:
            become("executor")

    return Forge(
        embedded.Reader(place),
        writer,
        review,
        lambda: files_of(place.folder),
        lambda files: commit_to(place.folder, files),
        lambda: branches_of(place.folder),
    )


def at(kind: Kind, folder: Path) -> Iterator[Forge]:
    made = Elsewhere(kind, folder)
    module = import_module(f"adapters.forge.{kind}")
    place = Place(url=made.url, repository="site/pages", token=TOKEN, machines=frozenset({BOT}))
    yield Forge(
        module.Reader(place),
        module.Writer(place),
        made.review,
        made.files,
        made.commit,
        made.branches,
        made,
    )
    made.close()


@pytest.fixture
def gitea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    monkeypatch.setattr(import_module("adapters.forge.gitea"), "PAUSES", (0.0,))
    yield from at("gitea", tmp_path / "gitea.git")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Forge]:
    yield from at("github", tmp_path / "github.git")


@pytest.fixture(params=["ours", "gitea", "github"])
def forge(request: pytest.FixtureRequest) -> Forge:
    made: Forge = request.getfixturevalue(request.param)
    return made


# ---------------------------------------------------------------- held by every adapter


def test_one_question_says_where_it_stands(forge: Forge) -> None:
    pull = forge.open()
    first = forge.reader.look(pull.number)
    assert first == forge.reader.look(pull.number)
    assert (first.number, first.key, first.head, first.state) == (1, KEY, pull.head, "open")
    assert (first.merged_as, first.ended_by) == ("", "")
    forge.approve(pull)
    assert forge.reader.look(pull.number) == replace(first, mark=ANY)
    assert forge.reader.look(pull.number).mark != first.mark
    merged = forge.merge(pull)
    there = forge.reader.look(pull.number)
    assert (there.state, there.merged_as, there.head) == ("merged", merged.merged_as, pull.head)
    assert there.ended_by in {"executor", BOT}


def test_one_that_was_closed_says_so(forge: Forge) -> None:
    pull = forge.open()
    forge.writer.close(pull.number, by="executor", why="no longer true")
    there = forge.reader.look(pull.number)
    assert (there.state, there.merged_as, there.key) == ("closed", "", KEY)
    with pytest.raises(PullNotFoundError):
        forge.reader.look(pull.number + 1)


def test_what_was_opened_reads_back(forge: Forge) -> None:
    pull = forge.open()
    assert forge.reader.get(pull.number) == pull
    assert forge.reader.find(KEY) == pull
    assert forge.reader.pulls("open") == (pull,)
    assert (pull.title, pull.state, pull.base) == (DRAFT.title, "open", "main")
    assert forge.reader.content(pull.number, PAGE.path) == PAGE.content
    assert forge.reader.changes(pull.number) == (
        Change("index.md", "added", 7),
        Change(PAGE.path, "added", len(PAGE.content or b"")),
    )


def test_a_repeat_opens_nothing(forge: Forge) -> None:
    pull = forge.open()
    assert forge.open(replace(DRAFT, title="Otherwise")) == pull
    assert len(forge.reader.pulls("open")) == 1


def test_the_base_is_as_before_until_it_is_merged(forge: Forge) -> None:
    before = forge.bases()
    forge.approve(forge.open())
    assert forge.bases() == before


def test_what_a_person_approved_is_merged(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    merged = forge.merge(pull)
    assert merged.state == "merged"
    assert merged.merged_as
    assert forge.bases()[PAGE.path] == PAGE.content
    assert forge.merge(pull) == merged, "a repeat changes nothing"
    assert forge.reader.pulls("open") == ()
    assert forge.reader.pulls("merged") == (merged,)


def test_nobody_s_word_merges_nothing(forge: Forge) -> None:
    pull = forge.open()
    with pytest.raises(NotApprovedError):
        forge.merge(pull)
    forge.approve(pull, verdict="commented")
    with pytest.raises(NotApprovedError):
        forge.merge(pull)


def test_a_push_voids_what_was_approved(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    pushed = forge.writer.push(
        pull.number, [File("more.md", b"more\n")], expected_head=pull.head, by="librarian"
    )
    assert pushed.head != pull.head
    with pytest.raises(NotApprovedError):
        forge.merge(pushed)
    with pytest.raises(HeadMovedError):
        forge.merge(pull)
    forge.approve(pushed)
    forge.merge(pushed)
    assert forge.bases()["more.md"] == b"more\n"


def test_a_push_on_another_head_is_refused(forge: Forge) -> None:
    pull = forge.open()
    more = [File("more.md", b"more\n")]
    forge.writer.push(pull.number, more, expected_head=pull.head, by="librarian")
    with pytest.raises(HeadMovedError):
        forge.writer.push(pull.number, more, expected_head=pull.head, by="librarian")


def test_who_asked_for_changes_is_heard_until_he_approves(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull, by="carla", verdict="changes_requested")
    forge.approve(pull, by="ben")
    with pytest.raises(ObjectedError, match="carla"):
        forge.merge(pull)
    forge.approve(pull, by="carla")
    assert forge.merge(pull).state == "merged"


def test_reviews_read_back_with_the_head_they_are_about(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull, by="carla", verdict="changes_requested")
    forge.approve(pull)
    said = [(r.reviewer, r.verdict, r.head, r.counts) for r in forge.reader.reviews(pull.number)]
    assert said == [
        ("carla", "changes_requested", pull.head, True),
        ("ben", "approved", pull.head, True),
    ]


def test_the_base_may_have_moved_elsewhere(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    forge.direct({"elsewhere.md": b"x\n"})
    forge.merge(pull)
    assert {"elsewhere.md", PAGE.path} <= set(forge.bases())


def test_what_conflicts_stays_open(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    forge.direct({PAGE.path: b"something else\n"})
    with pytest.raises(ConflictError):
        forge.merge(pull)
    assert forge.reader.get(pull.number).state == "open"
    assert forge.bases()[PAGE.path] == b"something else\n"


def test_what_is_closed_is_not_merged(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    closed = forge.writer.close(pull.number, by="executor", why="no longer true")
    assert closed.state == "closed"
    assert forge.writer.close(pull.number, by="executor", why="again").state == "closed"
    with pytest.raises(NotOpenError):
        forge.merge(pull)
    assert PAGE.path not in forge.bases()


def test_the_branch_of_one_that_is_over_is_tidied_away(forge: Forge) -> None:
    pull = forge.open()
    other = forge.open(replace(DRAFT, title="Another"), key=uuid4())
    with pytest.raises(ForgeRefusedError):
        forge.writer.tidy(pull.number)
    forge.writer.close(pull.number, by="executor", why="no longer true")
    assert sorted(forge.branches()) == sorted(["main", pull.branch, other.branch])
    forge.writer.tidy(pull.number)
    forge.writer.tidy(pull.number)
    assert sorted(forge.branches()) == sorted(["main", other.branch]), "its own alone is deleted"
    there = forge.reader.look(pull.number)
    assert (there.key, there.state) == (KEY, "closed")


def test_what_is_merged_is_not_closed(forge: Forge) -> None:
    pull = forge.open()
    forge.approve(pull)
    forge.merge(pull)
    with pytest.raises(NotOpenError):
        forge.writer.close(pull.number, by="executor", why="too late")


def test_files_change_and_go(forge: Forge) -> None:
    forge.direct({"old.md": b"old\n", "kept.md": b"kept\n"})
    pull = forge.open(replace(DRAFT, files=(File("old.md", None), File("kept.md", b"new\n"))))
    assert [(c.path, c.kind) for c in forge.reader.changes(pull.number)] == [
        ("kept.md", "changed"),
        ("old.md", "removed"),
    ]
    with pytest.raises(PullNotFoundError):
        forge.reader.content(pull.number, "old.md")
    forge.approve(pull)
    forge.merge(pull)
    assert "old.md" not in forge.bases()
    assert forge.bases()["kept.md"] == b"new\n"


def test_what_is_not_there_is_an_error(forge: Forge) -> None:
    pull = forge.open()
    with pytest.raises(PullNotFoundError):
        forge.reader.get(pull.number + 1000)
    with pytest.raises(PullNotFoundError):
        forge.reader.content(pull.number, "absent.md")
    with pytest.raises(PullNotFoundError):
        forge.writer.merge(pull.number + 1000, expected_head=pull.head, by="executor")
    assert forge.reader.find(uuid4()) is None


REFUSED = (
    ".git/config",
    "../up.md",
    "a\nD b",
    ".github/workflows/x.yml",
    "Kept.md",
    "kept.md/below",
    "folder",
)


def test_what_may_not_be_changed_is_refused(forge: Forge) -> None:
    forge.direct({"kept.md": b"kept\n", "folder/file.md": b"x\n"})
    before = forge.bases()
    for path in REFUSED:
        with pytest.raises(ChangeRefusedError):
            forge.open(replace(DRAFT, files=(File(path, b"x"),)))
    with pytest.raises(ChangeRefusedError):
        forge.open(replace(DRAFT, files=(File("absent.md", None),)))
    assert forge.reader.pulls("open") == ()
    assert forge.bases() == before


def test_what_changes_nothing_is_refused(forge: Forge) -> None:
    forge.direct({"kept.md": b"kept\n"})
    with pytest.raises(NothingChangedError):
        forge.open(replace(DRAFT, files=(File("kept.md", b"kept\n"),)))


# ---------------------------------------------------------------- the embedded one


@pytest.mark.parametrize(
    ("by", "code"),
    [
        ("librarian", "forge.not_a_person"),
        ("anna", "forge.own_pull"),
        ("guest", "forge.not_a_person"),
        ("clerk", "forge.not_a_person"),
        ("nobody", "forge.not_a_person"),
    ],
)
def test_who_may_not_review_is_told_so(ours: Forge, by: str, code: str) -> None:
    pull = ours.open()
    with pytest.raises(ForgeError) as told:
        ours.approve(pull, by=by)
    assert told.value.code == code


def test_the_author_is_refused_even_if_he_is_a_person_who_may(ours: Forge) -> None:
    pull = ours.open(replace(DRAFT, author="ben"))
    with pytest.raises(OwnPullError):
        ours.approve(pull, by="ben")
    ours.approve(pull, by="carla")
    with pytest.raises(OwnPullError):
        ours.writer.merge(pull.number, expected_head=pull.head, by="ben")


def test_who_has_left_stands_for_nothing(ours: Forge, become: Callable[[str], None]) -> None:
    from django.contrib.auth.models import User

    pull = ours.open()
    ours.approve(pull)
    become("app")
    User.objects.filter(username="ben").update(is_active=False)
    become("executor")
    with pytest.raises(NotApprovedError):
        ours.merge(pull)


def test_a_head_that_was_not_shown_is_not_reviewed(ours: Forge) -> None:
    pull = ours.open()
    with pytest.raises(HeadMovedError):
        ours.review(pull.number, "approved", head="0" * 40, by="ben")


def test_a_branch_moved_in_the_repository_moves_nothing(ours: Forge, place: Place) -> None:
    pull = ours.open()
    ours.approve(pull)
    commit_to(place.folder, {"smuggled.md": b"x\n"}, f"refs/heads/{pull.branch}")
    ours.merge(pull)
    assert "smuggled.md" not in ours.bases()
    assert PAGE.path in ours.bases()


def test_links_and_submodules_are_never_changed(ours: Forge, place: Place) -> None:
    link = git(place.folder, "hash-object", "-w", "--stdin", stdin=b"/etc").decode().strip()
    head = git(place.folder, "rev-parse", "main").decode().strip()
    git(
        place.folder,
        "fast-import",
        "--quiet",
        stdin=(
            "commit refs/heads/main\ncommitter x <x@x> 1 +0000\ndata 0\nfrom refs/heads/main^0\n"
            f"M 120000 {link} link\nM 160000 {head} module\n"
        ).encode(),
    )
    for path in ("link", "link/passwd", "module", "module/x"):
        with pytest.raises(ChangeRefusedError):
            ours.open(replace(DRAFT, files=(File(path, b"x"),)))
    with pytest.raises(ChangeRefusedError):
        ours.open(replace(DRAFT, files=(File("link", None),)))


def test_nothing_of_the_repository_or_the_host_is_run(
    ours: Forge, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = ours.open()
    ran = tmp_path / "ran"
    for name in ("pre-receive", "update", "post-update", "reference-transaction", "post-merge"):
        hook = place.folder / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {place.folder}/hooks\n[user]\n\tname = evil\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("HOME", str(tmp_path))
    ours.approve(pull)
    ours.merge(pull)
    assert not ran.exists()
    assert PAGE.path in ours.bases()


def test_a_name_cannot_write_a_header_of_a_commit(ours: Forge, place: Place) -> None:
    pull = ours.open(replace(DRAFT, author="eve <a@b> 1 +0000\ncommitter x <y@z> 1 +0000\n"))
    text = git(place.folder, "cat-file", "commit", pull.head).decode()
    head = text.partition("\n\n")[0].splitlines()
    assert [line.split(" ")[0] for line in head] == ["tree", "parent", "author", "committer"]


def test_a_merge_that_was_cut_off_is_ended(ours: Forge, place: Place) -> None:
    class KilledError(Exception):
        pass

    class DyingGit:
        def __call__(self, *words: str, stdin: bytes = b""):
            said = BareGit(place.folder)(*words, stdin=stdin)
            if words[0] == "update-ref":
                raise KilledError
            return said

    pull = ours.open()
    ours.approve(pull)
    dying = embedded.Writer(place, DyingGit())
    with pytest.raises(KilledError):
        dying.merge(pull.number, expected_head=pull.head, by="executor")
    assert ours.reader.get(pull.number).state == "merging"
    with pytest.raises(NotOpenError):
        ours.approve(pull, by="carla", verdict="changes_requested")
    tip = git(place.folder, "rev-parse", "main").decode().strip()
    merged = ours.merge(pull)
    assert (merged.state, merged.merged_as) == ("merged", tip)
    assert git(place.folder, "rev-parse", "main").decode().strip() == tip


def test_of_many_who_merge_at_once_one_does(ours: Forge, place: Place) -> None:
    pull = ours.open()
    ours.approve(pull)

    def merge(_: int) -> Pull:
        try:
            return ours.merge(pull)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        merged = set(pool.map(merge, range(6)))
    assert len(merged) == 1
    merges = git(place.folder, "rev-list", "--merges", "--count", "main")
    assert merges.strip() == b"1"


def test_different_ones_at_once_are_all_merged(ours: Forge, place: Place) -> None:
    pulls = [ours.open(replace(DRAFT, files=(File(f"{n}.md", b"x\n"),)), uuid4()) for n in range(4)]
    for pull in pulls:
        ours.approve(pull)

    def merge(pull: Pull) -> str:
        try:
            return ours.merge(pull).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(merge, pulls)) == {"merged"}
    assert set(ours.bases()) == {f"{n}.md" for n in range(4)}


# ---------------------------------------------------------------- who may at the database

WRITES = (
    "DELETE FROM forge_review",
    "UPDATE forge_review SET verdict = 'approved'",
    "INSERT INTO forge_review (pull_id, reviewer, verdict, head) VALUES (1, 'ben', 'approved', '')",
    "UPDATE forge_pullrequest SET state = 'merged', merged_as = 'x'",
    "DELETE FROM forge_pullrequest",
)


@pytest.mark.parametrize("name", ["app", "executor", "agent"])
def test_rows_are_written_through_doors_alone(ours: Forge, role, name: str) -> None:
    ours.approve(ours.open())
    link = role(name)
    for statement in WRITES:
        with pytest.raises(InsufficientPrivilege, match="permission denied"):
            link.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM forge_review",
        "UPDATE forge_review SET verdict = 'commented'",
        "TRUNCATE forge_review",
        "UPDATE forge_pullrequest SET author = 'x'",
        "UPDATE forge_pullrequest SET state = 'merged', merged_as = 'x'",
        "DELETE FROM forge_pullrequest",
    ],
)
def test_the_owner_does_not_rewrite_what_was_said(ours: Forge, role, statement: str) -> None:
    ours.approve(ours.open())
    with pytest.raises(DatabaseError, match=r"stays|does not change|no move"):
        role("owner").execute(statement)


DOORS = {
    "review_pull(1, '', '', 'approved', '')": set(),
    "close_pull(1, '', '')": {"executor"},
    "open_pull(gen_random_uuid(), 'b', '', '', '', '', '', '[]', '', '[]')": {"executor"},
    "begin_merge(1, '', '')": {"executor"},
    "hold_merging(1)": {"executor"},
    "end_merge(1, '')": {"executor"},
    "abandon_merge(1)": {"executor"},
    "push_pull(1, '', '', '[]')": {"executor"},
    "hold(1, '')": {"executor"},
    "standing(1)": set(),
}


@pytest.mark.parametrize("name", ["app", "executor", "agent", "gpu", "audit_writer"])
def test_each_door_is_open_to_its_own(ours: Forge, role, name: str) -> None:
    link = role(name)
    for door, openers in DOORS.items():
        if name in openers:
            link.execute(f"SELECT forge.{door}")
        else:
            with pytest.raises(InsufficientPrivilege):
                link.execute(f"SELECT forge.{door}")


def test_an_agent_reads(ours: Forge, become: Callable[[str], None]) -> None:
    pull = ours.open()
    ours.approve(pull)
    become("agent")
    assert ours.reader.get(pull.number) == pull
    assert ours.reader.reviews(pull.number)[0].counts
