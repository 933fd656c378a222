"""Writes what a commit holds into the index, and has passages made into vectors."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Left

from adapters.knowledge import documents, vectors
from adapters.knowledge.chunking import NEWEST
from adapters.knowledge.documents import File, Made, Whole
from adapters.knowledge.errors import EmbedderAwayError, RepositoryAwayError
from adapters.knowledge.front_matter import LIMITS
from adapters.knowledge.models import Chunk, Document, Fault, Index, Vector, VectorModel
from adapters.knowledge.port import Embedder
from adapters.rows import now, select
from adapters.text import one_line

RULES: Final = NEWEST
AT_ONCE: Final = 500
EMBEDDED_AT_ONCE: Final = 128
"""Passages that a model is handed together; how many it takes in one call is its own."""
NO_MODEL: Final = "No model was given to make vectors."
OVER: Final = "The turn was over."
NOT_TAKEN: Final = "The model did not take them, or has not answered for all yet."

_FRONT: Final = LIMITS.bytes + 16
"""Signs of a document in which its front matter ends."""
_SAID: Final = ("path", "blob", "title", "kind", "owner", "review_due", "tags")
"""What a document is told from; its text is its blob's."""
_CUT: Final = ("document", "place", "heading", "about", "text", "first_line", "last_line")
_WITHOUT: Final = """
    SELECT c.ref, c.about, c.text FROM knowledge_chunk c
    WHERE NOT EXISTS (SELECT FROM knowledge_vector v WHERE v.chunk_id = c.ref AND v.model_id = %s)
    AND c.ref > %s ORDER BY c.ref LIMIT %s
"""
_WAITING: Final = """
    SELECT count(*) AS waiting FROM knowledge_chunk c
    WHERE NOT EXISTS (SELECT FROM knowledge_vector v WHERE v.chunk_id = c.ref AND v.model_id = %s)
"""


@dataclass(frozen=True, slots=True)
class Done:
    """Which documents came, changed and went."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many passages were made into vectors, how many wait, and why."""

    embedded: int = 0
    waiting: int = 0
    why: str = ""


def known() -> dict[tuple[str, str], bytes]:
    """Return with what each document begins, by path and blob, as far as it need not be cut anew.

    Whether it counts still, and what it contradicts, is told from all of a commit.
    """
    if not Index.objects.filter(pk=1, cut_by=RULES).exclude(commit="").exists():
        return {}
    rows = Document.objects.annotate(front=Left("text", _FRONT))
    return {(path, blob): front.encode() for path, blob, front in
            rows.values_list("path", "blob", "front")}  # fmt: skip


def read(files: Iterable[File]) -> Whole:
    """Return what a commit holds."""
    return documents.whole(files)


def write(commit: str, whole: Whole, until: datetime) -> Done:
    """Let the index be what the commit holds, at once; passages that stay keep their vectors.

    Raises:
        RepositoryAwayError: the turn was over before: nothing is written.
    """
    with transaction.atomic():
        turn = Index.objects.select_for_update().filter(
            pk=1, busy_until=until, busy_until__gt=now()
        )
        if not turn.exists():
            raise RepositoryAwayError(f"Reading {commit[:12]} took longer than a turn lasts.")
        done = _documents(whole.documents)
        _chunks(whole.documents)
        Fault.objects.all().delete()
        Fault.objects.bulk_create(
            Fault(path=one.path, line=one.line, what=one_line(one.what, 1000),
                  mend=one_line(one.mend, 1000))
            for one in whole.faults
        )  # fmt: skip
        Index.objects.filter(pk=1).update(commit=commit, cut_by=RULES, indexed_at=now())
    return done


def embed(embedder: Embedder | None, until: datetime) -> Embedded:
    """Give passages without one a vector of this model, each asked for once in a turn.

    What the model does not take stops nothing that stands behind it.
    Vectors of another model go once this one's are all there.
    """
    if embedder is None:
        return Embedded(why=NO_MODEL)
    made, last = 0, ""
    try:
        while now() < until and (
            rows := select(_WITHOUT, [embedder.model, last, EMBEDDED_AT_ONCE])
        ):
            made += _embedded(embedder, rows)
            last = rows[-1]["ref"]
    except EmbedderAwayError as fault:
        return Embedded(made, _waiting(embedder), f"{fault.code}: {fault}")
    waiting = _waiting(embedder)
    if not waiting:
        VectorModel.objects.exclude(digest=embedder.model).delete()
    why = OVER if now() >= until else NOT_TAKEN
    return Embedded(made, waiting, why if waiting else "")


