"""The catalogue: pre-approved playbooks, each pinned by the hash of its whole folder."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, RootModel, model_validator

from adapters import declared
from adapters.declared import Declaration, Fault, refusal
from personas.cards import Name
from personas.errors import UnsafeTreeError

Pattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=300)]
IGNORED = "__pycache__"


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise refusal(f"Not a regular expression: {error}.", "Correct it.") from error
    return text


Expression: TypeAlias = Annotated[Pattern, AfterValidator(_expression)]


RootWord: TypeAlias = Annotated[
    str, Field(pattern=r"^(?:\{[a-z0-9_]+\}|[A-Za-z0-9/._=,-]{1,200})$")
]
RootCommand: TypeAlias = Annotated[tuple[RootWord, ...], Field(min_length=1, max_length=16)]
Sentence: TypeAlias = Annotated[str, Field(min_length=10, max_length=400)]


class Parameter(Declaration):
    """An argument: the CI's attribute it comes from, and the pattern it must match whole."""

    source: str = Field(alias="from", pattern=r"^[a-z][a-z0-9_]{0,59}$")
    pattern: Expression
    required: bool = False
    max: int = Field(default=250, ge=1, le=1000)


class AppliesTo(Declaration):
    """A CI fits where it declares any of these attributes; empty fits every CI."""

    any_attribute: tuple[str, ...] = ()


class Verification(Declaration):
    """Well for `window_s` without a break means repaired; `patience_s` is how long to wait."""

    window_s: int = Field(ge=0, le=3600)
    patience_s: int = Field(ge=1, le=3600)


class Rollback(Declaration):
    """How to undo it, or why that cannot be."""

    playbook: str | None = None
    none: str | None = None


class Asks(Declaration):
    """Who is asked before it runs where people or jobs are on the host, or why nobody is."""

    first: Literal["owner", "operators"] | None = None
    """`owner`: whom the CIs of the host name under `ask_first`, else the operators."""
    of: tuple[Literal["people", "jobs"], ...] = ()
    """What on the host has somebody asked: people who are logged in, declared or our own jobs."""
    nobody: Sentence | None = None

    @model_validator(mode="after")
    def _either(self) -> "Asks":
        if (self.first is not None and bool(self.of)) == (self.nobody is not None) or (
            (self.first is not None) != bool(self.of)
        ):
            raise refusal(
                "This says either both or nothing about who is asked.",
                "Give `first` and `of`, or `nobody` with the reason.",
            )
        return self


class Origin(Declaration):
    """Where a site's own entry came from: what was asked for, and the commit that it named."""

    repository: str = Field(max_length=500)
    revision: str = Field(max_length=120)
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    path: str = Field(max_length=300)
    """The entry's folder in the repository."""
    lint: tuple[str, ...] = ()
    """What the linter found and a person accepted at the import, as `rule file`."""

    def __str__(self) -> str:
        """Name it as it was asked for."""
        return f"{self.repository}@{self.revision}"


