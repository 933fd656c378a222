"""How the ledger stands as a whole: its end, what waits, checks, signed heads, witnesses."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from audit.ledger import breakglass, entries, trust, verification
from audit.models import Entry, Pending, Signing, TreeHead, Witness, Witnessing
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
class Damage:
    """Damage that a check has found, and who has said that he knows of it."""

    at: datetime
    finding: str
    acknowledged_by: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The newest tree head that the log has signed."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class WitnessSeen:
    """One who should sign our heads; not independent where he also runs the log."""

    name: str
    administrator: str
    independent: bool
    state: str
    said: str
    size: int
    signed_at: datetime | None

    @property
    def well(self) -> bool:
        """True for one who counts, and who signed what he was last shown."""
        return self.independent and self.state == "well"


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that the frame of a page, the API and the metrics say about the whole."""

    seq: int
    waiting: int
    oldest: datetime | None
    checked: Checked | None
    damage: Damage | None = None
    head: SignedHead | None = None
    refused: str = ""
    unsigned_since: datetime | None = None
    witnesses: tuple[WitnessSeen, ...] = ()
    quorum: int = 0
    unwitnessed_since: datetime | None = None

    @property
    def whole(self) -> bool | None:
        """Whether it verifies; None before the first check."""
        return None if self.checked is None else self.damage is None

    @property
    def witnessed(self) -> int:
        """The largest size that an independent witness has signed."""
        return max((one.size for one in self.witnesses if one.independent), default=0)

    @property
    def short(self) -> bool:
        """True where fewer administrators sign than risky actions wait for."""
        return len({one.administrator.lower() for one in self.witnesses if one.well}) < self.quorum


def standing() -> Standing:
    """Return how the ledger stands now; a fixed number of small queries."""
    waiting = Pending.objects.aggregate(count=Count("n"), oldest=Min("at"))
    seq, checked, head = entries.head().seq, last_check(), last_head()
    quorum, seen = witnesses()
    witnessed = max((one.size for one in seen if one.independent), default=0)
    return Standing(
        seq=seq,
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        checked=checked,
        damage=damage(),
        head=head,
        refused=refused(),
        unsigned_since=_written_at(head.size + 1) if head and seq > head.size else None,
        witnesses=seen,
        quorum=quorum,
        unwitnessed_since=_written_at(witnessed + 1) if seen and seq > witnessed else None,
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


def last_head() -> SignedHead | None:
    """Return the newest signed head; None before the first."""
    found = TreeHead.objects.order_by("-size").values_list("size", "at").first()
    return None if found is None else SignedHead(*found)


def refused() -> str:
    """Return why no head is signed; empty where heads are signed, or nobody tried yet."""
    found = Signing.objects.filter(state="refused").values_list("detail", flat=True).first()
    return found or ""


def damage() -> Damage | None:
    """Return the damage that no walk over the whole has found mended since; None without any."""
    found = trust.damage()
    if found is None:
        return None
    return Damage(
        found.at, (found.findings or [UNSAID])[0], found.acknowledged_by or "", found.digest
    )


def debts() -> int:
    """Count the acts past the ledger that nobody else has looked at."""
    return breakglass.debts().count()


def mismatches() -> int:
    """Count the uses of our keys on hosts that no permit explains."""
    return KeyUse.objects.exclude(faults=[]).count()


UNSAID = "what differs is not on record"


def witnesses() -> tuple[int, tuple[WitnessSeen, ...]]:
    """Return how many must have signed before risky actions, and all who are declared."""
    ours = Witnessing.objects.filter(id=1).first()
    quorum, administrator = (ours.quorum, ours.administrator) if ours else (0, "")
    found = Witness.objects.filter(enabled=True).order_by("name")
    return quorum, tuple(_seen(one, administrator) for one in found)


def _seen(one: Witness, ours: str) -> WitnessSeen:
    return WitnessSeen(
        name=one.name,
        administrator=one.administrator,
        independent=one.administrator.lower() != ours.lower(),
        state=one.state,
        said=one.said,
        size=one.size,
        signed_at=one.signed_at,
    )


def _written_at(seq: int) -> datetime | None:
    return Entry.objects.filter(seq=seq).values_list("at", flat=True).first()
