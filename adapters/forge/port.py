"""What ethops needs of a forge: a change of files, proposed, approved by a person, and merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

State: TypeAlias = Literal["open", "merging", "merged", "closed"]
"""`merging` is seen only while a merge is under way, or was cut off: merging again ends it."""
Verdict: TypeAlias = Literal["approved", "changes_requested", "commented"]
ChangeKind: TypeAlias = Literal["added", "changed", "removed"]
Capability: TypeAlias = Literal["review"]
"""`review`: people review by the port's own door. Elsewhere they do so on the forge's pages."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is to become; without content it is to go."""

    path: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request to be opened.

    `behind` names whoever else stands behind it: their word does not count as another's.
    """

    title: str
    body: str
    author: str
    files: tuple[File, ...]
    ticket_ref: str = ""
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a pull request does to one file; `size` is in bytes, 0 where it goes."""

    path: str
    kind: ChangeKind
    size: int


@dataclass(frozen=True, slots=True)
class Review:
    """What one person said of one head.

    `counts` is true only of a person who may decide, who is not behind the pull request, and whose
    word was not taken back; whether it is about the head that is there now, is another matter.
    """

    reviewer: str
    verdict: Verdict
    head: str
    why: str
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; `head` is the commit that it would merge, `merged_as` what came of it."""

    number: int
    key: UUID | None
    title: str
    body: str
    author: str
    behind: tuple[str, ...]
    ticket_ref: str
    branch: str
    base: str
    head: str
    state: State
    merged_as: str
    opened_at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a pull request stands, by one question.

    `mark` is another one where anything of it has changed, reviews too; `head` is empty where the
    forge no longer says; `ended_by` where it does not say who.
    """

    number: int
    key: UUID | None
    head: str
    state: State
    merged_as: str
    ended_by: str
    mark: str


class Reader(Protocol):
    """Reads; safe in the hands of an agent."""

    capabilities: frozenset[Capability]

    def get(self, number: int) -> Pull:
        """Return a pull request.

        Raises:
            PullNotFoundError: there is none of this number.
        """
        ...

    def look(self, number: int) -> Seen:
        """Return where it stands, cheaply: for whoever looks often.

        Raises:
            PullNotFoundError: there is none of this number.
        """
        ...

    def find(self, key: UUID) -> Pull | None:
        """Return the pull request that was opened by this key."""
        ...

    def pulls(self, state: State = "open", *, limit: int = 50) -> tuple[Pull, ...]:
        """Return pull requests in a state, newest first."""
        ...

    def changes(self, number: int) -> tuple[Change, ...]:
        """Return what its head does to which files, by path."""
        ...

    def content(self, number: int, path: str) -> bytes:
        """Return a file as its head has it.

        Raises:
            PullNotFoundError: there is no such pull request, or no such file in its head.
        """
        ...

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Return what was said of it, oldest first."""
        ...


class Writer(Protocol):
    """Writes; only the executor holds one."""

    def open(self, key: UUID, draft: Draft) -> Pull:
        """Put the changes on a branch, and ask for its merge; a repeat changes nothing.

        Raises:
            ChangeRefusedError, NothingChangedError: it may not, or need not, be changed.
        """
        ...

    def push(self, number: int, files: Sequence[File], *, expected_head: str, by: str) -> Pull:
        """Add a commit to its branch; what was approved before is void.

        Raises:
            HeadMovedError, NotOpenError, ChangeRefusedError, NothingChangedError: nothing was done.
        """
        ...

    def merge(self, number: int, *, expected_head: str, by: str) -> Pull:
        """Merge this head and no other; a repeat changes nothing, and ends what was cut off.

        Raises:
            NotApprovedError, ObjectedError, OwnPullError: no person stands for this head.
            HeadMovedError, NotOpenError, ConflictError: it cannot be merged as it is.
        """
        ...

    def close(self, number: int, *, by: str, why: str) -> Pull:
        """Close it unmerged; a repeat changes nothing.

        Raises:
            NotOpenError: it is merged, or being merged.
        """
        ...

    def tidy(self, number: int) -> None:
        """Delete the branch of one of ours that is over; a repeat changes nothing.

        Raises:
            ForgeRefusedError: it is not over, or was not opened by us.
        """
        ...


class Reviewer(Protocol):
    """The door for people, where the adapter has the capability `review`."""

    def review(self, number: int, verdict: Verdict, *, head: str, by: str, why: str) -> Review:
        """Say what a person thinks of the head that he was shown.

        Raises:
            OwnPullError, NotAPersonError: his word does not count.
            HeadMovedError, NotOpenError: it is not, or no longer, what he was shown.
            NotHereError: people review on the forge's own pages.
        """
        ...
