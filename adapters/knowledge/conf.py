"""Where the settings say that the repository of the knowledge base is."""

from dataclasses import dataclass
from pathlib import Path

from adapters import conf


@dataclass(frozen=True, slots=True)
class Place:
    """One bare repository, and the branch that is merged to."""

    folder: Path
    branch: str = "main"


def named() -> Place | None:
    """Return the repository that the settings name for the contract, None where they name none."""
    said = conf.options("knowledge")
    folder = said.get("repository")
    return Place(Path(str(folder)), str(said.get("branch", "main"))) if folder else None
