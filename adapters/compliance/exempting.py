"""What the site file says does not apply, into rows; what it no longer says is taken back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from adapters.compliance import models, services
from adapters.compliance.declared import DeclaredExemption
from adapters.compliance.judgement import Place, standing
from adapters.compliance.port import Exemption
from adapters.rows import now

TAKEN_BACK: Final = "the site file says so no longer"
BY: Final = "site file"


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a declaration added, changed and retired."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


def apply(declared: Iterable[DeclaredExemption]) -> Applied:
    """Say what is declared and still holds, and take back the rest; run as the owner."""
    at = now()
    words = [one.word(at) for one in declared]
    asked = {(one.safeguard, one.scope): one for one in words if at < one.until}
    before = standing(map(_word, models.Exemption.objects.all()), at)
    said = {place: one for place, one in asked.items() if services.exempt(one)}
    gone = [place for place in before if place not in asked]
    for place in gone:
        services.exempt(
            replace(before[place], reason=TAKEN_BACK, said_by=BY, said_at=at, until=at)
        )  # fmt: skip
    return Applied(
        added=tuple(_named(place) for place in said if place not in before),
        changed=tuple(_named(place) for place in said if place in before),
        retired=tuple(map(_named, gone)),
    )


def _named(place: Place) -> str:
    safeguard, scope = place
    return f"exemption from {safeguard} of {scope or 'everything'}"


def _word(row: models.Exemption) -> Exemption:
    return Exemption(row.safeguard, row.scope, row.reason, row.said_by, row.said_at, row.until)
