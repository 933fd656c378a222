"""Whose word counts for each attribute of a CI. Pure: a table, and what follows from it.

A person's decision is behind the owner's words (site file, desk, import); a foreign system's word
is only shown, and only where the owner says nothing (decision 0290): no guard ever reads it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.json_value import JSON

ATTRIBUTE: Final = "attributes."
ATTRIBUTES: Final = "attributes"
"""Under this name the table has every attribute that it does not name itself."""
OWNERS: Final = ("site", "desk", "import")
"""Kinds of source whose word the gate reads, in the order in which they count."""
FOREIGN: Final = ("itop", "discovery")

EXISTS: Final = "ref"
"""The claim that there is such a CI; all its other claims count only together with one."""
LIFELINE: Final = "lifeline"
"""Whoever says so is believed before anybody who says it is none."""

MEASURED: Final = ("cpu", "kernel", "memory", "os", "ram")
"""What is best known where it can be looked at."""

TABLE: Final[Mapping[str, Sequence[str]]] = {
    EXISTS: OWNERS,
    "name": (*OWNERS, *FOREIGN),
    "ci_class": (*OWNERS, *FOREIGN),
    "impact": OWNERS,
    "urgency": OWNERS,
    "user_facing": OWNERS,
    LIFELINE: OWNERS,
    "host": OWNERS,
    "managed_by": OWNERS,
    ATTRIBUTES: (*OWNERS, "itop", "discovery"),
    **{f"{ATTRIBUTE}{name}": (*OWNERS, "discovery", "itop") for name in MEASURED},
}
"""Field of a CI -> kinds of source, the first counts; one that is not named says nothing of it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One source's word for one field of a CI."""

    field: str
    source: str
    value: JSON
    since: datetime

    @property
    def kind(self) -> str:
        """Return the kind of its source: imports have a name behind it."""
        return self.source.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Stand:
    """What counts for one field, and what is said of it besides, the next to count first."""

    field: str
    counts: Claim
    besides: tuple[Claim, ...]

    @property
    def held(self) -> bool:
        """Tell whether the gate reads it: it is the owner's word."""
        return self.counts.kind not in FOREIGN


def is_locked(stand: Stand) -> bool:
    """Tell whether the desk's word could not count: the site file says it, or a lifeline is one."""
    return stand.counts.kind == "site" or (
        stand.field == LIFELINE and stand.held and stand.counts.value is True
    )


def order_of(field: str) -> Sequence[str]:
    """Return the kinds of source that may speak of a field, the first counts."""
    if field.startswith(ATTRIBUTE):
        return TABLE.get(field, TABLE[ATTRIBUTES])
    return TABLE.get(field, ())


def rank(claim: Claim) -> tuple[bool, int, float, str]:
    """Return what claims of one field are ordered by: the least counts.

    Among words of one rank the newer one counts.
    """
    believed = claim.field == LIFELINE and claim.value is True
    place = order_of(claim.field).index(claim.kind)
    return (not believed, place, -claim.since.timestamp(), claim.source)


def stands(claims: Iterable[Claim]) -> tuple[Stand, ...]:
    """Return what counts for each field of one CI, in the order of names."""
    by_field: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.kind in order_of(claim.field):
            by_field.setdefault(claim.field, []).append(claim)
    found = ((name, sorted(said, key=rank)) for name, said in sorted(by_field.items()))
    return tuple(Stand(name, said[0], tuple(said[1:])) for name, said in found)
