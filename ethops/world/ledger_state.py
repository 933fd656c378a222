"""How the ledger stands as a whole: its end, what waits, checks, signed heads, witnesses."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from audit.ledger import breakglass, entries, trust, verification
from audit.ledger.witnesses import One, declared, each_once
from audit.models import BreakGlass, Entry, Pending, Signing, TreeHead
from ethops.desk.models import KeyUse


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
class SignedHead:
    """The newest tree head that the log has signed."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that the frame of a page, the API and the metrics say about the whole."""

    seq: int
    waiting: int
    oldest: datetime | None
    checked: Checked | None
    damage: trust.Damage | None = None
    head: SignedHead | None = None
    refused: str = ""
    unsigned_since: datetime | None = None
    witnesses: tuple[One, ...] = ()
    quorum: int = 0
    unwitnessed_since: datetime | None = None
    debts: int = 0
    """Acts past the ledger that nobody else has looked at."""

    @property
    def whole(self) -> bool | None:
        """Whether it verifies; None before the first check."""
        return None if self.checked is None else self.damage is None

    @property
    def short(self) -> bool:
        """True where fewer administrators sign than risky actions wait for."""
        well = [one.administrator for one in self.witnesses if one.well]
        return len(each_once(well)) < self.quorum


def standing() -> Standing:
    """Return how the ledger stands now; a fixed number of small queries."""
    waiting = Pending.objects.aggregate(count=Count("n"), oldest=Min("at"))
    seq, checked, head = entries.head().seq, last_check(), last_head()
    asked, seen = declared()
    witnessed = max((one.size for one in seen if one.independent), default=0)
    return Standing(
        seq=seq,
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        checked=checked,
        damage=trust.damage(),
        head=head,
        refused=refused(),
        unsigned_since=_written_at(head.size + 1) if head and seq > head.size else None,
        witnesses=seen,
        quorum=asked.quorum,
        unwitnessed_since=_written_at(witnessed + 1) if seen and seq > witnessed else None,
        debts=breakglass.debts().count(),
    )


def last_check() -> Checked | None:
    """Return the last verification on record; None before the first."""
    found = verification.latest()
    if found is None:
        return None
    return Checked(
        to_seq=found.to_seq,
        at=found.at,
        finding="" if found.whole else str((found.findings or [trust.UNSAID])[0]),
        since=found.since,
        took_s=found.took_us / 1_000_000,
    )


def last_head() -> SignedHead | None:
    """Return the newest signed head; None before the first."""
    found = TreeHead.objects.order_by("-size").values_list("size", "at").first()
    return None if found is None else SignedHead(*found)


def refused() -> str:
    """Return why no head is signed; empty where heads are signed, or nobody tried yet."""
    found = Signing.objects.filter(state="refused").values_list("detail", flat=True).first()
    return found or ""


def debts() -> list[BreakGlass]:
    """Return the acts past the ledger that nobody else has looked at, oldest first."""
    return list(breakglass.debts())


def mismatches() -> int:
    """Count the uses of our keys on hosts that no permit explains."""
    return KeyUse.objects.exclude(faults=[]).count()


def _written_at(seq: int) -> datetime | None:
    return Entry.objects.filter(seq=seq).values_list("at", flat=True).first()
