"""Which cards there are: a declared file, or the one that OLLAMA_HOST names."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from adapters import declared
from adapters.declared import Declaration, Read
from gpu.profile import DEFAULT, SlotName

FIRST = "card0"


class CardDocument(Declaration):
    """One card: the Ollama that has it, and which host runs its worker."""

    name: SlotName
    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=200)]
    elsewhere: bool = False
    """Its worker is started by hand on another host (`manage.py gpu worker NAME`)."""


class CardsFile(Declaration):
    """The cards of this site, all of one profile: one line each."""

    profile: str = Field(default=DEFAULT, max_length=200)
    cards: Annotated[tuple[CardDocument, ...], Field(max_length=16)]


def read_cards(path: Path) -> Read[CardsFile]:
    """Read the file; a name used twice is a fault."""
    found = declared.read(path, CardsFile)
    if found.value is None:
        return found
    names = [card.name for card in found.value.cards]
    faults = tuple(
        found.fault(("cards", n, "name"), f"There is a second card {name}.", "Rename it.")
        for n, name in enumerate(names)
        if name in names[:n]
    )
    return Read(found.file, None, faults, found.lines) if faults else found


def declared_cards(path: Path | None, ollama_host: str, profile: str) -> Read[CardsFile]:
    """Return the cards of the file, or one at OLLAMA_HOST, or none."""
    if path is not None and path.exists():
        return read_cards(path)
    cards = (CardDocument(name=FIRST, url=as_url(ollama_host)),) if ollama_host else ()
    return Read("OLLAMA_HOST", CardsFile(profile=profile or DEFAULT, cards=cards), ())


def as_url(host: str) -> str:
    """Return OLLAMA_HOST as a URL; like Ollama's own clients: port 11434 unless said."""
    scheme, _, rest = host.rpartition("://")
    address = rest.rstrip("/").replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104 - a server's spelling
    has_port = address.rpartition(":")[2].isdigit() and ":" in address
    default = {"https": ":443", "http": ":80"}.get(scheme, ":11434")
    return f"{scheme or 'http'}://{address}{'' if has_port or '/' in address else default}"
