"""System checks: the keys of the cards' servers are there before a worker asks with them."""

from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error

from adapters import secret_files
from gpu import conf
from gpu.cards import declared_cards


def check_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Report a file that holds the key of a card's server, and is none, as gpu.E001."""
    found = declared_cards(conf.cards_file(), conf.ollama_host(), conf.profile(), conf.server())
    cards = found.value.cards if found.value else ()
    return [
        Error(
            f"{found.file}: the key of the card {card.name}, {card.key_file}: {wrong}",
            hint=secret_files.MEND,
            id="gpu.E001",
        )
        for card in cards
        # On another host it is that host's file.
        if card.key_file and not card.elsewhere
        for wrong in secret_files.token_faults(Path(card.key_file).expanduser())
    ]
