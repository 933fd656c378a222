"""Who put his hand to an incident, and whose was the last before it was well. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ethops.figures.facts import Actor, Episode, Passage, Repair

HANDS: Final[Mapping[str, Actor]] = {"agent": "agent", "person": "person"}
"""Author of a move -> actor; what rules and the executor move is nobody's hand."""
ENDS: Final = frozenset({"ev_resolve"})
OPENS: Final = frozenset({"ev_reopen"})


def taken(passages: Iterable[Passage]) -> tuple[datetime | None, Actor | None]:
    """Return when somebody first put a hand to a ticket, and who; a rule is nobody."""
    for one in passages:
        if one.author_kind in HANDS:
            return one.at, HANDS[one.author_kind]
    return None, None


def episodes(
    opened_at: datetime,
    passages: Sequence[Passage],
    repairs: Sequence[Repair],
    well: Mapping[int, datetime],
) -> tuple[Episode, ...]:
    """Return the times that an incident was open, oldest first.

    `passages` and `repairs` are its own, oldest first; `well` says since when it was well, by how
    often it had been opened again.
    """
    found: list[Episode] = []
    began, resolved = opened_at, None
    for one in passages:
        if one.stimulus in OPENS:
            found.append(_episode(len(found), began, resolved, passages, repairs, well))
            began, resolved = one.at, None
        elif one.stimulus in ENDS:
            resolved = one.at
    found.append(_episode(len(found), began, resolved, passages, repairs, well))
    return tuple(found)


def _episode(
    number: int,
    began: datetime,
    resolved: datetime | None,
    passages: Sequence[Passage],
    repairs: Sequence[Repair],
    well: Mapping[int, datetime],
) -> Episode:
    well_from = well.get(number)
    by = mended_by(began, well_from or resolved, passages, repairs)
    return Episode(began, resolved, well_from, by)


def mended_by(
    began: datetime,
    until: datetime | None,
    passages: Iterable[Passage],
    repairs: Iterable[Repair],
) -> Actor:
    """Return whose was the last hand on it before it was well; nobody's: it healed by itself.

    A change that was made while it was well already is no hand, nor is a move of an agent's that
    changed nothing. Of a person we see that he took it: what he does on a host we do not.
    """
    hands: list[tuple[datetime, Actor]] = [
        (one.began, one.by)
        for one in repairs
        if one.done and not one.healed_alone and _within(one.began, began, until)
    ]
    hands += [
        (one.at, "person")
        for one in passages
        if one.author_kind == "person"
        and one.stimulus not in OPENS
        and _within(one.at, began, until)
    ]
    return max(hands, key=lambda hand: hand[0])[1] if hands else "itself"


def _within(at: datetime, began: datetime, until: datetime | None) -> bool:
    return began <= at and (until is None or at <= until)
