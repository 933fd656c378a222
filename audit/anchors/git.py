"""A git repository as an anchor: one commit per tree head; whoever has a clone holds us to it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dulwich.client import GitClient, HttpGitClient, LocalGitClient
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo
from urllib3.exceptions import HTTPError

from audit.anchors.anchor import TIMEOUT_SECONDS, AnchorError
from audit.ledger import notes
from audit.ledger.notes import TreeHead

FILE: Final = b"treehead"
AUTHOR: Final = b"ethops <ledger@ethops>"


@dataclass(frozen=True, slots=True)
class Git:
    """A bare repository on this host, made where there is none, and where it is pushed to."""

    repository: Path
    branch: str = "main"
    push: str = ""
    """An http(s) URL or a path; others would need a program to be started."""
    every_seconds: float = 60.0
    kind: str = field(default="git", init=False)

    def put(self, note: str) -> bytes:
        """Commit the tree head and push it; the receipt is the commit's id."""
        try:
            with self._open() as repo:
                commit = self._commit(repo, note)
                if self.push:
                    self._send(repo, commit)
        except (OSError, NotGitRepository, GitProtocolError, HTTPError, KeyError) as fault:
            raise AnchorError(f"git {self.repository}: {fault!r}") from fault
        return commit

    def holds(self, note: str, receipt: bytes) -> bool:
        """Tell whether the commit is there, on its branch, and holds this tree head."""
        try:
            with Repo(str(self.repository)) as repo:
                wanted = ObjectID(receipt)
                if not any(step.commit.id == wanted for step in repo.get_walker([self._tip(repo)])):
                    return False
                return _note_of(repo, wanted) == note.encode()
        except (OSError, NotGitRepository, KeyError, ValueError):
            return False

    def _open(self) -> Repo:
        if self.repository.exists() and any(self.repository.iterdir()):
            repo = Repo(str(self.repository))
            if repo.has_index():
                repo.close()
                raise AnchorError(f"{self.repository} is a working copy; name a bare repository")
        else:
            repo = Repo.init_bare(
                str(self.repository),
                mkdir=not self.repository.exists(),
                default_branch=self.branch.encode(),
            )
        # A receipt must not outlive its commit.
        repo.object_store.fsync_object_files = True
        return repo

    @property
    def _ref(self) -> Ref:
        return Ref(f"refs/heads/{self.branch}".encode())

    def _tip(self, repo: Repo) -> ObjectID:
        return repo.refs[self._ref]

    def _commit(self, repo: Repo, note: str) -> ObjectID:
        before = repo.refs.read_loose_ref(self._ref) or repo.refs.get_packed_refs().get(self._ref)
        parent = ObjectID(before) if before else None
        if parent is not None and _note_of(repo, parent) == note.encode():
            return parent
        head = TreeHead.parse(notes.split(note)[0])
        blob = Blob.from_string(note.encode())
        tree = Tree()
        if parent is not None:
            for entry in _tree_of(repo, parent).items():
                tree.add(entry.path, entry.mode, entry.sha)
        tree.add(FILE, 0o100644, blob.id)
        commit = Commit()
        commit.tree = tree.id
        commit.parents = [parent] if parent is not None else []
        commit.author = commit.committer = AUTHOR
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = f"{head.origin} at {head.size}\n".encode()
        for made in (blob, tree, commit):
            repo.object_store.add_object(made)
        if not repo.refs.set_if_equals(self._ref, parent, commit.id):
            raise AnchorError(f"git {self.repository}: somebody else moved {self.branch}")
        return commit.id

    def _send(self, repo: Repo, commit: ObjectID) -> None:
        client, path = _client(self.push)
        # The library's own types of the two do not meet.
        pack: Any = repo.generate_pack_data
        sent = client.send_pack(path.encode(), lambda _: {self._ref: commit}, pack)
        refused = (sent.ref_status or {}).get(self._ref)
        if refused:
            raise AnchorError(f"git: {self.push} refuses {self.branch}: {refused}")


def _client(where: str) -> tuple[GitClient, str]:
    url = urlsplit(where)
    if url.scheme in ("http", "https"):
        return HttpGitClient(f"{url.scheme}://{url.netloc}", timeout=TIMEOUT_SECONDS), url.path
    return LocalGitClient(), where


def _commit_at(repo: Repo, number: ObjectID) -> Commit:
    found = repo[number]
    if not isinstance(found, Commit):
        raise KeyError(number)
    return found


def _tree_of(repo: Repo, number: ObjectID) -> Tree:
    found = repo[_commit_at(repo, number).tree]
    if not isinstance(found, Tree):
        raise KeyError(number)
    return found


def _note_of(repo: Repo, number: ObjectID) -> bytes:
    tree = _tree_of(repo, number)
    if FILE not in tree:
        return b""
    blob = repo[tree[FILE][1]]
    return blob.data if isinstance(blob, Blob) else b""
