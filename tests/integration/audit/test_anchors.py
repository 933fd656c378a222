"""Anchors: what is handed over, what is received, and what no receipt is taken for."""

import io
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo
from opentimestamps.core.notary import PendingAttestation
from opentimestamps.core.serialize import StreamDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

from audit.anchors.anchor import AnchorError, digest
from audit.anchors.git import Git
from audit.anchors.opentimestamps import Calendar
from audit.anchors.rfc3161 import Authority
from audit.ledger import notes
from tests.doubles import anchors
from tests.doubles.tree import Log


def note(size: int = 5, log: Log | None = None) -> str:
    log = log or Log().grow(40)
    return notes.sign(log.head(size).text, log.signer)


# ---------------------------------------------------------------- git


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path / "anchors.git")


def test_a_commit_holds_the_tree_head(git: Git) -> None:
    said = note()
    assert git.holds(said, git.put(said))


def test_the_commit_of_one_is_no_receipt_for_another(git: Git) -> None:
    assert not git.holds(note(6), git.put(note(5)))


def test_tree_heads_follow_each_other_on_the_branch(git: Git) -> None:
    log = Log().grow(40)
    receipts = {said: git.put(said) for said in (note(size, log) for size in (5, 9, 40))}
    assert all(git.holds(said, receipt) for said, receipt in receipts.items())
    assert len(set(receipts.values())) == 3


def test_the_same_tree_head_again_is_the_same_commit(git: Git) -> None:
    said = note()
    assert git.put(said) == git.put(said)


