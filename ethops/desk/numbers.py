"""The numbers of event management, and the turn of whoever decides about an alert."""

from dataclasses import dataclass
from datetime import timedelta

from ethops.desk.flapping import Bounds
from ethops.desk.models import EventPolicy


@dataclass(frozen=True, slots=True)
class Numbers:
    """What people may change about event management."""

    reopen: timedelta
    """So long after it was resolved an incident opens again when its alert fires again."""
    relate: timedelta
    """So far apart alerts may be and still belong together."""
    storm_causes: int
    """So many causes that belong together are a storm."""
    settle: timedelta
    """A storm to which nothing was added for so long is over."""
    flaps: Bounds
    """What comes and goes so often is flapping."""


def take_turn() -> Numbers:
    """Return the numbers, and hold their row until the transaction ends.

    Decisions about alerts are made one after the other: whether ten alerts are a storm can only be
    said by who sees all ten. A row and not an advisory lock, since any role may take one of those.
    """
    return _of(EventPolicy.objects.select_for_update().get(pk=1))


def read() -> Numbers:
    """Return the numbers as they are."""
    return _of(EventPolicy.objects.get(pk=1))


def _of(row: EventPolicy) -> Numbers:
    return Numbers(
        reopen=timedelta(seconds=row.reopen_s),
        relate=timedelta(seconds=row.relate_s),
        storm_causes=row.storm_causes,
        settle=timedelta(seconds=row.settle_s),
        flaps=Bounds(
            changes=row.flap_changes,
            window=timedelta(seconds=row.flap_window_s),
            calm=timedelta(seconds=row.flap_calm_s),
        ),
    )
