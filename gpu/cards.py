"""Which cards there are: a declared file, or the one server that variables name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from adapters import declared
from adapters.declared import Declaration, Fault, Read, refusal
from gpu.profile import DEFAULT, Profile, SlotDocument, SlotName, read_profile

FIRST = "card0"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A server of OpenAI's API as variables name it: one model for whatever is asked."""

    url: str
    model: str
    key_file: str = ""


class CardDocument(Declaration):
    """One card: the server that has it, and which host runs its worker."""

    name: SlotName
    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=200)]
    models: dict[SlotName, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=40
    )
    """Slot -> the model's name at a server of OpenAI's API; with none the server is an Ollama."""
    key_file: Annotated[str, Field(max_length=400)] = ""
    """A file with the key that such a server wants."""
    elsewhere: bool = False
    """Its worker is started by hand on another host (`manage.py gpu worker NAME`)."""

    def serves(self, slot: str) -> bool:
        """Tell whether it may answer for a slot; an Ollama may for each."""
        return not self.models or slot in self.models

    @model_validator(mode="after")
    def _keeps_its_key(self) -> "CardDocument":
        parts = urlsplit(self.url)
        if "@" in parts.netloc:
            raise refusal("`url` holds a login.", "Name a `key_file` instead.")
        if self.key_file and not self.models:
            raise refusal("An Ollama wants no key.", "Name `models`: slot and model there.")
        if self.key_file and parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise refusal("The key would go in the clear.", "Name the server by https.")
        return self


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


def declared_cards(
    path: Path | None, ollama_host: str, profile: str, server: NamedServer | None = None
) -> Read[CardsFile]:
    """Return the cards of the file, or the one that variables name, or none."""
    if path is not None and path.exists():
        return read_cards(path)
    if server is not None:
        return _served(server, profile or DEFAULT)
    cards = (CardDocument(name=FIRST, url=as_url(ollama_host)),) if ollama_host else ()
    return Read("OLLAMA_HOST", CardsFile(profile=profile or DEFAULT, cards=cards), ())


def strangers(profile: Profile, found: Read[CardsFile]) -> tuple[Fault, ...]:
    """Return a fault for each slot that a card serves and the profile has not."""
    known = {slot.name for slot in profile.slots}
    return tuple(
        found.fault(
            ("cards", number, "models", name),
            f"{card.name} serves {name}, which the profile {profile.name} has not.",
            f"It has: {', '.join(sorted(known))}.",
        )
        for number, card in enumerate(found.value.cards if found.value else ())
        for name in sorted(card.models.keys() - known)
    )


def served(profile: Profile, cards: CardsFile) -> tuple[SlotDocument, ...]:
    """Return the slots that some card serves; of one name everywhere, by that name."""
    found = []
    for slot in profile.slots:
        names = {
            card.models.get(slot.name, slot.model) for card in cards.cards if card.serves(slot.name)
        }
        if names:
            only = names.pop() if len(names) == 1 else slot.model
            found.append(slot.model_copy(update={"model": only}))
    return tuple(found)


def _served(server: NamedServer, profile: str) -> Read[CardsFile]:
    """Return one card whose server answers every chat slot of the profile by its one model."""
    found = read_profile(profile)
    if found.value is None:
        return Read(found.file, None, found.faults, found.lines)
    chats = {slot.name: server.model for slot in found.value.slots if slot.kind == "chat"}
    card = CardDocument(name=FIRST, url=server.url, models=chats, key_file=server.key_file)
    return Read("ETHOPS_INFERENCE_URL", CardsFile(profile=profile, cards=(card,)), ())


def as_url(host: str) -> str:
    """Return OLLAMA_HOST as a URL; like Ollama's own clients: port 11434 unless said."""
    scheme, _, rest = host.rpartition("://")
    address = rest.rstrip("/").replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104 - a server's spelling
    has_port = address.rpartition(":")[2].isdigit() and ":" in address
    default = {"https": ":443", "http": ":80"}.get(scheme, ":11434")
    return f"{scheme or 'http'}://{address}{'' if has_port or '/' in address else default}"
