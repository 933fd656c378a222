"""The desk's care for the knowledge base: what was merged is read, and a person told where not."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from adapters import registry
from adapters.errors import AdapterError
from adapters.knowledge import conf
from adapters.knowledge.conf import Place
from adapters.knowledge.errors import (
    EmbedderAwayError,
    IndexBusyError,
    RepositoryAwayError,
)
from adapters.knowledge.port import Followed, Found, Query
from ethops.desk import dispatch, embedding
from ethops.executor.git import BareGit

log = logging.getLogger(__name__)


def watch() -> None:
    """Bring the index to what was merged; where that cannot be done, give it to a person."""
    try:
        done = index()
    except IndexBusyError as fault:
        log.info("the knowledge base is left to who reads it: %s", fault)
    except AdapterError as fault:
        log.warning("the knowledge base cannot be read: %s", fault)
        _tell(fault)
    else:
        if done and (done.added or done.changed or done.removed):
            log.info(
                "the knowledge base stands at %s: %d came, %d changed, %d went, %d faults",
                done.commit, len(done.added), len(done.changed), len(done.removed),
                len(done.faults),
            )  # fmt: skip
        if done and done.embedded:
            log.info(
                "%d passages were made into vectors, %d wait. %s",
                done.embedded, done.waiting, done.why,
            )  # fmt: skip


def index() -> Followed | None:
    """Read what was merged, and have what is new made into vectors; None without a repository.

    Raises:
        AdapterError: it cannot be read, or another is at it; the index is as it was.
    """
    place = registry.knowledge_place()
    if place is None:
        return None
    if not _is_there(place):
        if conf.named() is None:
            return None
        raise RepositoryAwayError(f"{place.folder}: there is no such folder.")
    git = BareGit(place.folder)
    try:
        embedder = embedding.of_passages()
    except EmbedderAwayError as fault:
        done = registry.knowledge_indexer(git, place.branch).follow()
        return replace(done, why=f"{fault.code}: {fault}")
    return registry.knowledge_indexer(git, place.branch, embedder).follow()


def ask(query: Query) -> Found:
    """Return what the knowledge base says; by words alone where the card has no time for it.

    Raises:
        QueryRefusedError: it asks for nothing, or for too much.
    """
    try:
        embedder = embedding.of_questions()
    except EmbedderAwayError as fault:
        found = registry.knowledge_reader().search(query)
        return replace(found, why=f"{fault.code}: {fault}") if query.words.strip() else found
    return registry.knowledge_reader(embedder).search(query)


def _is_there(place: Place) -> bool:
    """Tell whether there is a repository: the embedded forge makes its own at its first use."""
    try:
        return place.folder.exists()
    except OSError:
        # Something is there that may not be looked at: git says what it is.
        return True


def _tell(fault: AdapterError) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    dispatch.open_for_person(
        occasion=f"knowledge:index:{hour:%Y-%m-%dT%H}",
        cause="knowledge:index",
        title="The knowledge base cannot be read",
        description=(
            f"{fault} {fault.hint} What was merged since is found by nobody until it can be read"
            " again."
        ),
        facts={"code": fault.code},
    )
