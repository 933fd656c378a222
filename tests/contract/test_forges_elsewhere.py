"""What Gitea and GitHub let pass and we do not, and what they may answer."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from adapters.forge import api, gitea, github
from adapters.forge.api import Api
from adapters.forge.errors import (
    ConflictError,
    ForgeRefusedError,
    ForgeUnavailableError,
    HeadMovedError,
    NotApprovedError,
    NotHereError,
    NothingChangedError,
    ObjectedError,
    OwnPullError,
)
from adapters.forge.place import Place
from adapters.forge.port import Draft, File, Pull, Writer
from tests.doubles.forges import BOT, TOKEN, Forge, Kind
from tests.doubles.peer import BEGUN, Peer, plain

MODULES = {"gitea": gitea, "github": github}
DRAFT = Draft("A page", "", "librarian", (File("page.md", b"x\n"),), "I-1", behind=("anna",))


def place_of(forge: Forge) -> Place:
    return Place(url=forge.url, repository="site/pages", token=TOKEN, machines=frozenset({BOT}))


@pytest.fixture(params=["gitea", "github"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def forge(kind: Kind, tmp_path: Path) -> Iterator[Forge]:
    made = Forge(kind, tmp_path / "repository.git")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitea, "PAUSES", (0.0, 0.0))


@pytest.fixture
def writer(kind: Kind, forge: Forge) -> Writer:
    made: Writer = MODULES[kind].Writer(place_of(forge))
    return made


@pytest.fixture
def pull(writer: Writer) -> Pull:
    return writer.open(uuid4(), DRAFT)


def merge(writer: Writer, pull: Pull) -> Pull:
    return writer.merge(pull.number, expected_head=pull.head, by="executor")


def test_who_stands_behind_it_is_read_from_its_commits(pull: Pull) -> None:
    assert (pull.author, pull.ticket_ref) == ("librarian", "I-1")
    assert {"anna", BOT} <= set(pull.behind)


@pytest.mark.parametrize("by", [BOT, "actions[bot]", "stranger", "anna", "librarian", "ANNA"])
def test_the_approval_of_a_machine_a_stranger_or_who_is_behind_it_counts_nothing(
    forge: Forge, writer: Writer, pull: Pull, by: str
) -> None:
    forge.writers.add("ANNA")
    forge.review(pull.number, "approved", head=pull.head, by=by)
    with pytest.raises(NotApprovedError):
        merge(writer, pull)
    assert "page.md" not in forge.files()


def test_the_word_of_a_workflow_with_every_right_counts_nothing(
    forge: Forge, kind: Kind, pull: Pull
) -> None:
    forge.writers.add("actions[bot]")
    forge.review(pull.number, "approved", head=pull.head, by="actions[bot]")
    place = place_of(forge)
    if kind == "gitea":  # it does not say who is a machine: the site does
        place = replace(place, machines=frozenset({BOT, "actions[bot]"}))
    with pytest.raises(NotApprovedError):
        merge(MODULES[kind].Writer(place), pull)


@pytest.mark.parametrize("verdict", ["approved", "changes_requested"])
def test_the_word_of_one_who_may_write_no_more_counts_nothing(
    forge: Forge, writer: Writer, pull: Pull, verdict: str
) -> None:
    forge.review(pull.number, verdict, head=pull.head, by="carla")
    forge.writers.discard("carla")
    with pytest.raises(NotApprovedError):
        merge(writer, pull)
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    assert merge(writer, pull).state == "merged"


def test_a_base_that_the_forge_does_not_show_is_a_refusal(forge: Forge, kind: Kind) -> None:
    place = replace(place_of(forge), base="nobase")
    with pytest.raises(ForgeRefusedError, match="no branch nobase"):
        MODULES[kind].Writer(place).open(uuid4(), DRAFT)
    assert forge.branches() == ["main"]


def test_a_dismissed_approval_counts_nothing(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    forge.dismiss(pull.number, "ben")
    with pytest.raises(NotApprovedError):
        merge(writer, pull)


def test_a_dismissed_objection_is_over(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "changes_requested", head=pull.head, by="carla")
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    forge.dismiss(pull.number, "carla")
    assert merge(writer, pull).state == "merged"


def test_an_objection_on_a_later_page_is_heard(forge: Forge, writer: Writer, pull: Pull) -> None:
    for _ in range(4):
        forge.review(pull.number, "approved", head=pull.head, by="ben")
    forge.review(pull.number, "changes_requested", head=pull.head, by="carla")
    with pytest.raises(ObjectedError, match="carla"):
        merge(writer, pull)


def test_who_pushed_to_it_does_not_approve_it(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.commit({"page.md": b"by ben\n"}, pull.branch, "ben <ben@x>")
    now = MODULES[forge.kind].Reader(place_of(forge)).get(pull.number)
    forge.review(pull.number, "approved", head=now.head, by="ben")
    with pytest.raises(NotApprovedError):
        merge(writer, now)


def test_a_push_past_us_voids_what_was_approved(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    forge.commit({"smuggled.md": b"x\n"}, pull.branch)
    with pytest.raises(HeadMovedError):
        merge(writer, pull)
    assert "smuggled.md" not in forge.files()


def test_the_forge_is_told_which_head(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    shown = forge._shown

    def late(number: int) -> dict:  # somebody pushes between our look and the merge
        if forge.asked[-1][1].endswith("/merge"):
            forge.commit({"smuggled.md": b"x\n"}, pull.branch)
        return shown(number)

    forge._shown = late  # type: ignore[method-assign]
    with pytest.raises(HeadMovedError):
        merge(writer, pull)
    assert "smuggled.md" not in forge.files()


def test_a_merge_whose_answer_was_lost_is_found(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "approved", head=pull.head, by="ben")

    def lost() -> None:
        raise ConnectionResetError

    forge.after_merge = lost
    forge._server.handle_error = lambda *_: None  # type: ignore[assignment, method-assign]
    with pytest.raises(ForgeUnavailableError):
        merge(writer, pull)
    assert merge(writer, pull).state == "merged"


@pytest.fixture
def a_gitea(tmp_path: Path) -> Iterator[Forge]:
    made = Forge("gitea", tmp_path / "gitea.git")
    yield made
    made.close()


def test_what_a_gitea_still_looks_at_is_merged_once_it_has(a_gitea: Forge) -> None:
    there = gitea.Writer(place_of(a_gitea))
    pull = there.open(uuid4(), DRAFT)
    a_gitea.review(pull.number, "approved", head=pull.head, by="ben")
    a_gitea.unseen[pull.number] = 2
    assert merge(there, pull).state == "merged"


def test_what_a_gitea_goes_on_to_refuse_is_a_conflict(a_gitea: Forge) -> None:
    there = gitea.Writer(place_of(a_gitea))
    pull = there.open(uuid4(), DRAFT)
    a_gitea.review(pull.number, "approved", head=pull.head, by="ben")
    a_gitea.commit({"page.md": b"another\n"})
    with pytest.raises(ConflictError):
        merge(there, pull)
    assert sum(path.endswith("/merge") for _, path in a_gitea.asked) == 3


def test_what_a_gitea_does_not_let_us_merge_is_no_conflict(a_gitea: Forge) -> None:
    there = gitea.Writer(place_of(a_gitea))
    pull = there.open(uuid4(), DRAFT)
    a_gitea.review(pull.number, "approved", head=pull.head, by="ben")
    a_gitea.may_not_merge, a_gitea.unseen[pull.number] = True, 9
    with pytest.raises(ForgeRefusedError, match="not allowed to merge"):
        merge(there, pull)


def test_what_is_called_unfinished_is_refused_and_is_no_conflict(a_gitea: Forge) -> None:
    there = gitea.Writer(place_of(a_gitea))
    pull = there.open(uuid4(), replace(DRAFT, title="WIP: a page"))
    a_gitea.review(pull.number, "approved", head=pull.head, by="ben")
    with pytest.raises(ForgeRefusedError, match="Work in progress") as refused:
        merge(there, pull)
    assert refused.value.code == "forge.refused"


def test_a_tree_that_a_gitea_tells_by_pages_is_read_whole(a_gitea: Forge) -> None:
    a_gitea.commit({f"pages/{number}.md": b"x\n" for number in range(5)})
    a_gitea.tree_page = 2
    there = gitea.Writer(place_of(a_gitea))
    pull = there.open(uuid4(), DRAFT)
    reader = gitea.Reader(place_of(a_gitea))
    assert reader.content(pull.number, "pages/4.md") == b"x\n"
    with pytest.raises(NothingChangedError):
        there.open(uuid4(), replace(DRAFT, files=(File("pages/4.md", b"x\n"),)))


def test_a_gitea_whose_repository_has_no_file_left_takes_one(a_gitea: Forge) -> None:
    a_gitea.commit({}, emptied=True)
    pull = gitea.Writer(place_of(a_gitea)).open(uuid4(), DRAFT)
    assert [each.path for each in gitea.Reader(place_of(a_gitea)).changes(pull.number)] == [
        "page.md"
    ]


def test_a_branch_whose_pull_request_was_not_opened_is_found(forge: Forge, writer: Writer) -> None:
    key = uuid4()
    opened = writer.open(key, DRAFT)
    forge.pulls.clear()
    again = writer.open(key, DRAFT)
    assert again.head == opened.head


def test_who_is_behind_it_does_not_merge_it(forge: Forge, writer: Writer, pull: Pull) -> None:
    forge.review(pull.number, "approved", head=pull.head, by="ben")
    with pytest.raises(OwnPullError):
        writer.merge(pull.number, expected_head=pull.head, by="anna")


def test_a_review_by_our_account_is_refused(forge: Forge, kind: Kind, pull: Pull) -> None:
    reviewer = MODULES[kind].Reviewer(place_of(forge))
    with pytest.raises(NotHereError):
        reviewer.review(pull.number, "approved", head=pull.head, by="ben", why="")


def test_one_whose_branch_is_gone_is_still_known_by_its_key(forge: Forge, pull: Pull) -> None:
    forge.merge_as(pull.number, "carla")
    forge.delete_branch(pull.number)
    reader = MODULES[forge.kind].Reader(place_of(forge))
    there = reader.look(pull.number)
    assert (there.key, there.state, there.ended_by) == (pull.key, "merged", "carla")
    assert reader.get(pull.number).key == pull.key


def test_who_closed_it_is_known_where_the_forge_says(forge: Forge, kind: Kind, pull: Pull) -> None:
    forge.close_as(pull.number, "ben")
    there = MODULES[kind].Reader(place_of(forge)).look(pull.number)
    assert (there.state, there.ended_by) == ("closed", {"github": "ben", "gitea": ""}[kind])


def test_an_answer_without_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer()
    peer.sends(BEGUN)
    # Between two looks at the clock more time passes than one answer has.
    clock = SimpleNamespace(monotonic=count(step=3 * api.SECONDS).__next__)
    monkeypatch.setattr(api, "time", clock)
    try:
        with pytest.raises(ForgeUnavailableError, match="no end"):
            Api(peer.url, {}).get("/x")
    finally:
        peer.close()


def test_a_wrong_token_is_a_refusal(forge: Forge, kind: Kind) -> None:
    place = Place(url=forge.url, repository="site/pages", token="wrong")
    with pytest.raises(ForgeRefusedError):
        MODULES[kind].Reader(place).get(1)


def test_a_token_is_not_sent_in_the_clear(kind: Kind) -> None:
    with pytest.raises(ForgeRefusedError, match="https"):
        MODULES[kind].Reader(Place(url="http://forge.example", repository="a/b", token="secret"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        plain("200 OK", b"<html>login</html>"),
        plain("200 OK", b'{"number": '),
        plain("200 OK", b"[]"),
        plain("200 OK", json.dumps({"number": "x"}).encode()),
        plain("500 Oops", b"{}"),
        plain("429 Slow", b'{"message": "rate limit"}'),
    ],
)
def test_what_is_no_answer_leaves_it_unknown(kind: Kind, answer: bytes) -> None:
    peer = Peer()
    peer.sends(answer)
    try:
        with pytest.raises(ForgeUnavailableError):
            MODULES[kind].Reader(Place(url=peer.url, repository="a/b", token="t")).get(1)
    finally:
        peer.close()


def test_a_redirect_is_not_followed(kind: Kind) -> None:
    peer, other = Peer(), socket.create_server(("127.0.0.1", 0))
    try:
        port = other.getsockname()[1]
        head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\n"
        peer.sends(f"{head}Content-Length: 0\r\n\r\n".encode())
        with pytest.raises(ForgeRefusedError):
            MODULES[kind].Reader(Place(url=peer.url, repository="a/b", token="t")).get(1)
        other.setblocking(False)  # noqa: FBT003 - the library's own
        with pytest.raises(BlockingIOError):
            other.accept()
    finally:
        peer.close()
        other.close()