def test_git_itself_reads_what_was_committed(git: Git, tmp_path: Path) -> None:
    program = shutil.which("git")
    if program is None:
        pytest.skip("there is no git on PATH")
    said = note()
    receipt = git.put(said)
    shown = subprocess.run(
        [program, "-C", str(git.repository), "show", f"{receipt.decode()}:treehead"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == said


def test_a_commit_that_was_rewritten_away_is_no_receipt_any_more(git: Git) -> None:
    log = Log().grow(40)
    first, said = git.put(note(5, log)), note(9, log)
    receipt = git.put(said)
    with Repo(str(git.repository)) as repo:
        repo.refs[Ref(b"refs/heads/main")] = ObjectID(first)
    assert not git.holds(said, receipt)


def test_files_of_others_stay(git: Git) -> None:
    git.put(note(5))
    with Repo(str(git.repository)) as repo:
        other = Blob.from_string(b"theirs")
        tree = Tree()
        tree.add(b"README", 0o100644, other.id)
        repo.object_store.add_object(other)
        repo.object_store.add_object(tree)
        commit = repo[repo.refs[Ref(b"refs/heads/main")]].copy()
        assert isinstance(commit, Commit)
        commit.tree = tree.id
        repo.object_store.add_object(commit)
        repo.refs[Ref(b"refs/heads/main")] = commit.id
    git.put(note(9))
    with Repo(str(git.repository)) as repo:
        tip: Any = repo[repo.head()]
        found: Any = repo[tip.tree]
        assert b"README" in found


def test_a_working_copy_is_refused(tmp_path: Path) -> None:
    Repo.init(str(tmp_path / "copy"), mkdir=True).close()
    (tmp_path / "copy" / ".git" / "index").touch()
    with pytest.raises(AnchorError, match="working copy"):
        Git(tmp_path / "copy").put(note())


def test_it_is_pushed_to_another_host(git: Git, tmp_path: Path) -> None:
    Repo.init_bare(str(tmp_path / "far.git"), mkdir=True).close()
    said = note()
    with anchors.git_server(tmp_path / "far.git") as url:
        receipt = Git(git.repository, push=url).put(said)
    assert Git(tmp_path / "far.git").holds(said, receipt)


def test_what_could_not_be_pushed_is_pushed_later(git: Git, tmp_path: Path) -> None:
    log = Log().grow(40)
    Repo.init_bare(str(tmp_path / "far.git"), mkdir=True).close()
    with pytest.raises(AnchorError):
        Git(git.repository, push="http://127.0.0.1:9/anchors.git").put(note(5, log))
    with anchors.git_server(tmp_path / "far.git") as url:
        receipt = Git(git.repository, push=url).put(note(9, log))
    assert Git(tmp_path / "far.git").holds(note(9, log), receipt)


# ---------------------------------------------------------------- RFC 3161


def test_a_time_stamp_is_received_and_verified() -> None:
    tsa, said = anchors.Tsa(), note()
    with anchors.served(tsa.answer) as url:
        authority = Authority(url, tsa.roots)
        receipt = authority.put(said)
    assert authority.holds(said, receipt)
    assert abs((authority.at(said, receipt) - datetime.now(UTC)).total_seconds()) < 60


def test_openssl_verifies_the_time_stamp_without_us(tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl on PATH")
    tsa, said = anchors.Tsa(), note()
    with anchors.served(tsa.answer) as url:
        receipt = Authority(url, tsa.roots).put(said)
    for name, data in (("r", receipt), ("head", said.encode()), ("root", tsa.roots.encode())):
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [program, "ts", "-verify", "-in", "r", "-data", "head", "-CAfile", "root"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verification: OK" in done.stdout + done.stderr


def test_the_time_stamp_of_one_is_no_receipt_for_another() -> None:
    tsa = anchors.Tsa()
    with anchors.served(tsa.answer) as url:
        authority = Authority(url, tsa.roots)
        assert not authority.holds(note(6), authority.put(note(5)))


def test_an_authority_of_another_root_is_refused() -> None:
    tsa = anchors.Tsa()
    with anchors.served(tsa.answer) as url, pytest.raises(AnchorError):
        Authority(url, anchors.Tsa().roots).put(note())


@pytest.mark.parametrize(
    "answer", [(200, b""), (200, b"0\x00"), (200, b"garbage"), (500, b""), (200, b"\x30\x80" * 99)]
)
def test_garbage_is_no_time_stamp(answer: tuple[int, bytes]) -> None:
    with anchors.served(lambda *_: answer) as url, pytest.raises(AnchorError):
        Authority(url, anchors.Tsa().roots).put(note())


def test_an_old_answer_played_again_is_refused() -> None:
    tsa, said = anchors.Tsa(), note()
    with anchors.served(tsa.answer) as url:
        old = Authority(url, tsa.roots).put(said)
    with anchors.served(lambda *_: (200, old)) as url, pytest.raises(AnchorError, match="Nonce"):
        Authority(url, tsa.roots).put(said)


# ---------------------------------------------------------------- OpenTimestamps


def test_the_receipt_of_a_calendar_is_read_by_its_own_library() -> None:
    said = note()
    with anchors.served(anchors.calendar) as url:
        receipt = Calendar(url).put(said)
    read = DetachedTimestampFile.deserialize(StreamDeserializationContext(io.BytesIO(receipt)))
    found = [attested for _, attested in read.timestamp.all_attestations()]
    assert read.file_digest == digest(said)
    assert found == [PendingAttestation("http://calendar.example")]


def test_what_a_calendar_learns_is_not_our_digest() -> None:
    asked: list[bytes] = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append(body)
        return anchors.calendar(path, body)

    said = note()
    with anchors.served(answer) as url:
        Calendar(url).put(said)
    assert asked != [digest(said)]


def test_a_receipt_of_a_calendar_belongs_to_one_tree_head() -> None:
    with anchors.served(anchors.calendar) as url:
        receipt = Calendar(url).put(note(5))
        assert not Calendar(url).holds(note(6), receipt)


@pytest.mark.parametrize("answer", [(200, b""), (404, b""), (200, b"x" * 20_000)])
def test_an_answer_without_a_promise_is_refused(answer: tuple[int, bytes]) -> None:
    with anchors.served(lambda *_: answer) as url, pytest.raises(AnchorError):
        Calendar(url).put(note())


def test_answers_that_drip_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.anchors.posting.ANSWER_SECONDS", 0.3)
    left = threading.Event()
    with anchors.dripping(left) as url:
        with pytest.raises(AnchorError, match="no end"):
            Calendar(url).put(note())
        assert left.wait(10)


def test_a_time_stamp_without_end_is_cut() -> None:
    with (
        anchors.served(lambda *_: (200, b"x" * 1_000_000)) as url,
        pytest.raises(AnchorError, match="no end"),
    ):
        Authority(url, anchors.Tsa().roots).put(note())


@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "http://127.0.0.1:9/x y"])
def test_a_place_that_is_away_is_an_error_of_ours(where: str) -> None:
    for anchor in (Calendar(where), Authority(where, anchors.Tsa().roots)):
        with pytest.raises(AnchorError):
            anchor.put(note())
