"""System checks: what is declared of cards has no fault, and their servers' keys are there."""

from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error

from adapters import secret_files
from gpu import conf
from gpu.cards import declared_cards, served
from gpu.errors import BadProfileError
from gpu.profile import read_profile


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


def check_cards(**_kwargs: Any) -> list[CheckMessage]:
    """Report every fault of gpu.yaml and of its profile as gpu.E002, with file, line and mend."""
    found = declared_cards(conf.cards_file(), conf.ollama_host(), conf.profile(), conf.server())
    if found.value is None or not found.value.cards:
        return [_refused(f"{f.file}:{f.line}: {f.what}", f.mend) for f in found.faults]
    profile = read_profile(found.value.profile)
    if profile.value is None:
        return [_refused(f"{f.file}:{f.line}: {f.what}", f.mend) for f in profile.faults]
    try:
        served(profile.value, found.value)
    except BadProfileError as fault:
        return [_refused(f"{found.file}: {fault}", fault.hint)]
    return []


def _refused(what: str, mend: str) -> CheckMessage:
    return Error(what, hint=mend, id="gpu.E002")
