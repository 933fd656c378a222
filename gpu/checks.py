"""System checks: what is declared of cards has no fault, and their servers' keys are there."""

from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error

from adapters import secret_files
from gpu import declaration


def check_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Report a file that holds the key of a card's server, and is none, as gpu.E001."""
    found = declaration.read()
    if not isinstance(found, declaration.Declared):
        return []
    return [
        Error(
            f"{found.file}: the key of the card {card.name}, {card.key_file}: {wrong}",
            hint=secret_files.MEND,
            id="gpu.E001",
        )
        for card in found.cards.cards
        # On another host it is that host's file.
        if card.key_file and not card.elsewhere
        for wrong in secret_files.token_faults(Path(card.key_file).expanduser())
    ]


def check_cards(**_kwargs: Any) -> list[CheckMessage]:
    """Report every fault of gpu.yaml and of its profile as gpu.E002, with file, line and mend."""
    found = declaration.read()
    if isinstance(found, declaration.Declared):
        return []
    return [Error(f"{f.file}:{f.line}: {f.what}", hint=f.mend, id="gpu.E002") for f in found]
