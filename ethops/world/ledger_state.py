"""How the ledger stands as a whole: its end, what waits, the last check."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from audit.ledger import verification
from audit.models import Pending


@dataclass(frozen=True, slots=True)
class Checked:
    """What the last walk over the chain found; `finding` is empty where it was whole."""

    to_seq: int
    at: datetime
    finding: str
    since: int = 0
    took_s: float = 0.0

    @property
    def whole(self) -> bool:
        """True when nothing was found."""
        return not self.finding

    @property
    def entries(self) -> int:
        """How many entries it read."""
        return self.to_seq - self.since


@dataclass(frozen=True, slots=True)
class Standing:
    """The end of the chain, facts that wait to be written, and the last check."""

    seq: int
    waiting: int
    oldest: datetime | None
    checked: Checked | None


def standing() -> Standing:
    """Return how the ledger stands now; three queries."""
    waiting = Pending.objects.aggregate(count=Count("n"), oldest=Min("at"))
    return Standing(
        seq=verification.head().seq,
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        checked=last_check(),
    )


def last_check() -> Checked | None:
    """Return the last verification on record; None before the first."""
    found = verification.latest()
    if found is None:
        return None
    return Checked(
        to_seq=found.to_seq,
        at=found.at,
        finding="" if found.whole else str((found.findings or [UNSAID])[0]),
        since=found.since,
        took_s=found.took_us / 1_000_000,
    )


UNSAID = "what differs is not on record"
