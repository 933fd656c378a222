"""Role cards: read from YAML, checked, with the digest of the bytes that were read."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from adapters import declared
from adapters.declared import Declaration, Fault
from adapters.inference.rendering import prompt_digest, told
from personas.commands import FROM_CI, covered, elements, option_faults, pattern_faults

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Sentence: TypeAlias = Annotated[str, Field(min_length=10, max_length=300)]
Verb: TypeAlias = Literal[
    "ticket.comment",
    "ticket.assign",
    "ticket.resolve",
    "ticket.escalate",
    "ticket.ask",
    "pull.open",
    "playbook.run",
    "command.run",
]
FirstQuestion: TypeAlias = Literal["triage", "diagnose", "inspect"]
Risk: TypeAlias = Literal["none", "low", "medium", "high"]
SCOPED: Final = frozenset({"playbook.run", "command.run"})
"""Verbs that touch a CI: granted by entry and by class of CI."""
_SCOPED: Final = " and ".join(sorted(SCOPED))


class Limits(Declaration):
    """What ends a run cleanly: steps, proposals, seconds; what is left out has the default."""

    max_steps: int = Field(ge=1, le=200)
    max_actions: int = Field(ge=1, le=50)
    max_duration_s: int = Field(ge=10, le=3600)
    max_concurrent: int = Field(default=2, ge=1, le=64)
    """How many runs of the card may be at work at once; the others wait for a place."""
    max_depth: Annotated[int, Field(ge=0, le=20)] | None = None
    """How many runs may stand above one of its own, each of which came of the one before."""
    tokens_in: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """What models may read for one run, in all."""
    tokens_out: Annotated[int, Field(ge=1, le=10_000_000)] | None = None

    def said(self) -> dict[str, int]:
        """Return what the gate reads of it: of what is left out it knows the default itself."""
        return self.model_dump(exclude_none=True)


class GrantDocument(Declaration):
    """A verb; for `playbook.run` also which entries, on which classes of CI.

    For `command.run` the one entry names the scope that is declared here: which commands, as
    patterns, with which options, how risky, how often. Autonomy is given for that name.
    """

    verb: Verb
    entries: tuple[Name, ...] = ()
    ci_classes: tuple[Name, ...] = ()
    commands: Annotated[tuple[str, ...], Field(max_length=40)] = ()
    options: Annotated[tuple[str, ...], Field(max_length=40)] = ()
    """What may stand where a pattern ends with *, besides words."""
    looks: Annotated[dict[Name, tuple[str, ...]], Field(max_length=12)] = Field(
        default_factory=dict
    )
    """Commands of this scope that its questions offer: made by code, never by a model."""
    risk: Risk | None = None
    """`none` says that it only looks: then it may be run again after a crash."""
    timeout_s: Annotated[int, Field(ge=1, le=120)] = 30
    max_per_ticket: Annotated[int, Field(ge=1, le=50)] = 10
    max_per_hour: Annotated[int, Field(ge=1, le=1000)] = 60

    @property
    def tools(self) -> tuple[str, ...]:
        """The programs that its commands begin with, each once."""
        return tuple(dict.fromkeys(elements(pattern)[0] for pattern in self.commands))


class Waiting(Declaration):
    """Why a card cannot be dispatched yet, and which issue brings what it lacks."""

    why: Annotated[str, Field(min_length=20, max_length=600)]
    issue: Annotated[int, Field(ge=1)] | None = None
    """None where nobody has planned it yet."""


class CardDocument(Declaration):
    """One persona's job description."""

    name: Name
    title: str = Field(max_length=120)
    purpose: str = Field(max_length=2000)
    duties: Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=12)]
    """What the job is, a sentence each."""
    never: Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=12)]
    """What it must not do; each is held by a grant that is missing or by a rule."""
    team: Name
    first_question: FirstQuestion | None = None
    """What a run begins with; none where no code can ask this card anything yet."""
    waiting: Waiting | None = None
    looks_after: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Classes of CI whose incidents it is given, once they are assigned; no two cards share one."""
    escalates_to: Name
    limits: Limits
    slot: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")] | None = None
    """The GPU slot that it thinks with; none means the first chat slot of operations."""
    grants: tuple[GrantDocument, ...] = Field(min_length=1)

    @property
    def dispatchable(self) -> bool:
        """Whether runs of it are born: the dispatcher and the gate refuse others."""
        return self.waiting is None

    @property
    def scopes(self) -> dict[str, GrantDocument]:
        """Its scopes of commands, by name."""
        return {g.entries[0]: g for g in self.grants if g.verb == "command.run" and g.entries}


_BOUNDS: Final = (
    ("tokens_in", "tokens read"),
    ("tokens_out", "tokens written"),
    ("max_depth", "runs deep"),
)


def further_bounds(limits: Mapping[str, int]) -> list[str]:
    """Return in words what a card bounds besides what every card does."""
    return [f"{limits[name]} {word}" for name, word in _BOUNDS if name in limits]


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card and the SHA-256 of its file."""

    document: CardDocument
    digest: str
    read: declared.Read[CardDocument]
    """Where everything of it stands, for faults that the card alone cannot show."""

    @property
    def prompt_digest(self) -> str:
        """The SHA-256 of what a model that thinks for it is told."""
        return prompt_digest(self.document.name)

    @property
    def told(self) -> str:
        """What a model that thinks for it is told, as the text whose digest that is."""
        return told(self.document.name)


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
    faults += _shared_classes(cards)
    if not cards and not faults:
        faults.append(Fault(str(folder), 1, "There is no card here.", "Add at least one *.yaml."))
    return cards, faults


