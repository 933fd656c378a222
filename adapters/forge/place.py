"""Where the forge of this installation is, and by what right it is spoken to."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """One repository; an embedded one has a folder, one elsewhere an address, a name, a token."""

    folder: Path = Path()
    url: str = ""
    repository: str = ""
    token: str = ""
    base: str = "main"
    machines: frozenset[str] = frozenset()
    """Logins at the forge that no person holds: their word never counts."""
