"""An index under test: as it is, or in a transaction that of a repository that the check makes."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

from django.db import transaction

from adapters.conformance import Options, cannot
from adapters.knowledge.errors import KnowledgeError
from adapters.knowledge.port import Embedder, Followed, Indexer, Passage, Query, Reader
from adapters.knowledge.repository import Git
from adapters.rows import select

FILLED: Final = "documents"
WRITE: Final = "write"
MEANING: Final = "meaning"
EMPTY: Final = "The index holds no document: there is nothing to look at."
NO_GIT: Final = "It reads a repository by git, which nobody has handed to this check."
NOT_OURS: Final = "This login does not write the index: run the check as the desk does."
NO_EXTENSION: Final = "This PostgreSQL has no pgvector: passages are found by words alone."
BRANCH: Final = "main"

GitAt: TypeAlias = Callable[[Path], Git]
"""Git on the repository of a folder, by somebody who may start it."""


@dataclass
class Bench:
    """One adapter; what its cases index is in a folder that goes, and in rows that are undone."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)
    git: GitAt | None = None
    folder: Path | None = None

    @property
    def reader(self) -> Reader:
        """The adapter's reader, without a model."""
        return self.reader_with(None)

    def reader_with(self, embedder: Embedder | None) -> Reader:
        """Return the adapter's reader that compares by a model."""
        made: Reader = self.adapter.Reader(embedder=embedder)
        return made

    @cached_property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter, or this check, has it not."""
        (may,) = select(
            "SELECT has_table_privilege('knowledge_document', 'INSERT') AS write,"
            " to_regtype('vector') IS NOT NULL AS meaning"
        )
        writes = NO_GIT if self.git is None else "" if may["write"] else NOT_OURS
        said = {
            FILLED: "" if self.reader.freshness().documents else EMPTY,
            WRITE: writes,
            MEANING: writes or ("" if may["meaning"] else NO_EXTENSION),
        }
        return {**{name: why for name, why in said.items() if why}, **cannot(self.adapter)}

    def some(self, limit: int = 20) -> tuple[Passage, ...]:
        """Return passages of documents that are there."""
        tags = [one.name for one in self.reader.tags() if one.name.startswith("type:")]
        found = (self.reader.search(Query(tags=(tag,), limit=limit)) for tag in tags)
        return tuple(one for each in found for one in each.passages)

    def merge(self, files: Mapping[str, str | None], branch: str = BRANCH) -> None:
        """Commit files to a branch of a repository of our own; None takes one away."""
        self._git("fast-import", "--quiet", stdin=_stream(files, branch, self._tips()))

    def follow(self, embedder: Embedder | None = None) -> Followed:
        """Have that repository read."""
        made: Indexer = self.adapter.Indexer(git=self._git, branch=BRANCH, embedder=embedder)
        return made.follow()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let neither a row nor the repository stay."""
        with tempfile.TemporaryDirectory(prefix="ethops-check-") as folder, transaction.atomic():
            self.folder = Path(folder) / "repository.git"
            try:
                yield
            finally:
                self.folder = None
                transaction.set_rollback(True)

    def close(self) -> tuple[str, ...]:
        """Nothing is left."""
        return ()

    @property
    def _git(self) -> Git:
        if self.git is None or self.folder is None:
            raise KnowledgeError(NO_GIT)
        git = self.git(self.folder)
        if not self.folder.exists():
            git("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}")
        return git

    def _tips(self) -> Sequence[str]:
        said: Any = self._git("for-each-ref", "--format=%(refname:lstrip=2)").out
        return tuple(said.decode().split())


def _stream(files: Mapping[str, str | None], branch: str, tips: Sequence[str]) -> bytes:
    lines = [f"commit refs/heads/{branch}", "committer check <check> 0 +0000", "data 0", ""]
    start = branch if branch in tips else BRANCH
    if start in tips:
        lines.append(f"from refs/heads/{start}^0")
    parts = ["\n".join([*lines, ""]).encode()]
    for path, text in files.items():
        if text is None:
            parts.append(f"D {path}\n".encode())
            continue
        content = text.encode()
        parts += [f"M 100644 inline {path}\ndata {len(content)}\n".encode(), content, b"\n"]
    return b"".join(parts)