def _documents(made: Sequence[Made]) -> Done:
    wanted = {one.front.id: _row(one) for one in made}
    there = {one.ref: one for one in Document.objects.defer("text")}
    gone = tuple(sorted(there.keys() - wanted.keys()))
    new = tuple(sorted(wanted.keys() - there.keys()))
    other = tuple(
        ref for ref in sorted(wanted.keys() & there.keys())
        if _said(wanted[ref]) != _said(there[ref])
    )  # fmt: skip
    again = {one.front.id for one in made if one.again}
    Document.objects.filter(ref__in=gone).delete()
    Document.objects.bulk_create(
        [wanted[ref] for ref in (*new, *other) if ref not in again], batch_size=AT_ONCE,
        update_conflicts=True, unique_fields=["ref"], update_fields=[*_SAID, "text"],
    )  # fmt: skip
    # Another document may supersede it now; the text of what was not read stays.
    tagged = [wanted[ref] for ref in other if ref in again]
    Document.objects.bulk_update(tagged, ["tags"], batch_size=AT_ONCE)
    return Done(new, other, gone)


def _row(one: Made) -> Document:
    front = one.front
    return Document(
        ref=front.id, path=one.path, blob=one.blob, title=front.title, kind=front.type,
        owner=front.owner, review_due=front.review_due, tags=list(one.tags), text=one.text,
    )  # fmt: skip


def _said(one: Document) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in _SAID)


def _chunks(made: Sequence[Made]) -> None:
    """Write the passages of what was read; those of what is gone went with it."""
    read_now = [one for one in made if not one.again]
    wanted = {one.ref: one for one in _cut(read_now)}
    there = {
        one.ref: one
        for one in Chunk.objects.filter(document__in=[one.front.id for one in read_now])
        .defer("text", "heading")
    }  # fmt: skip
    Chunk.objects.filter(ref__in=there.keys() - wanted.keys()).delete()
    Chunk.objects.bulk_create(
        [one for ref, one in wanted.items() if _stands(one) != _stands(there.get(ref))],
        batch_size=AT_ONCE, update_conflicts=True, unique_fields=["ref"], update_fields=list(_CUT),
    )  # fmt: skip


def _cut(made: Iterable[Made]) -> Iterator[Chunk]:
    for one in made:
        for place, chunk in enumerate(one.chunks, 1):
            yield Chunk(
                ref=chunk.ref, document_id=one.front.id, place=place, heading=list(chunk.heading),
                about="\n".join([one.front.title, *chunk.heading]), text=chunk.text,
                first_line=chunk.first_line, last_line=chunk.last_line,
            )  # fmt: skip


def _stands(one: Chunk | None) -> tuple[Any, ...] | None:
    if one is None:
        return None
    return one.document_id, one.place, one.about, one.first_line, one.last_line


def _embedded(embedder: Embedder, rows: list[dict[str, Any]]) -> int:
    made = vectors.of(embedder, [f"{row['about']}\n\n{row['text']}" for row in rows])
    vectors_of = {
        row["ref"]: one for row, one in zip(rows, made, strict=True) if one is not None
    }  # fmt: skip
    if not vectors_of:
        return 0
    numbers = len(next(iter(vectors_of.values())))
    model, _ = VectorModel.objects.get_or_create(
        digest=embedder.model, defaults={"numbers": numbers}
    )
    if model.numbers != numbers:
        raise EmbedderAwayError(
            f"{model.digest} makes {numbers} numbers now, and made {model.numbers} before."
        )
    with transaction.atomic():
        # Who has read another commit meanwhile may have taken some away.
        there = Chunk.objects.select_for_update().filter(ref__in=vectors_of)
        kept = [Vector(chunk=one, model=model, numbers=vectors_of[one.ref]) for one in there]
        Vector.objects.bulk_create(kept, ignore_conflicts=True)
    return len(kept)


def _waiting(embedder: Embedder) -> int:
    return int(select(_WAITING, [embedder.model])[0]["waiting"])