class EntryFacts(Declaration):
    """What whoever writes a playbook says of it."""

    title: str = Field(max_length=120)
    owner: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,79}$")
    """Who answers for it."""
    review_by: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    """After this day it is proposed at most, until its owner has looked at it again."""
    false_run: Sentence
    """What it costs to run it where it was not needed."""
    asks: Asks
    playbook: str = Field(pattern=r"^[a-z0-9_]+\.yaml$")
    risk: Literal["none", "low", "medium", "high"]
    parameters: dict[str, Parameter]
    timeout_s: int = Field(ge=1, le=3600)
    max_per_ticket: int = Field(ge=1, le=10)
    max_per_hour: int = Field(ge=1, le=1000)
    applies_to: AppliesTo
    pre_check: str
    verification: Verification
    rollback: Rollback
    sudo: tuple[Expression, ...] | None = None
    """What it runs by sudo on its host, each matched whole; none given leaves it to the time."""
    as_root: tuple[RootCommand, ...] = ()
    """The same word for word, for sudoers; `{name}` stands for the argument of that name."""

    @model_validator(mode="after")
    def _named(self) -> "EntryFacts":
        for command in self.as_root:
            places = {word[1:-1] for word in command if word.startswith("{")}
            if missing := sorted(places - {*self.parameters}):
                raise refusal(f"{missing[0]} is no parameter.", "Name one that is declared.")
            # The argument itself is a path, where its pattern lets nothing else through.
            first = command[0]
            pattern = self.parameters[first[1:-1]].pattern if first.startswith("{") else first
            if not pattern.lstrip("(").startswith("/"):
                raise refusal(f"{first} is found by whatever PATH says.", "Name it by its path.")
        return self

    @model_validator(mode="after")
    def _dated(self) -> "EntryFacts":
        try:
            date.fromisoformat(self.review_by)
        except ValueError as error:
            raise refusal(f"{self.review_by} is no day.", "Write one as 2027-01-31.") from error
        return self

    def overdue(self, today: date) -> bool:
        """Tell whether its review is over."""
        return date.fromisoformat(self.review_by) < today

    def fits(self, attributes: Collection[str]) -> bool:
        """Tell whether it is on offer for a CI that declares these attributes."""
        wanted = self.applies_to.any_attribute
        return not wanted or any(name in attributes for name in wanted)


class EntryDocument(EntryFacts):
    """One pre-approved playbook, where it lies, and where it came from."""

    folder: str = Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")
    origin: Origin | None = None
    """Written by `catalog import`; none means that it came with ethops."""


class SidecarDocument(EntryFacts):
    """The file `ethops.yaml` beside a playbook of a site's own repository."""

    name: Name


class CatalogueDocument(RootModel[dict[Name, EntryDocument]]):
    """Entry name -> entry."""


class ApprovedDocument(RootModel[dict[Name, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]]):
    """Entry name -> hash of the tree that a person approved."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """An entry, the hash of its files as they lie here, and the hash that was approved."""

    name: str
    document: EntryDocument
    tree_hash: str
    approved_hash: str


def tree_hash(folder: Path) -> str:
    """Return the SHA-256 over every file's path and bytes below a folder, in order of path.

    Raises:
        UnsafeTreeError: there is a link or a special file, so a hash would promise too much.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if IGNORED in relative.parts or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() or not path.is_file():
            raise UnsafeTreeError(f"{path} is not a plain file")
        total.update(relative.as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def read_catalogue(folder: Path) -> tuple[list[Pinned], list[Fault]]:
    """Return the pinned entries of `catalogue.yaml` and everything wrong with them."""
    found = declared.read(folder / "catalogue.yaml", CatalogueDocument)
    approved = declared.read(folder / "approved.yaml", ApprovedDocument)
    faults = [*found.faults, *approved.faults]
    if found.value is None or approved.value is None:
        return [], faults
    pinned: list[Pinned] = []
    for name, entry in found.value.root.items():
        tree = folder / entry.folder
        if not (tree / entry.playbook).is_file():
            faults.append(
                found.fault(
                    (name, "playbook"),
                    f"{entry.folder}/{entry.playbook} is not there.",
                    "Name a playbook inside the entry's folder.",
                )
            )
            continue
        if (entry.rollback.playbook is None) == (entry.rollback.none is None):
            faults.append(
                found.fault(
                    (name, "rollback"),
                    f"{name} says either both or nothing about undoing it.",
                    "Give `playbook`, or `none` with the reason.",
                )
            )
        try:
            lies = tree_hash(tree)
        except UnsafeTreeError as unsafe:
            faults.append(found.fault((name, "folder"), f"{unsafe}.", unsafe.hint))
            continue
        pinned.append(Pinned(name, entry, lies, approved.value.root.get(name, "")))
    return pinned, faults
