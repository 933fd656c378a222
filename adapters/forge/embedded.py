"""The default behind the forge contract: rows say what is so, a bare repository keeps the bytes.

What is merged is the head that stands in the row. A branch that somebody moved in the repository
changes nothing of what was proposed, approved or merged.
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from dulwich.errors import NotGitRepository
from dulwich.object_store import tree_lookup_path
from dulwich.objects import Blob, Commit
from dulwich.repo import Repo

from adapters.forge import files as rules
from adapters.forge import standing
from adapters.forge.errors import (
    ConflictError,
    ForgeError,
    ForgeRefusedError,
    HeadMovedError,
    NotAPersonError,
    NotApprovedError,
    NotOpenError,
    ObjectedError,
    OwnPullError,
    PullNotFoundError,
)
from adapters.forge.git import Git
from adapters.forge.place import Place
from adapters.forge.port import (
    Capability,
    Change,
    Draft,
    File,
    Pull,
    Review,
    Seen,
    State,
    Verdict,
)
from adapters.forge.repository import Repository
from adapters.rows import select
from adapters.text import one_line, plain

_PULL: Final = """
    SELECT number, key, title, body, author, behind, ticket_ref, branch, base, head, state,
           merged_as, opened_at
    FROM reading.pull
"""
_SEEN: Final = """
    SELECT number, key, head, state, merged_as, CASE state WHEN 'merging' THEN '' ELSE ended_by END
           AS ended_by, concat_ws(':', state, head, (
               SELECT count(*) FROM reading.pull_review r WHERE r.number = p.number)) AS mark
    FROM reading.pull p WHERE number = %s
"""
_REFUSALS: Final[dict[str, tuple[type[ForgeError], str]]] = {
    PullNotFoundError.code: (PullNotFoundError, "there is no such pull request"),
    HeadMovedError.code: (HeadMovedError, "it has another head than the one that was looked at"),
    NotOpenError.code: (NotOpenError, "it is no longer open"),
    OwnPullError.code: (OwnPullError, "whoever is behind it neither approves nor merges it"),
    NotAPersonError.code: (NotAPersonError, "only a person who may approve reviews it"),
    NotApprovedError.code: (NotApprovedError, "nobody has approved this head"),
    ObjectedError.code: (ObjectedError, "somebody asked for changes and has not approved since"),
}


class Reader:
    """Reads the views of schema `reading`, which every role may, and the bytes with a library."""

    capabilities: frozenset[Capability] = frozenset({"review"})

    def __init__(self, place: Place) -> None:
        self._folder = place.folder

    def get(self, number: int) -> Pull:
        """Return a pull request."""
        return _get(number)

    def look(self, number: int) -> Seen:
        """Return where it stands."""
        rows = select(_SEEN, [number])
        if not rows:
            raise _refused(PullNotFoundError.code, number)
        return Seen(**rows[0])

    def find(self, key: UUID) -> Pull | None:
        """Return the pull request that was opened by this key."""
        rows = select(f"{_PULL} WHERE key = %s", [key])
        return _pull(rows[0]) if rows else None

    def pulls(self, state: State = "open", *, limit: int = 50) -> tuple[Pull, ...]:
        """Return pull requests in a state, newest first."""
        found = select(f"{_PULL} WHERE state = %s ORDER BY number DESC LIMIT %s", [state, limit])
        return tuple(_pull(row) for row in found)

    def changes(self, number: int) -> tuple[Change, ...]:
        """Return what its head does to which files, by path."""
        rows = select("SELECT changes FROM reading.pull WHERE number = %s", [number])
        if not rows:
            raise _refused(PullNotFoundError.code, number)
        return tuple(Change(**each) for each in json.loads(rows[0]["changes"]))

    def content(self, number: int, path: str) -> bytes:
        """Return a file as its head has it."""
        head = _get(number).head
        try:
            with Repo(str(self._folder)) as repository:
                return _content(repository, head.encode(), path.encode())
        except (KeyError, NotGitRepository, NotADirectoryError) as fault:
            raise PullNotFoundError(f"Pull request {number} has no file {path!r}.") from fault

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Return what was said of it, oldest first."""
        return _reviews(number)


