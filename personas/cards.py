"""Role cards: read from YAML, checked, with the digest of the bytes that were read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from adapters import declared
from adapters.declared import Declaration, Fault

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Verb: TypeAlias = Literal[
    "ticket.comment", "ticket.assign", "ticket.resolve", "ticket.escalate", "playbook.run"
]


class Limits(Declaration):
    """What ends a run cleanly: steps, proposals, seconds."""

    max_steps: int = Field(ge=1, le=200)
    max_actions: int = Field(ge=1, le=50)
    max_duration_s: int = Field(ge=10, le=3600)
    max_concurrent: int = Field(default=2, ge=1, le=64)
    """How many runs of the card may be at work at once; the others wait for a place."""


class GrantDocument(Declaration):
    """A verb; for `playbook.run` also which entries, on which classes of CI."""

    verb: Verb
    entries: tuple[Name, ...] = ()
    ci_classes: tuple[Name, ...] = ()


class CardDocument(Declaration):
    """One persona's job description."""

    name: Name
    title: str = Field(max_length=120)
    purpose: str = Field(max_length=2000)
    team: Name
    first_question: Literal["triage", "diagnose"]
    escalates_to: Name
    limits: Limits
    slot: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")] | None = None
    """The GPU slot that it thinks with; none means the first chat slot of operations."""
    grants: tuple[GrantDocument, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card and the SHA-256 of its file."""

    document: CardDocument
    digest: str
    read: declared.Read[CardDocument]
    """Where everything of it stands, for faults that the card alone cannot show."""


def read_cards(folder: Path) -> tuple[list[CardFile], list[Fault]]:
    """Return the cards of a folder, and everything wrong with them."""
    cards: list[CardFile] = []
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.yaml")):
        found = declared.read(path, CardDocument)
        faults += found.faults
        if found.value is None:
            continue
        faults += _faults(found, found.value, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cards.append(CardFile(found.value, digest, found))
    if not cards and not faults:
        faults.append(Fault(str(folder), 1, "There is no card here.", "Add at least one *.yaml."))
    return cards, faults


def _faults(found: declared.Read[CardDocument], card: CardDocument, path: Path) -> list[Fault]:
    faults: list[Fault] = []
    if path.stem != card.name:
        faults.append(
            found.fault(("name",), f"The card {card.name} lies in {path.name}.", "Name both alike.")
        )
    for number, grant in enumerate(card.grants):
        scoped = bool(grant.entries) and bool(grant.ci_classes)
        if (grant.verb == "playbook.run") != scoped or bool(grant.entries) != scoped:
            faults.append(
                found.fault(
                    ("grants", number),
                    f"The grant {grant.verb} has the wrong bounds.",
                    "Give `entries` and `ci_classes` with playbook.run, and only there.",
                )
            )
    return faults
