"""The catalogue: pre-approved playbooks, each pinned by the hash of its whole folder."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
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


Command: TypeAlias = Annotated[Pattern, AfterValidator(_expression)]


RootWord: TypeAlias = Annotated[str, Field(pattern=r"^(?:\{[a-z0-9_]+\}|[A-Za-z0-9/._=-]{1,200})$")]
RootCommand: TypeAlias = Annotated[tuple[RootWord, ...], Field(min_length=1, max_length=16)]


class Parameter(Declaration):
    """An argument: the CI's attribute it comes from, and the pattern it must match whole."""

    source: str = Field(alias="from", pattern=r"^[a-z][a-z0-9_]{0,59}$")
    pattern: Pattern
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


class EntryDocument(Declaration):
    """One pre-approved playbook."""

    title: str = Field(max_length=120)
    folder: str = Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")
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
    sudo: tuple[Command, ...] | None = None
    """What it runs by sudo on its host, each matched whole; none given leaves it to the time."""
    as_root: tuple[RootCommand, ...] = ()
    """The same word for word, for sudoers; `{name}` stands for the argument of that name."""

    @model_validator(mode="after")
    def _named(self) -> "EntryDocument":
        for command in self.as_root:
            if not command[0].startswith("/"):
                raise refusal(
                    f"{command[0]} is found by whatever PATH says.", "Name it by its path."
                )
            places = {word[1:-1] for word in command if word.startswith("{")}
            if missing := sorted(places - {*self.parameters}):
                raise refusal(f"{missing[0]} is no parameter.", "Name one that is declared.")
        return self

    def fits(self, attributes: Collection[str]) -> bool:
        """Tell whether it is on offer for a CI that declares these attributes."""
        wanted = self.applies_to.any_attribute
        return not wanted or any(name in attributes for name in wanted)


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
