"""System checks: nothing starts on a bad card or catalogue."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from personas import conf, entries, witnesses
from personas.cards import read_cards

LEDGER = "ledger"
"""The tag of what a command that reads the ledger alone depends on."""


@register
def check_cards(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Report every fault of the role cards with file, line and mend."""
    del app_configs, options
    _cards, faults = read_cards(conf.cards_folder())
    return [Error(f"{f.file}:{f.line}: {f.what}", f.mend, id="personas.E001") for f in faults]


@register
def check_catalogue(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Report every fault of the catalogue, and what has changed since it was approved."""
    del app_configs, options
    pinned, faults = entries.read()
    found: list[CheckMessage] = [
        Error(f"{f.file}:{f.line}: {f.what}", f.mend, id="personas.E002") for f in faults
    ]
    found += [
        Warning(
            f"The files of {entry.name} are not those that were approved: it will be denied.",
            f"Read the change, then `manage.py personas approve {entry.name}`.",
            id="personas.W001",
        )
        for entry in pinned
        if entry.tree_hash != entry.approved_hash
    ]
    today = datetime.now(UTC).date()
    found += [
        Warning(
            f"The review of {entry.name} was due by {entry.document.review_by}: it is only"
            " proposed, whatever the level.",
            f"{entry.document.owner} looks at it again and writes a new `review_by`.",
            id="personas.W003",
        )
        for entry in pinned
        if entry.document.overdue(today)
    ]
    return found


@register(LEDGER)
def check_witnesses(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Report every fault of `ledger.yaml`, and where it asks for less than it seems to."""
    del app_configs, options
    path = conf.ledger_file()
    if path is None:
        return []
    read = witnesses.read(path)
    if read.value is not None and read.value.witnesses and not read.value.asked_for:
        return [
            Warning(
                f"{path}: no independent witness is asked for, so risky effects wait for none.",
                "Let somebody else run one, and name him as its administrator.",
                id="personas.W002",
            )
        ]
    return [Error(f"{f.file}:{f.line}: {f.what}", f.mend, id="personas.E003") for f in read.faults]
