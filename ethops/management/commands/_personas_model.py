"""Which model `personas eval` asks, at which server: a slot's, as the card has it, or any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from adapters import secret_files
from adapters.inference import direct, ollama, openai
from gpu import declaration
from gpu.cards import FIRST, CardDocument, CardsFile, as_url
from gpu.errors import BadProfileError
from gpu.profile import SlotDocument

LOCAL = "127.0.0.1"
OPENAI = "openai"
APIS = ("ollama", OPENAI)


@dataclass(frozen=True, slots=True)
class Named:
    """One model at one server; `slot` is empty where it is no slot's."""

    model: str
    runner: Mapping[str, Any]
    card: CardDocument
    slot: str = ""

    @property
    def shown(self) -> str:
        """The model and where it is."""
        return f"{self.model} at {self.card.url}"

    @property
    def evidence(self) -> str:
        """Its name as its answers bear it in runs."""
        return f"{self.slot} ({self.model})" if self.slot else self.model

    @property
    def engine(self) -> openai.Server | ollama.Server:
        """Its server."""
        if not self.card.models:
            return ollama.Server(self.card.url, connect_s=3.0)
        return openai.Server(self.card.url, token=_key(self.card.key_file), connect_s=3.0)

    def asked(self, timeout_s: float) -> direct.Inference:
        """Return what answers questions by it, beside the card's queue."""
        context = int(self.runner["num_ctx"])
        return direct.Inference(
            self.engine, self.model, self.runner, context_tokens=context, timeout_s=timeout_s
        )

    def digest(self) -> str:
        """Return the digest of its weights as the server lists it, "" where it does not."""
        server = self.engine
        if isinstance(server, openai.Server):
            return ""
        wanted = ollama.full_name(self.model)
        return next((tag.digest for tag in server.tags() if tag.model == wanted), "")


def named(options: dict[str, Any]) -> Named:
    """Return the model that the options name.

    Raises:
        CommandError: a declared file has a fault, or nothing says what server has the model.
    """
    try:
        found = declaration.read_or_refuse()
    except BadProfileError as fault:
        raise CommandError(f"{fault} {fault.hint}") from fault
    slots = {slot.name: slot for slot in found.slots if slot.kind == "chat"}
    slot = slots.get(options["model"])
    model = slot.model if slot else options["model"]
    runner = slot.options.given() if slot else {"num_ctx": options["context"]}
    card = _card(options, found.cards, model, slot)
    if slot and not options["host"]:
        model = card.models.get(slot.name, model)
    return Named(model, runner, card, slot.name if slot else "")


def _card(
    options: dict[str, Any], file: CardsFile, model: str, slot: SlotDocument | None
) -> CardDocument:
    """Return the server: the one that is named, else the card that has the slot, or the first."""
    key, api = options["key_file"], options["api"]
    if not options["host"]:
        serving = [card for card in file.cards if not slot or card.serves(slot.name)]
        fitting = [card for card in serving if not api or bool(card.models) == (api == OPENAI)]
        if fitting:
            return fitting[0]
        if api == OPENAI:
            raise CommandError("No server of OpenAI's API is declared: name it, --host URL.")
        return CardDocument(name=FIRST, url=as_url(LOCAL))
    if api != OPENAI:
        return CardDocument(name=FIRST, url=as_url(options["host"]))
    try:
        return CardDocument(name=FIRST, url=options["host"], models={FIRST: model}, key_file=key)
    except ValueError as fault:
        raise CommandError(f"--host {options['host']}: {fault}") from fault


def _key(file: str) -> str:
    try:
        return secret_files.read(Path(file).expanduser()) if file else ""
    except secret_files.UnfitSecretError as fault:
        raise CommandError(f"The server's key cannot be read: {file}: {fault}.") from fault
