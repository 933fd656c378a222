"""A forge on the bench: what a case opens bears a marker, and neither it nor its branch stays.

Here the rows of a case are taken back, and so nobody ever sees them; elsewhere it is closed there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

from django.db import transaction

from adapters.conformance import Options, cannot
from adapters.forge import conf, files
from adapters.forge.conformance import leftovers
from adapters.forge.conformance.leftovers import BY
from adapters.forge.errors import ForgeError
from adapters.forge.git import Git
from adapters.forge.place import Place
from adapters.forge.port import Draft, File, Pull, Reader, Reviewer, State, Writer
from adapters.forge.repository import Repository
from adapters.rows import select

WRITE: Final = "write"
PAGES: Final = "pages"
NO_REPOSITORY: Final = (
    "Name one for checks, `--set repository=owner/name`: a branch in the one that is in use would"
    " start whatever is built there."
)
NO_GIT: Final = "It writes by git, which nobody has handed to this check."
NOT_OWNER: Final = (
    "This login opens no pull request: run the check as the owner, `ETHOPS_PROCESS=owner`."
)
NOT_MADE: Final = "There is no repository yet: the executor makes it at its first use."
NOT_OURS: Final = "The repository is another user's of this host: run the check as that one."
HERE: Final = "People review here, by the port's own door, and that is the desk's."
_MAY_OPEN: Final = """
    SELECT bool_and(has_function_privilege(f.oid, 'EXECUTE')) AS may
    FROM pg_proc f WHERE f.pronamespace = 'forge'::regnamespace AND f.proname = 'open_pull'
"""
GitAt: TypeAlias = Callable[[Path], Git]
"""Git on the repository of a folder, by somebody who may start it."""


@dataclass
class Bench:
    """One adapter, at the place that the settings name, and what its cases have opened."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)
    git: GitAt | None = None
    keys: list[UUID] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @cached_property
    def place(self) -> Place:
        """The place of the settings, at the repository for checks where one is named."""
        at = conf.place()
        return replace(at, repository=self.options.get("repository", at.repository))

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader(place=self.place)
        return made

    @property
    def writer(self) -> Writer:
        """The adapter's writer."""
        git: dict[str, Any] = {"git": self._git} if self.is_here else {}
        made: Writer = self.adapter.Writer(place=self.place, **git)
        return made

    @property
    def reviewer(self) -> Reviewer:
        """The adapter's door for people."""
        made: Reviewer = self.adapter.Reviewer(place=self.place)
        return made

    @property
    def is_here(self) -> bool:
        """Whether pull requests are rows of this database."""
        return "review" in self.adapter.Reader.capabilities

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """A few pull requests of every state that lasts."""
        states: tuple[State, ...] = ("open", "merged", "closed")
        return tuple(one for state in states for one in self.reader.pulls(state, limit=5))

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter, or this check, has it not."""
        if self.is_here:
            said = {PAGES: HERE, WRITE: self._no_writing_here}
        else:
            unnamed = "" if "repository" in self.options else NO_REPOSITORY
            said = {PAGES: unnamed, WRITE: unnamed}
        return {**{name: why for name, why in said.items() if why}, **cannot(self.adapter)}

    @cached_property
    def _no_writing_here(self) -> str:
        """Why this check writes nothing into the repository of this host, empty where it may."""
        if self.git is None:
            return NO_GIT
        if not select(_MAY_OPEN, [])[0]["may"]:
            return NOT_OWNER
        if not self.place.folder.exists():
            return NOT_MADE
        # Git would leave files there that the executor could not write over.
        return "" if leftovers.is_own(self.place.folder) else NOT_OURS

    @property
    def _git(self) -> Git:
        if self.git is None:
            raise ForgeError(NO_GIT)
        return self.git(self.place.folder)

    def open(self, key: UUID | None = None) -> Pull:
        """Open one that says whose it is, and remember to take it away."""
        key = key or uuid4()
        self.keys.append(key)
        file = File(f"{BY}/{key.hex}.md", f"[{self.marker}]\n".encode())
        draft = Draft(f"[{self.marker}] To be closed", "A check's.", BY, (file,))
        return self.writer.open(key, draft)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Have what a case opens neither stand nor stay."""
        self.keys.clear()
        if not self.is_here:
            try:
                yield
            finally:
                self._close_all()
            return
        try:
            with transaction.atomic():
                try:
                    yield
                finally:
                    transaction.set_rollback(True)
        finally:
            for key in self.keys:
                Repository(self._git, self.place.base).drop(files.branch_of(key))

    def close(self) -> tuple[str, ...]:
        """Return what could not be taken away, and why."""
        return tuple(self.left)

    def sweep(self, marker: str) -> tuple[str, ...]:
        """Clear away what checks left that were killed; says what became of it.

        With a marker that check's alone, whatever its age; else what is older than an hour.
        """
        if WRITE in self.cannot:
            return ()
        if self.is_here:
            return leftovers.here(self._git, self.place.base, marker)
        return leftovers.elsewhere(self.reader, self.writer, marker)

    def _close_all(self) -> None:
        for key in dict.fromkeys(self.keys):
            try:
                pull = self.reader.find(key)
                if pull is not None:
                    self.writer.close(pull.number, by=BY, why=leftovers.OVER)
                    self.writer.tidy(pull.number)
            except ForgeError as fault:
                self.left.append(f"The pull request of {files.branch_of(key)}: {fault}")
