"""Who signs our tree heads elsewhere, how far that reaches, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from audit.models import LogKey, TreeHead, Witness, Witnessing
from audit.witness_states import AHEAD, AWAY, NEW, REFUSES, WELL


@dataclass(frozen=True, slots=True)
class One:
    """One witness as it stands; `independent` is false where it counts as none."""

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
        return self.independent and self.state == WELL


@dataclass(frozen=True, slots=True)
class Standing:
    """All of them; `witnessed` is the size that the quorum has signed, None where there is none."""

    vkey: str
    administrator: str
    quorum: int
    size: int
    witnessed: int | None
    witnesses: tuple[One, ...]

    @property
    def alarm(self) -> str:
        """What somebody must look at now: a witness has seen another, or a longer, history."""
        found = [one for one in self.witnesses if one.state in (AHEAD, REFUSES)]
        return "; ".join(f"{one.name}: {one.said}" for one in found)

    @property
    def says(self) -> str:
        """The whole in a sentence."""
        if not self.witnesses:
            return "No witness is declared: nobody outside holds us to this history."
        if not self.quorum:
            return "No independent witness is asked for: risky actions do not wait for one."
        behind = self.size - (self.witnessed or 0)
        away = [one.name for one in self.witnesses if one.state in (AWAY, NEW, REFUSES, AHEAD)]
        needs = f"{self.quorum} independent administrator{'s' if self.quorum > 1 else ''}"
        if not behind:
            return f"All {self.size} entries are signed by {needs}."
        missing = f" Not signing: {', '.join(away)}." if away else ""
        return f"The last {behind} entries are not yet signed by {needs}.{missing}"


def standing() -> Standing:
    """Return how our tree heads are witnessed."""
    asked, seen = declared()
    key = LogKey.objects.order_by("-n").first()
    head = TreeHead.objects.order_by("-size").first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.witnessed_size()")
        (witnessed,) = cursor.fetchone()
    return Standing(
        vkey=key.vkey if key else "",
        administrator=asked.administrator,
        quorum=asked.quorum,
        size=head.size if head else 0,
        witnessed=witnessed,
        witnesses=seen,
    )


def declared() -> tuple[Witnessing, tuple[One, ...]]:
    """Return what is asked of witnesses, and all of them by name."""
    asked = Witnessing.objects.get(id=1)
    found = Witness.objects.filter(enabled=True).order_by("name")
    return asked, tuple(_one(row, asked.administrator) for row in found)


def each_once(administrators: Iterable[str]) -> list[str]:
    """Return each administrator once; the gate, too, knows no difference of capitals."""
    return sorted({name.lower(): name for name in administrators}.values())


def _one(row: Witness, ours: str) -> One:
    return One(
        name=row.name,
        administrator=row.administrator,
        independent=row.administrator.lower() != ours.lower(),
        state=row.state,
        said=row.said,
        size=row.size,
        signed_at=row.signed_at,
    )
