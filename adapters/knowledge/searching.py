"""One statement from a question to passages: by words, by meaning, or by both, in a fixed order.

Words: any of them finds, all of them together come first; where something is ruled out, all hold.
Both: reciprocal rank fusion of the best of each. Vectors are compared one by one: an index of
neighbours (HNSW) answers next to nothing where tags leave few passages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.rows import select

BEST: Final = 40
"""So many of each way are fused."""
FUSED_FROM: Final = 60

_PASSAGE: Final = """
    SELECT p.document, p.title, p.path, i.commit, p.first_line, p.last_line, p.heading, p.text,
           p.ref AS chunk, p.review_due
"""
_ASKED: Final = """
    asked AS (
        SELECT every, CASE WHEN every::text LIKE '%%!%%' THEN every
                      ELSE replace(every::text, ' & ', ' | ')::tsquery END AS some
        FROM websearch_to_tsquery('english', %s) AS every
    ),
    by_words AS (
        SELECT p.ref, row_number() OVER (
                   ORDER BY p.words @@ a.every DESC, ts_rank_cd(p.words, a.some) DESC, p.ref
               ) AS place
        FROM reading.knowledge_passage p, asked a
        WHERE p.words @@ a.some AND p.tags @> %s::text[]
        ORDER BY place LIMIT %s
    )
"""
_NEAR: Final = """
    by_meaning AS (
        SELECT near.ref, row_number() OVER (ORDER BY near.distance, near.ref) AS place FROM (
            SELECT p.ref, v.numbers::vector <=> %s::vector AS distance
            FROM reading.knowledge_passage p JOIN reading.knowledge_vector v ON v.passage = p.ref
            WHERE v.model = %s AND p.tags @> %s::text[]
        ) AS near ORDER BY place LIMIT %s
    )
"""
_FUSED: Final = """
    SELECT ref, sum(1.0::float8 / (%s + place)) AS score,
           CASE WHEN count(*) = 2 THEN 'both' ELSE min(way) END AS found_by
    FROM ({ways}) AS found GROUP BY ref
"""
_BEST: Final = """
    , fused AS ({fused})
    {passage}, f.score, f.found_by
    FROM fused f JOIN reading.knowledge_passage p ON p.ref = f.ref, reading.knowledge_index i
    ORDER BY f.score DESC, p.ref LIMIT %s
"""
_WAYS: Final = {
    "words": "SELECT ref, place, 'words' AS way FROM by_words",
    "meaning": "SELECT ref, place, 'meaning' AS way FROM by_meaning",
}


def _best(*ways: str) -> str:
    fused = _FUSED.format(ways=" UNION ALL ".join(_WAYS[way] for way in ways))
    return _BEST.format(fused=fused, passage=_PASSAGE)


_BY_WORDS: Final = f"WITH {_ASKED}{_best('words')}"
_BY_BOTH: Final = f"WITH {_ASKED}, {_NEAR}{_best('words', 'meaning')}"
_BY_TAGS: Final = f"""{_PASSAGE}, 0.0::float8 AS score, 'tags' AS found_by
    FROM reading.knowledge_passage p, reading.knowledge_index i
    WHERE p.tags @> %s::text[] ORDER BY p.document, p.place LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question became: the numbers of a model, or none."""

    model: str
    numbers: Sequence[float]


def by_tags(tags: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Return passages in the order of their documents."""
    return select(_BY_TAGS, [list(tags), limit])


def by_words(words: str, tags: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Return the passages with the most of these words."""
    return select(_BY_WORDS, [words, list(tags), BEST, FUSED_FROM, limit])


def by_both(
    words: str, asked: Asked, tags: Sequence[str], limit: int
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the passages that are best by words and by meaning together."""
    numbers = f"[{','.join(map(repr, asked.numbers))}]"
    words_asked = [words, list(tags), BEST]
    near_asked = [numbers, asked.model, list(tags), BEST]
    return select(_BY_BOTH, [*words_asked, *near_asked, FUSED_FROM, limit])
