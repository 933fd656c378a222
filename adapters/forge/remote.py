"""The forge contract over a forge elsewhere: one set of rules, whatever the vendor's words are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from adapters.forge import files as rules
from adapters.forge import signed, standing
from adapters.forge.errors import (
    ConflictError,
    ForgeRefusedError,
    HeadMovedError,
    NotHereError,
    NothingChangedError,
    NotOpenError,
    OwnPullError,
    PullNotFoundError,
)
from adapters.forge.port import (
    Capability,
    Change,
    ChangeKind,
    Draft,
    File,
    Pull,
    Review,
    Seen,
    State,
    Verdict,
)
from adapters.text import one_line, plain


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the tree of a commit."""

    mode: str
    sha: str
    size: int


@dataclass(frozen=True, slots=True)
class Commit:
    """What is put on top of a commit: on its branch, which is new where `is_new`."""

    parent: str
    branch: str
    files: tuple[File, ...]
    message: str
    author: str
    is_new: bool


class Vendor(Protocol):
    """What a forge can be asked, in its own words; it decides nothing."""

    base: str

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        ...

    def look(self, number: int) -> Seen:
        """Return where a pull request stands."""
        ...

    def pulls(self, state: State, limit: int) -> tuple[Pull, ...]:
        """Return pull requests in a state, newest first."""
        ...

    def by_branch(self, branch: str) -> Pull | None:
        """Return the pull request of a branch, whatever became of it."""
        ...

    def reviews(self, pull: Pull) -> tuple[Review, ...]:
        """Return what was said, oldest first, and whether the forge lets it count."""
        ...

    def touched(self, number: int) -> tuple[tuple[str, str], ...]:
        """Return which paths are touched, and the forge's word for how."""
        ...

    def tree(self, commit: str) -> Mapping[str, Entry]:
        """Return all that is in a commit, by path."""
        ...

    def blob(self, sha: str) -> bytes:
        """Return a file's bytes."""
        ...

    def tip(self, branch: str) -> str | None:
        """Return where a branch stands, None where there is none."""
        ...

    def commit(self, made: Commit, there: Mapping[str, Entry]) -> None:
        """Put a commit on its branch."""
        ...

    def open(self, branch: str, title: str, body: str) -> None:
        """Ask for the merge of a branch into the base."""
        ...

    def merge(self, number: int, head: str, title: str) -> None:
        """Merge it if it has this head."""
        ...

    def close(self, number: int, why: str) -> None:
        """Say why, and close it."""
        ...

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        ...

    def conflicts(self, number: int, refusal: str) -> bool:
        """Tell whether the forge refused to merge it because the base changed the same lines."""
        ...


class Reader:
    """Reads from the forge each time: what people do there is known here at once."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def get(self, number: int) -> Pull:
        """Return a pull request."""
        return self._vendor.pull(number)

    def look(self, number: int) -> Seen:
        """Return where it stands."""
        return self._vendor.look(number)

    def find(self, key: UUID) -> Pull | None:
        """Return the pull request whose branch is named by this key."""
        return self._vendor.by_branch(rules.branch_of(key))

    def pulls(self, state: State = "open", *, limit: int = 50) -> tuple[Pull, ...]:
        """Return pull requests in a state, newest first; none is ever seen while it is merged."""
        return () if state == "merging" else self._vendor.pulls(state, limit)

    def changes(self, number: int) -> tuple[Change, ...]:
        """Return what its head does to which files, by path."""
        there = self._vendor.tree(self._vendor.pull(number).head)
        return tuple(
            Change(path, kind, there[path].size if path in there else 0)
            for path, word in sorted(self._vendor.touched(number))
            for kind in (_KINDS.get(word, "changed"),)
        )

    def content(self, number: int, path: str) -> bytes:
        """Return a file as its head has it."""
        entry = self._vendor.tree(self._vendor.pull(number).head).get(path)
        if entry is None or entry.mode not in rules.PLAIN:
            raise PullNotFoundError(f"Pull request {number} has no file {path!r}.")
        return self._vendor.blob(entry.sha)

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Return what was said of it, oldest first."""
        return self._vendor.reviews(self._vendor.pull(number))