class Writer:
    """Writes commits first and then the row; the executor's role alone has the right to."""

    def __init__(self, place: Place, git: Git) -> None:
        self._repository = Repository(git, place.base)
        self._base = place.base

    def open(self, key: UUID, draft: Draft) -> Pull:
        """Put the changes on a branch of their own; a repeat finds the row that was written."""
        there = select(f"{_PULL} WHERE key = %s", [key])
        if there:
            return _pull(there[0])
        title, body = one_line(draft.title, 200), plain(draft.body, 20_000)
        branch = rules.branch_of(key)
        message = "\n\n".join(filter(None, [title, body]))
        head, changes = self._repository.commit(
            self._repository.tip(), branch, draft.files, message=message, author=draft.author
        )
        row = select(
            "SELECT forge.open_pull(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) AS number",
            [key, branch, self._base, head, title, body, draft.author,
             json.dumps(draft.behind), draft.ticket_ref, _stored(changes)],
        )  # fmt: skip
        return _get(row[0]["number"])

    def push(self, number: int, files: Sequence[File], *, expected_head: str, by: str) -> Pull:
        """Add a commit to its branch."""
        pull = _get(number)
        with transaction.atomic():
            _asked(number, "SELECT forge.hold(%s, %s) AS code", [number, expected_head])
            message = f"{pull.title}\n\nPushed by {by}."
            head, _ = self._repository.commit(
                expected_head, pull.branch, files, message=message, author=by
            )
            whole = self._repository.compared(self._repository.fork(head), head)
            _asked(
                number,
                "SELECT forge.push_pull(%s, %s, %s, %s) AS code",
                [number, expected_head, head, _stored(whole)],
            )
        return _get(number)

    def merge(self, number: int, *, expected_head: str, by: str) -> Pull:
        """Write down that this head is being merged, merge it, and write down what came of it."""
        self._begin(number, expected_head, by)
        try:
            with transaction.atomic():
                # A second process waits here, and finds that it has been merged.
                if select("SELECT forge.hold_merging(%s) AS held", [number])[0]["held"]:
                    self._merge_held(_get(number), by)
        except ConflictError:
            select("SELECT forge.abandon_merge(%s)", [number])
            raise
        return _get(number)

    def close(self, number: int, *, by: str, why: str) -> Pull:
        """Close it unmerged."""
        _asked(
            number,
            "SELECT forge.close_pull(%s, %s, %s) AS code",
            [number, by, one_line(why, 500)],
        )
        return _get(number)

    def tidy(self, number: int) -> None:
        """Delete its branch; its row keeps the head, which nobody needs any more."""
        pull = _get(number)
        if pull.state not in {"merged", "closed"}:
            raise ForgeRefusedError(f"Pull request {number} is {pull.state}.")
        self._repository.drop(pull.branch)

    def _begin(self, number: int, head: str, by: str) -> None:
        query = "SELECT forge.begin_merge(%s, %s, %s) AS code"
        code = select(query, [number, head, by])[0]["code"]
        if code in (ObjectedError.code, NotApprovedError.code):
            # The same rule once more, for the names.
            standing.check(standing.standing(_reviews(number), head), number, head)
        if code:
            raise _refused(code, number)

    def _merge_held(self, pull: Pull, by: str) -> None:
        message = f"{pull.title} (#{pull.number})\n\nMerges {pull.head} by {pull.author}."
        made = self._repository.merge(pull.head, message=message, by=by)
        select("SELECT forge.end_merge(%s, %s)", [pull.number, made])


class Reviewer:
    """The door for people; the database says who is one."""

    def __init__(self, place: Place) -> None:
        """Take the place, as every adapter's does; the rows are those of this database."""

    def review(self, number: int, verdict: Verdict, *, head: str, by: str, why: str) -> Review:
        """Write down what a person thinks of the head that he was shown."""
        _asked(
            number,
            "SELECT forge.review_pull(%s, %s, %s, %s, %s) AS code",
            [number, head, by, verdict, plain(why, 2000)],
        )
        return next(each for each in reversed(_reviews(number)) if each.reviewer == by)


def _get(number: int) -> Pull:
    rows = select(f"{_PULL} WHERE number = %s", [number])
    if not rows:
        raise _refused(PullNotFoundError.code, number)
    return _pull(rows[0])


def _reviews(number: int) -> tuple[Review, ...]:
    rows = select(
        "SELECT reviewer, verdict, head, why, at, counts FROM reading.pull_review"
        " WHERE number = %s ORDER BY id",
        [number],
    )
    return tuple(Review(**row) for row in rows)


def _pull(row: dict[str, Any]) -> Pull:
    return Pull(**row | {"behind": tuple(json.loads(row["behind"]))})


def _asked(number: int, query: str, params: list[object]) -> None:
    code = select(query, params)[0]["code"]
    if code:
        raise _refused(code, number)


def _refused(code: str, number: int) -> ForgeError:
    kind, why = _REFUSALS[code]
    return kind(f"Pull request {number}: {why}.")


def _stored(changes: Sequence[Change]) -> str:
    return json.dumps([{"path": c.path, "kind": c.kind, "size": c.size} for c in changes])


def _content(repository: Repo, head: bytes, path: bytes) -> bytes:
    commit = repository[head]
    if not isinstance(commit, Commit):
        raise KeyError(head)
    mode, sha = tree_lookup_path(repository.__getitem__, commit.tree, path)
    blob = repository[sha]
    if not isinstance(blob, Blob) or f"{mode:o}" not in rules.PLAIN:
        raise KeyError(path)
    return blob.data
