"""Who may do what at ethops itself, as facts that safeguards are judged by. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.compliance.canonical import digest, moment
from adapters.compliance.port import WHOLE, Fact
from adapters.json_value import JSON

IDLE: Final = timedelta(days=45)
ADMINISTERS: Final = frozenset({"admin", "approver"})
"""Roles whose people change what others may do, or let changes happen."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account that is open, as it stands."""

    name: str
    superuser: bool
    roles: frozenset[str]
    has_factor: bool
    comes_in: bool
    """It has a password, or a door elsewhere, and no token: tokens leave no trace of when."""
    seen_at: datetime
    """The last login, or since when there is the account."""
    recorded: frozenset[str] | None
    """The roles that the record says; None where it says nothing."""


def of_people(people: Sequence[Person], at: datetime, *, pruned: bool = False) -> Iterator[Fact]:
    """Yield who was away for long, who has a second factor, and whose roles are on record.

    What retention took out of a `pruned` record may have been about whoever it says nothing of.
    """
    come_in = [one for one in people if one.comes_in]
    idle = {one.name for one in come_in if at - one.seen_at > IDLE}
    yield _fact("idle", come_in, idle, {"people": len(come_in), "idle": len(idle)}, at)
    grave = [one for one in people if one.superuser or one.roles & ADMINISTERS]
    held = {one.name for one in grave if one.has_factor}
    yield _fact("factors", grave, held, {"people": len(grave), "with_factor": len(held)}, at)
    # A superuser is nobody's by a role; whose entry may be gone is not judged.
    known = [one for one in people if one.recorded is not None or not pruned]
    placed = [one for one in known if one.roles and not one.superuser]
    bare = {one.name for one in placed if one.recorded != one.roles}
    yield _fact("roles", placed, bare, {"people": len(placed), "unrecorded": len(bare)}, at)


def of_contacts(named: Collection[str], there: Collection[str], at: datetime) -> Fact:
    """Return how many contacts rules tell of incidents, and how many of those there are."""
    wanted, found = set(named), set(named) & set(there)
    read: JSON = [sorted(wanted), sorted(found)]
    values: dict[str, JSON] = {"named": len(wanted), "contacts": len(found)}
    return Fact("contacts", WHOLE, at, "notices", values, digest(read))


def _fact(
    name: str, looked_at: Sequence[Person], among: set[str], values: dict[str, JSON], at: datetime
) -> Fact:
    read: JSON = [
        [one.name, one.superuser, sorted(one.roles), one.name in among, moment(one.seen_at)]
        for one in sorted(looked_at, key=lambda one: one.name)
    ]
    return Fact(name, WHOLE, at, "logins", values, digest(read))
