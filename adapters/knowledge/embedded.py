"""The default behind the knowledge contract: a bare git repository, read into PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from adapters.knowledge import indexing, searching, vectors
from adapters.knowledge.errors import (
    DocumentNotFoundError,
    EmbedderAwayError,
    IndexBusyError,
    QueryRefusedError,
)
from adapters.knowledge.models import Index
from adapters.knowledge.port import (
    MOST_PASSAGES,
    MOST_TAGS,
    MOST_WORDS,
    Document,
    Embedder,
    Fault,
    Followed,
    Found,
    Freshness,
    Meaning,
    Passage,
    Query,
    Tag,
)
from adapters.knowledge.repository import Branch, Git
from adapters.rows import now, select
from adapters.turns import give_back, take

TAKES: Final = timedelta(minutes=5)
"""So long a look keeps others off at most; one that died is over then."""
CURRENT: Final = "status:current"
NO_MODEL: Final = "No model was given to compare by meaning."
NO_EXTENSION: Final = "This PostgreSQL has no pgvector."
NO_QUESTION: Final = "Nothing was asked in words."

_STATE: Final = """
    SELECT to_regtype('vector') IS NOT NULL AS extension, m.numbers,
           (SELECT count(*) FROM reading.knowledge_passage) AS passages,
           (SELECT count(*) FROM reading.knowledge_vector v WHERE v.model = asked) AS made
    FROM (SELECT %s::text AS asked) AS one LEFT JOIN reading.knowledge_model m ON m.model = asked
"""
_DOCUMENT: Final = """
    SELECT d.ref, d.title, d.kind, d.path, i.commit, d.blob, d.tags, d.text, d.owner, d.review_due
    FROM reading.knowledge_document d, reading.knowledge_index i WHERE
"""
_TAGS: Final = """
    SELECT tag AS name, count(*) AS documents
    FROM reading.knowledge_document d, unnest(d.tags) AS tag GROUP BY tag ORDER BY tag COLLATE "C"
"""
_FRESHNESS: Final = """
    SELECT coalesce(i.commit, '') AS commit, i.indexed_at, i.looked_at,
           (SELECT count(*) FROM reading.knowledge_document) AS documents,
           (SELECT count(*) FROM reading.knowledge_passage) AS passages,
           (SELECT count(DISTINCT path) FROM reading.knowledge_fault) AS faults
    FROM (SELECT) AS one LEFT JOIN reading.knowledge_index i ON true
"""


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder

    def search(self, query: Query) -> Found:
        """Return the passages that answer best; by words alone where there is nothing else."""
        _check(query)
        tags = list(dict.fromkeys(query.tags))
        if not any(tag.startswith("status:") for tag in tags):
            tags.append(CURRENT)
        words = query.words.strip()
        if not words:
            return _found(searching.by_tags(tags, query.limit), "left_out", NO_QUESTION)
        asked, meaning, why = self._asked(words)
        if asked is None:
            return _found(searching.by_words(words, tags, query.limit), meaning, why)
        return _found(searching.by_both(words, asked, tags, query.limit), meaning, why)

    def document(self, ref: str) -> Document:
        """Return a document by its id."""
        found = _documents("d.ref = %s", [ref])
        if not found:
            raise DocumentNotFoundError(f"There is no document {ref[:100]!r}.")
        return found[0]

    def tagged(self, tags: Sequence[str]) -> tuple[Document, ...]:
        """Return the documents that have any of these tags, by id."""
        return _documents('d.tags && %s::text[] ORDER BY d.ref COLLATE "C"', [list(tags)])

    def tags(self) -> tuple[Tag, ...]:
        """Return the tags that there are, by name."""
        return tuple(Tag(**row) for row in select(_TAGS))

    def freshness(self) -> Freshness:
        """Return where the index stands."""
        return Freshness(**select(_FRESHNESS)[0])

    def faults(self) -> tuple[Fault, ...]:
        """Return what is left out, and why."""
        return tuple(
            Fault(**row)
            for row in select(
                "SELECT path, line, what, mend FROM reading.knowledge_fault"
                ' ORDER BY path COLLATE "C", line, what'
            )
        )

    def _asked(self, words: str) -> tuple[searching.Asked | None, Meaning, str]:
        """Return what the question is for the model, and how far that reaches."""
        if self._embedder is None:
            return None, "left_out", NO_MODEL
        model = self._embedder.model
        (state,) = select(_STATE, [model])
        if not state["extension"]:
            return None, "left_out", NO_EXTENSION
        if not state["made"]:
            return None, "left_out", f"No passage has a vector of {model} yet."
        try:
            numbers = vectors.of_one(self._embedder, words)
        except EmbedderAwayError as fault:
            return None, "left_out", f"{fault.code}: {fault}"
        if len(numbers) != state["numbers"]:
            why = f"{model} makes {len(numbers)} numbers, and made {state['numbers']} of passages."
            return None, "left_out", why
        asked, waiting = searching.Asked(model, numbers), state["passages"] - state["made"]
        if waiting:
            return asked, "partly", f"{waiting} passages have no vector of {model} yet."
        return asked, "used", ""


class Indexer:
    """Reads the head of a branch into rows; one at a time, whoever calls it."""

    def __init__(self, git: Git, branch: str = "main", embedder: Embedder | None = None) -> None:
        self._branch = Branch(git, branch)
        self._embedder = embedder

    def follow(self) -> Followed:
        """Bring the index to the head; where it stands there already only that is noted."""
        Index.objects.get_or_create(pk=1)
        row = Index.objects.filter(pk=1)
        until = take(row, TAKES)
        if until is None:
            raise IndexBusyError("Another process reads the repository.")
        try:
            commit = self._branch.head()
            done = indexing.Done()
            if not row.filter(commit=commit, cut_by=indexing.RULES).exists():
                whole = indexing.read(self._branch.files(commit, indexing.known()))
                done = indexing.write(commit, whole, until)
            made = indexing.embed(self._embedder, until)
            row.update(looked_at=now())
            return Followed(
                commit, done.added, done.changed, done.removed, Reader().faults(),
                made.embedded, made.waiting, made.why,
            )  # fmt: skip
        finally:
            give_back(row, until)


def _check(query: Query) -> None:
    if not 1 <= query.limit <= MOST_PASSAGES:
        raise QueryRefusedError(f"Between 1 and {MOST_PASSAGES} passages, not {query.limit}.")
    if len(query.words) > MOST_WORDS or len(query.tags) > MOST_TAGS:
        raise QueryRefusedError(
            f"At most {MOST_WORDS} signs and {MOST_TAGS} tags,"
            f" not {len(query.words)} and {len(query.tags)}."
        )
    if not query.words.strip() and not query.tags:
        raise QueryRefusedError("Neither words nor tags: that is no question.")


def _documents(where: str, params: list[object]) -> tuple[Document, ...]:
    rows = select(f"{_DOCUMENT} {where}", params)
    return tuple(Document(**row | {"tags": tuple(row["tags"])}) for row in rows)


def _found(rows: Sequence[dict[str, Any]], meaning: Meaning, why: str) -> Found:
    passages = tuple(Passage(**row | {"heading": tuple(row["heading"])}) for row in rows)
    commit = passages[0].commit if passages else Reader().freshness().commit
    return Found(passages, commit, meaning, why)
