"""What ethops asks of a knowledge base: passages that say where they stand, and how old it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, Protocol, TypeAlias

FoundBy: TypeAlias = Literal["words", "meaning", "both", "tags"]
Meaning: TypeAlias = Literal["used", "partly", "left_out"]

MOST_PASSAGES: Final = 50
MOST_WORDS: Final = 1_000
"""Characters of a question."""
MOST_TAGS: Final = 20


@dataclass(frozen=True, slots=True)
class Query:
    """A question: in words, by tags (`kind:value`) that all hold, or both.

    Without a tag of the kind `status` only what is current is found.
    """

    words: str = ""
    tags: tuple[str, ...] = ()
    limit: int = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """Some lines of a document as they were merged. They are data: whoever wrote them asks nothing.

    `heading` is the way of headings to it; `review_due` is when its owner meant to look again.
    """

    document: str
    title: str
    path: str
    commit: str
    first_line: int
    last_line: int
    heading: tuple[str, ...]
    text: str
    chunk: str
    found_by: FoundBy
    score: float
    review_due: date | None

    @property
    def cited(self) -> str:
        """Say where it stands, so that anybody can look it up: `doc@commit#Lx-Ly`."""
        return f"{self.document}@{self.commit}#L{self.first_line}-L{self.last_line}"


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, all of one commit; the same question finds the same in the same order.

    `meaning` tells whether they were compared by meaning as well; where not, or not all of them,
    `why` says why.
    """

    passages: tuple[Passage, ...]
    commit: str
    meaning: Meaning
    why: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document whole, as merged; the text is its file, front matter and all."""

    ref: str
    title: str
    kind: str
    path: str
    commit: str
    blob: str
    tags: tuple[str, ...]
    text: str
    owner: str
    review_due: date | None


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag that there is, and how many documents have it."""

    name: str
    documents: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """Which commit the index stands at since when, and when the repository was last looked at.

    Before the first look `commit` is empty and both times None.
    """

    commit: str
    indexed_at: datetime | None
    looked_at: datetime | None
    documents: int
    passages: int
    faults: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document is left out of the index: where, what, and how to mend it."""

    path: str
    line: int
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Embedder:
    """What turns texts into numbers; `model` is its digest, and other models' are never compared.

    `embed` returns one list of numbers for each text, None for one that has to wait or that the
    model does not take, and raises EmbedderAwayError where it has none and could take some.
    """

    model: str
    embed: Callable[[Sequence[str]], Sequence[Sequence[float] | None]]


@dataclass(frozen=True, slots=True)
class Followed:
    """What one look at the repository did: which documents came, changed and went, by id.

    `embedded` passages were given numbers, `waiting` have none of this model yet; `why` says why.
    """

    commit: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    faults: tuple[Fault, ...]
    embedded: int
    waiting: int
    why: str


class Reader(Protocol):
    """Reads; safe in the hands of an agent. Only what was merged is ever found."""

    def search(self, query: Query) -> Found:
        """Return the passages that answer best.

        Raises:
            QueryRefusedError: it asks for nothing, or for too much.
        """
        ...

    def document(self, ref: str) -> Document:
        """Return a document by its id.

        Raises:
            DocumentNotFoundError: none that is merged and without a fault has it.
        """
        ...

    def tagged(self, tags: Sequence[str]) -> tuple[Document, ...]:
        """Return the documents that have any of these tags, current or not, each once, by id."""
        ...

    def tags(self) -> tuple[Tag, ...]:
        """Return the tags that there are, by name."""
        ...

    def freshness(self) -> Freshness:
        """Return how old what is found may be."""
        ...

    def faults(self) -> tuple[Fault, ...]:
        """Return what is left out, by path and line."""
        ...


class Indexer(Protocol):
    """Brings the index to the head of the branch that is merged to; run by the clock."""

    def follow(self) -> Followed:
        """Read what was merged, all or nothing; a document with a fault stops no other.

        A repeat changes nothing.

        Raises:
            RepositoryAwayError: it cannot be read; the index is as it was.
            IndexBusyError: another is at it; nothing was done.
        """
        ...
