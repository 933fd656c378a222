"""Which files may be changed, how a branch is called, and whose word stands."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.forge import files as rules
from adapters.forge.errors import ChangeRefusedError
from adapters.forge.port import Change, File, Review, Verdict
from adapters.forge.standing import Standing, standing

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/etc/passwd", "../up.md", "a/../b", "a//b", "a/./b", "a/", "./a"),
        *("a\nD b", '"a"', "a b", "a\0b", "a\\b", "C:x", "-a", "a\u200b", "é", "a\x7f"),
        *(".git/config", "a/.GIT/hooks/x", "git~1/config", ".gitmodules", ".gitattributes"),
        *(".github/workflows/x.yml", ".env", "a/.", "trailing.", "a./b", "aux.md", "x/NUL"),
        *("a/" * 120 + "b", "x" * 101),
    ],
)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ChangeRefusedError):
        rules.check([File(path, b"x")])


@pytest.mark.parametrize(
    "path", ["a", "a.md", "a/b/c.tar.gz", "_x/y-1+z", "A/b", "com", "nullable"]
)
def test_a_plain_path_is_taken(path: str) -> None:
    rules.check([File(path, b"x")])


@pytest.mark.parametrize(
    "files",
    [
        [],
        [File("huge.bin", b"x" * (MIB + 1))],
        [File(f"{n}.bin", b"x" * 900 * 1024) for n in range(5)],
        [File(f"{n}.md", b"x") for n in range(101)],
        [File("a.md", b"x"), File("A.md", b"y")],
        [File("a.md", b"x"), File("a.md", b"y")],
        [File("a", b"x"), File("a/b", b"y")],
    ],
    ids=["none", "huge", "much", "many", "cases", "twice", "file and folder"],
)
def test_what_is_too_much_or_not_apart_is_refused(files: list[File]) -> None:
    with pytest.raises(ChangeRefusedError):
        rules.check(files)


MODES = {
    "a.md": "100644",
    "run": "100755",
    "folder": "040000",
    "folder/b.md": "100644",
    "link": "120000",
    "module": "160000",
}


@pytest.mark.parametrize(
    "file",
    [
        File("link", b"x"),
        File("link", None),
        File("link/x", b"x"),
        File("module", b"x"),
        File("module/x", b"x"),
        File("folder", b"x"),
        File("folder", None),
        File("a.md/b", b"x"),
        File("absent", None),
        File("A.md", b"x"),
        File("Folder/c.md", b"x"),
        File("folder/B.md", b"x"),
    ],
)
def test_only_plain_files_are_touched(file: File) -> None:
    with pytest.raises(ChangeRefusedError):
        rules.changes([file], MODES)


def test_what_is_done_is_said_by_path() -> None:
    done = rules.changes([File("run", b"xy"), File("folder/b.md", None), File("new/c", b"")], MODES)
    assert done == (
        Change("folder/b.md", "removed", 0),
        Change("new/c", "added", 0),
        Change("run", "changed", 2),
    )


@given(key=st.uuids())
def test_a_branch_of_ours_gives_its_key_back(key: UUID) -> None:
    assert rules.key_of(rules.branch_of(key)) == key


@pytest.mark.parametrize("branch", ["main", "ethops/x", "evil/0123456789abcdef0123456789abcdef"])
def test_a_branch_of_others_gives_none(branch: str) -> None:
    assert rules.key_of(branch) is None


HEAD, OLD = "b" * 40, "a" * 40
SAID = Review("ben", "approved", HEAD, "", datetime(2026, 1, 1, tzinfo=UTC), counts=True)
OBJECTED = replace(SAID, verdict="changes_requested")


@pytest.mark.parametrize(
    ("reviews", "expected"),
    [
        ([], Standing((), ())),
        ([SAID], Standing(("ben",), ())),
        ([replace(SAID, head=OLD)], Standing((), ())),
        ([replace(SAID, counts=False)], Standing((), ())),
        ([replace(SAID, verdict="commented")], Standing((), ())),
        ([SAID, replace(SAID, verdict="commented")], Standing(("ben",), ())),
        ([SAID, OBJECTED], Standing((), ("ben",))),
        ([OBJECTED, SAID], Standing(("ben",), ())),
        ([replace(OBJECTED, head=OLD)], Standing((), ("ben",))),
        ([replace(OBJECTED, head=OLD), replace(SAID, head=OLD)], Standing((), ())),
        ([OBJECTED, replace(SAID, counts=False)], Standing((), ("ben",))),
        ([SAID, replace(OBJECTED, reviewer="carla")], Standing(("ben",), ("carla",))),
    ],
)
def test_the_last_word_of_each_stands(reviews: list[Review], expected: Standing) -> None:
    assert standing(reviews, HEAD) == expected


VERDICTS: list[Verdict] = ["approved", "changes_requested", "commented"]
reviews_said = st.builds(
    Review,
    reviewer=st.sampled_from(["ben", "carla"]),
    verdict=st.sampled_from(VERDICTS),
    head=st.sampled_from([HEAD, OLD]),
    why=st.just(""),
    at=st.just(SAID.at),
    counts=st.booleans(),
)


@given(said=st.lists(reviews_said, max_size=6))
def test_who_approves_has_said_so_of_this_head(said: list[Review]) -> None:
    found = standing(said, HEAD)
    assert not set(found.approvers) & set(found.objectors)
    for name in found.approvers:
        assert any(
            (each.reviewer, each.verdict, each.head, each.counts) == (name, "approved", HEAD, True)
            for each in said
        )