class Writer:
    """Writes by the account of ethops; the rules are ours, whatever the forge would let pass."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def open(self, key: UUID, draft: Draft) -> Pull:
        """Make the branch that the key names, then ask for its merge; each only once."""
        branch = rules.branch_of(key)
        there = self._vendor.by_branch(branch)
        if there is not None:
            return there
        if self._vendor.tip(branch) is None:
            parent = self._vendor.tip(self._vendor.base)
            if parent is None:
                raise ForgeRefusedError(
                    f"The forge shows this token no branch {self._vendor.base}."
                )
            message = signed.of_draft(draft)
            self._commit(Commit(parent, branch, draft.files, message, draft.author, is_new=True))
        self._vendor.open(branch, one_line(draft.title, 200), plain(draft.body, 20_000))
        made = self._vendor.by_branch(branch)
        if made is None:
            raise ForgeRefusedError(f"The forge has no pull request of {branch}.")
        return made

    def push(self, number: int, files: Sequence[File], *, expected_head: str, by: str) -> Pull:
        """Add a commit to its branch."""
        pull = self._as_expected(number, expected_head)
        if pull.state != "open":
            raise NotOpenError(f"Pull request {number} is {pull.state}.")
        message = signed.message(pull.title, "", by)
        self._commit(Commit(pull.head, pull.branch, tuple(files), message, by, is_new=False))
        return self._vendor.pull(number)

    def merge(self, number: int, *, expected_head: str, by: str) -> Pull:
        """Hold it against our own rule, and have the forge merge this head and no other."""
        pull = self._as_expected(number, expected_head)
        if pull.state == "merged":
            return pull
        if pull.state != "open":
            raise NotOpenError(f"Pull request {number} is {pull.state}.")
        if by in (pull.author, *pull.behind):
            raise OwnPullError(f"{by} is behind pull request {number}.")
        standing.check(standing.standing(self._vendor.reviews(pull), pull.head), number, pull.head)
        try:
            self._vendor.merge(number, expected_head, f"{pull.title} (#{number})")
        except (ForgeRefusedError, HeadMovedError) as fault:
            # One status has many reasons; what is there now says which.
            self._as_expected(number, expected_head)
            if self._vendor.conflicts(number, str(fault)):
                raise ConflictError(f"Pull request {number}: {fault}") from fault
            raise ForgeRefusedError(str(fault)) from fault
        return self._vendor.pull(number)

    def close(self, number: int, *, by: str, why: str) -> Pull:
        """Say why, and close it unmerged."""
        pull = self._vendor.pull(number)
        if pull.state == "merged":
            raise NotOpenError(f"Pull request {number} is merged.")
        if pull.state == "open":
            self._vendor.close(number, f"{one_line(by, 150)}: {one_line(why, 500)}")
        return self._vendor.pull(number)

    def tidy(self, number: int) -> None:
        """Delete its branch by the name that its key has: never one of somebody else's."""
        pull = self._vendor.pull(number)
        if pull.state == "open" or pull.key is None:
            raise ForgeRefusedError(f"Pull request {number} is open, or none of ours.")
        branch = rules.branch_of(pull.key)
        if self._vendor.tip(branch) is not None:
            self._vendor.drop(branch)

    def _as_expected(self, number: int, head: str) -> Pull:
        pull = self._vendor.pull(number)
        if pull.head != head:
            raise HeadMovedError(f"Pull request {number} stands at {pull.head[:12]} now.")
        return pull

    def _commit(self, made: Commit) -> None:
        rules.check(made.files)
        there = self._vendor.tree(made.parent)
        rules.changes(made.files, {path: entry.mode for path, entry in there.items()})
        if all(_is_there(file, there) for file in made.files):
            raise NothingChangedError("The files already are as they are to become.")
        self._vendor.commit(made, there)


def _is_there(file: File, there: Mapping[str, Entry]) -> bool:
    entry = there.get(file.path)
    if entry is None or file.content is None:
        return False
    return entry.sha == rules.blob_sha(file.content, like=entry.sha)


class Reviewer:
    """People review on the forge's own pages."""

    def review(self, number: int, verdict: Verdict, *, head: str, by: str, why: str) -> Review:
        """Refuse: a review by our account would be nobody's word."""
        del head, why
        raise NotHereError(f"{by} says it on the page of pull request {number}: {verdict}.")


_KINDS: Final[Mapping[str, ChangeKind]] = {
    "added": "added",
    "removed": "removed",
    "deleted": "removed",
}
