"""Adapters of the knowledge contract that are wrong in one way each, as the kit must find out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, Final, cast

from adapters.knowledge.errors import DocumentNotFoundError, QueryRefusedError
from adapters.knowledge.port import Followed, Found, Freshness, Query
from adapters.rows import select


def untrue(adapter: ModuleType, part: str, wrong: Callable[..., Any]) -> ModuleType:
    """Return the adapter with one method instead of its own, which is given the right one."""
    name, method = part.split(".")
    kind = getattr(adapter, name)
    right = getattr(kind, method)

    def instead(self: Any, *given: Any, **named: Any) -> Any:
        def ask(*said: Any, **other: Any) -> Any:
            return right(self, *(said or given), **{**named, **other})

        return wrong(ask, *given, **named)

    made = type(name, (kind,), {method: instead})
    parts = {"Reader": adapter.Reader, "Indexer": adapter.Indexer, name: made}
    return cast("ModuleType", SimpleNamespace(**parts))


def _anything(ask: Callable[..., Any], ref: str) -> Any:
    try:
        return ask()
    except DocumentNotFoundError:
        return ask("site-fire")


def _never_refuses(ask: Callable[..., Found], query: Query) -> Found:
    try:
        return ask()
    except QueryRefusedError:
        return ask(Query("anything"))


def _forgets_tags(ask: Callable[..., Found], query: Query) -> Found:
    return ask(replace(query, tags=("status:current",)))


def _always_finds(ask: Callable[..., Found], query: Query) -> Found:
    found = ask()
    return found if found.passages else ask(Query(tags=("status:current",), limit=query.limit))


def _as_a_language(ask: Callable[..., Found], query: Query) -> Found:
    select("SELECT %s::tsquery", [query.words])
    return ask()


def _says_nothing(ask: Callable[..., Found], query: Query) -> Found:
    return replace(ask(), why="")


def _read_before_it_was_there(ask: Callable[..., Freshness]) -> Freshness:
    found = ask()
    return replace(found, looked_at=found.indexed_at and found.indexed_at - timedelta(days=1))


def _lines_off_by_one(ask: Callable[..., Found], query: Query) -> Found:
    found = ask()
    moved = (replace(one, first_line=one.first_line + 1) for one in found.passages)
    return replace(found, passages=tuple(moved))


def _one_alone(ask: Callable[..., Any], tags: Any) -> Any:
    return ask()[:1]


def _turning() -> Callable[..., Found]:
    turns = [0]

    def wrong(ask: Callable[..., Found], query: Query) -> Found:
        found, turns[0] = ask(), turns[0] + 1
        # What is found is the same; its scores are not.
        scored = (replace(one, score=one.score + turns[0]) for one in found.passages)
        return replace(found, passages=tuple(scored))

    return wrong


def _unbounded(ask: Callable[..., Found], query: Query) -> Found:
    found = ask(replace(query, limit=20))
    return replace(found, passages=found.passages * 2)


def _cited_short(ask: Callable[..., Found], query: Query) -> Found:
    found = ask()
    return replace(found, passages=tuple(replace(one, commit="HEAD") for one in found.passages))


def _reads_a_branch(ask: Callable[..., None], **_: Any) -> None:
    ask(branch="proposal")


def _says_no_fault(ask: Callable[..., Followed]) -> Followed:
    return replace(ask(), faults=())


def _says_all_is_new(ask: Callable[..., Followed]) -> Followed:
    return replace(ask(), added=("check-flood",))


def _says_nothing_went(ask: Callable[..., Followed]) -> Followed:
    return replace(ask(), removed=())


def _without_its_front(ask: Callable[..., Any], ref: str) -> Any:
    found = ask()
    return replace(found, text=found.text.split("---\n")[-1])


def _says_it_compared(ask: Callable[..., Found], query: Query) -> Found:
    return replace(ask(), meaning="used", why="")


def _says_words(ask: Callable[..., Found], query: Query) -> Found:
    found = ask()
    return replace(found, passages=tuple(replace(one, found_by="words") for one in found.passages))


UNTRUE: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "An unknown id is an error": ("Reader.document", _anything),
    "A question of nothing is refused": ("Reader.search", _never_refuses),
    "More than an answer holds is refused": ("Reader.search", _never_refuses),
    "An unknown tag finds nothing": ("Reader.search", _forgets_tags),
    "Words that are nowhere find nothing": ("Reader.search", _always_finds),
    "A question is text and no language": ("Reader.search", _as_a_language),
    "Without a model the answer says so": ("Reader.search", _says_nothing),
    "How old it is adds up": ("Reader.freshness", _read_before_it_was_there),
    "A tag finds what has it": ("Reader.search", _forgets_tags),
    "Documents are read by their tags": ("Reader.tagged", _one_alone),
    "A passage stands where it says": ("Reader.search", _lines_off_by_one),
    "The same question finds the same": ("Reader.search", _turning()),
    "An answer is bounded": ("Reader.search", _unbounded),
    "What is merged is found": ("Reader.search", _cited_short),
    "What is on a branch is not found": ("Indexer.__init__", _reads_a_branch),
    "A fault leaves one document out": ("Indexer.follow", _says_no_fault),
    "An id that two have is neither's": ("Indexer.follow", _says_no_fault),
    "A repeat changes nothing": ("Indexer.follow", _says_all_is_new),
    "What is gone is not found": ("Indexer.follow", _says_nothing_went),
    "What has moved is cited anew": ("Reader.search", _lines_off_by_one),
    "A document reads back whole": ("Reader.document", _without_its_front),
    "A model finds what words do not": ("Reader.search", _says_words),
    "Another model's vectors are not compared": ("Reader.search", _says_it_compared),
}
"""Case -> the method that is wrong, and how."""