def _shared_classes(cards: list[CardFile]) -> Iterator[Fault]:
    """Yield classes of CI that two cards look after: nobody could say which is given one."""
    seen: dict[str, str] = {}
    for card in cards:
        for ci_class in card.document.looks_after:
            if ci_class in seen:
                what = f"{seen[ci_class]} looks after CIs of class {ci_class} already."
                yield card.read.fault(("looks_after",), what, "Leave each class to one card.")
            seen.setdefault(ci_class, card.document.name)


def _faults(found: declared.Read[CardDocument], card: CardDocument, path: Path) -> Iterator[Fault]:
    if path.stem != card.name:
        yield found.fault(
            ("name",), f"The card {card.name} lies in {path.name}.", "Name both alike."
        )
    if (card.first_question is None) is card.dispatchable:
        yield found.fault(
            ("first_question",),
            f"{card.name} has a first question exactly where it is waiting for one.",
            "Give `first_question`, or `waiting` with the reason.",
        )
    granted = {ci_class for grant in card.grants for ci_class in grant.ci_classes}
    for ci_class in card.looks_after:
        if ci_class not in granted or not card.dispatchable:
            what = f"{card.name} can do nothing about a CI of class {ci_class}."
            yield found.fault(("looks_after",), what, "Name classes that it has grants on.")
    for number, grant in enumerate(card.grants):
        yield from _grant_faults(found, number, grant)
    yield from _double_scopes(found, card)


def _grant_faults(
    found: declared.Read[CardDocument], number: int, grant: GrantDocument
) -> Iterator[Fault]:
    scoped = bool(grant.entries) and bool(grant.ci_classes)
    if (grant.verb in SCOPED) != scoped or bool(grant.entries) != scoped:
        yield found.fault(
            ("grants", number),
            f"The grant {grant.verb} has the wrong bounds.",
            f"Give `entries` and `ci_classes` with {_SCOPED}, and only there.",
        )
    whole = bool(grant.commands) and grant.risk is not None and len(grant.entries) == 1
    bounds = {
        *("commands", "options", "looks", "risk"),
        *("timeout_s", "max_per_ticket", "max_per_hour"),
    }
    if grant.verb == "command.run" and not whole:
        yield found.fault(
            ("grants", number),
            "A scope of commands is not whole.",
            "Give it one name under `entries`, `commands`, `options` and `risk`.",
        )
    if grant.verb != "command.run" and bounds & grant.model_fields_set:
        yield found.fault(
            ("grants", number),
            f"The grant {grant.verb} has bounds of a command.",
            "Remove them: a playbook's stand in the catalogue.",
        )
    for place, pattern in enumerate(grant.commands):
        for what, mend in pattern_faults(pattern):
            yield found.fault(("grants", number, "commands", place), what, mend)
    for place, option in enumerate(grant.options):
        for what, mend in option_faults(option):
            yield found.fault(("grants", number, "options", place), what, mend)
    for name, look in grant.looks.items():
        if grant.risk != "none" or not _is_covered(look, grant):
            what = f"`{' '.join(look)}` is no look that its scope covers."
            mend = "Offer commands of a scope with risk none, within its patterns."
            yield found.fault(("grants", number, "looks", name), what, mend)


def _is_covered(look: tuple[str, ...], grant: GrantDocument) -> bool:
    """Tell whether a look is covered whatever a CI declares in the place of {names}."""
    by_ci = {name: "{" + name + "}" for element in look for name in FROM_CI.findall(element)}
    return covered(grant.commands, grant.options, look, by_ci)


def _double_scopes(found: declared.Read[CardDocument], card: CardDocument) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, grant in enumerate(card.grants):
        if grant.verb == "command.run" and seen & set(grant.entries):
            what = f"{card.name} has a second scope {grant.entries[0]}."
            yield found.fault(("grants", number, "entries"), what, "Give it another name.")
        if grant.verb == "command.run":
            seen |= set(grant.entries)
