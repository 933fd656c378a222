"""Maintenance windows: declared by a person, on record; they hold alerts back, and say so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from adapters import registry
from adapters.rows import now as clock
from adapters.text import one_line, plain
from audit.ledger import pending
from ethops.desk import muted
from ethops.desk.errors import WindowRefusedError
from ethops.desk.models import MaintenanceWindow
from ethops.desk.topology import Topology
from ethops.desk.windows import Window, faults

MAY_DECLARE: Final = "desk.add_maintenancewindow"
"""The permission without which nobody holds alerts back."""
LONGEST_WHY: Final = 2_000


@transaction.atomic
def declare(
    *,
    person: str,
    begins_at: datetime,
    ends_at: datetime,
    why: str,
    everything: bool = False,
    cis: Sequence[str] = (),
    group: Mapping[str, str] | None = None,
) -> MaintenanceWindow:
    """Declare a window in a person's name, on record.

    Raises:
        WindowRefusedError: `errors` says what is wrong, by field.
    """
    said = plain(why, LONGEST_WHY)
    labels = {one_line(name, 200): one_line(value, 1_000) for name, value in (group or {}).items()}
    window = Window(begins_at, ends_at, everything, frozenset(cis), labels)
    wrong = faults(window, said, clock())
    known = {ci.ref for ci in registry.reader("cmdb").by_refs(sorted(window.cis))}
    if window.cis - known:
        unknown = [one_line(ref, 64) for ref in sorted(window.cis - known)][:5]
        wrong.setdefault("cis", f"No CI {', '.join(unknown)}.")
    if wrong:
        raise WindowRefusedError(wrong)
    row = MaintenanceWindow.objects.create(
        begins_at=begins_at,
        ends_at=ends_at,
        everything=everything,
        cis=sorted(window.cis),
        group=labels,
        why=said,
        declared_by=person,
        declared_at=clock(),
    )
    _note(row, person, "declared", said)
    muted.want(row)
    return row


@transaction.atomic
def end(*, window_id: int, person: str, why: str = "") -> bool:
    """End a window now, in a person's name and on record; False where it was over."""
    row = MaintenanceWindow.objects.select_for_update().filter(pk=window_id).first()
    now = clock()
    if row is None or row.ends_at <= now:
        return False
    # A window that has not begun is over before it began.
    row.ends_at, row.ended_by = max(now, row.begins_at), person
    if row.begins_at > now:
        row.ends_at = row.closed_at = row.begins_at
    row.save(update_fields=["ends_at", "ended_by", "closed_at"])
    _note(row, person, "ended", plain(why, LONGEST_WHY))
    muted.end(row)
    return True


def covering(
    labels: Mapping[str, str], place: str, topology: Topology, at: datetime
) -> MaintenanceWindow | None:
    """Return the window that holds an alert back, the one that lasts longest; None for none."""
    places = topology.with_above(place) if place else frozenset[str]()
    found = MaintenanceWindow.objects.filter(begins_at__lte=at, ends_at__gt=at, closed_at=None)
    fit = [row for row in found if window_of(row).covers(labels, places, at)]
    return max(fit, key=lambda row: (row.ends_at, row.pk), default=None)


def window_of(row: MaintenanceWindow) -> Window:
    """Return a declared window as what covers alerts."""
    return Window(row.begins_at, row.ends_at, row.everything, frozenset(row.cis), dict(row.group))


def sentence(row: MaintenanceWindow) -> str:
    """Say what a window is, for the reason of an event and for a ticket."""
    until = row.ends_at.strftime("%Y-%m-%d %H:%M UTC")
    return one_line(
        f"maintenance window {row.pk} until {until} by {row.declared_by}: {row.why}", 300
    )


def _note(row: MaintenanceWindow, person: str, what: str, why: str) -> None:
    pending.note(
        kind="person.maintenance",
        subject=str(row.pk),
        body={
            "person": person,
            "what": what,
            "why": why,
            "everything": row.everything,
            "cis": list(row.cis),
            "group": dict(row.group),
            "begins_at": row.begins_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
        },
    )
