"""What the settings say of the knowledge base: where its repository is, and by which model."""

from dataclasses import dataclass
from pathlib import Path

from adapters import conf


@dataclass(frozen=True, slots=True)
class Place:
    """One bare repository, and the branch that is merged to."""

    folder: Path
    branch: str = "main"


@dataclass(frozen=True, slots=True)
class Meaning:
    """By which slot passages and questions are made into vectors, and the words put before them.

    Without a slot's name it is the first there is; an empty one says that words alone are to
    answer. Words that are None are the model's own, as its makers say.
    """

    slot: str | None = None
    before_passages: str | None = None
    before_questions: str | None = None


def meaning() -> Meaning:
    """Return what the settings say about the model."""
    said = conf.options("knowledge")
    named = ("slot", "before_passages", "before_questions")
    return Meaning(**{name: str(said[name]) for name in named if name in said})


def named() -> Place | None:
    """Return the repository that the settings name for the contract, None where they name none."""
    said = conf.options("knowledge")
    folder = said.get("repository")
    return Place(Path(str(folder)), str(said.get("branch", "main"))) if folder else None
