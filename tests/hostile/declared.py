"""What the declared files say, read by a reader of the oracle's own: nothing of ours helps it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Right:
    """One line of a card's grants, taken apart: entry and class are "" for other verbs."""

    verb: str
    entry: str = ""
    ci_class: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A persona as its file declares it."""

    name: str
    rights: frozenset[Right]
    limits: dict[str, int]
    document: dict[str, Any]

    @property
    def scopes(self) -> dict[str, dict[str, Any]]:
        """Its scopes of commands, by name."""
        grants = self.document["grants"]
        return {g["entries"][0]: g for g in grants if g["verb"] == "command.run"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A playbook of the catalogue as its file declares it."""

    name: str
    risk: str
    parameters: dict[str, dict[str, Any]]
    max_per_ticket: int
    max_per_hour: int


@dataclass(frozen=True, slots=True)
class Declared:
    """Cards and catalogue by name."""

    cards: dict[str, Card]
    entries: dict[str, Entry]

    @property
    def dispatchable(self) -> list[str]:
        """The cards that have a question to be asked: no run of another is ever born."""
        return [name for name in sorted(self.cards) if "waiting" not in self.cards[name].document]

    @property
    def classes(self) -> list[str]:
        """Every class of CI that some card has a right on."""
        rights = [right for card in self.cards.values() for right in card.rights]
        return sorted({right.ci_class for right in rights if right.ci_class})

    @property
    def verbs(self) -> list[str]:
        """Every verb that some card is granted."""
        return sorted({right.verb for card in self.cards.values() for right in card.rights})


def read(cards: Path = ROOT / "personas" / "cards", plays: Path = ROOT / "playbooks") -> Declared:
    """Read both."""
    found = (_card(yaml.safe_load(path.read_text())) for path in sorted(cards.glob("*.yaml")))
    catalogue = yaml.safe_load((plays / "catalogue.yaml").read_text())
    entries = (_entry(name, said) for name, said in catalogue.items())
    return Declared({card.name: card for card in found}, {entry.name: entry for entry in entries})


def _card(said: dict[str, Any]) -> Card:
    rights = {
        Right(grant["verb"], entry, ci_class)
        for grant in said["grants"]
        for entry in grant.get("entries") or [""]
        for ci_class in grant.get("ci_classes") or [""]
    }
    limits = {name: value for name, value in said["limits"].items() if isinstance(value, int)}
    return Card(said["name"], frozenset(rights), limits, said)


def _entry(name: str, said: dict[str, Any]) -> Entry:
    return Entry(
        name, said["risk"], said["parameters"], said["max_per_ticket"], said["max_per_hour"]
    )


def bad_value(rule: dict[str, Any], value: object, *, longest: int = 250) -> bool:
    """Tell whether a declared parameter refuses a value: whole match, text, no control character.

    A pattern is matched whole, and neither a newline at the end nor a NUL passes as nothing.
    """
    if not isinstance(value, str) or len(value) > int(rule.get("max", longest)):
        return True
    if "pattern" not in rule:
        return False
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in value):
        return True
    return re.fullmatch(rule["pattern"], value) is None
