"""Whether iTop's background tasks run: without them nothing escalates there, and nobody is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from adapters.rows import now
from adapters.tickets.itop.errors import ItopQueryError, ItopRightError
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.session import Session

Beats: TypeAlias = Literal["alive", "stale", "unknown"]

STALE: Final = timedelta(minutes=15)
"""Some task runs every few seconds while cron lives, and it is started every few minutes."""


@dataclass(frozen=True, slots=True)
class Cron:
    """How iTop's cron stands, since when, and by what that is known."""

    state: Beats
    at: datetime | None
    said: str


def look(here: Session) -> Cron:
    """Return how it stands: by its own rows, else by a ticket that it should have escalated.

    Raises:
        ItopError: iTop is away.
    """
    try:
        answer = here.client.get(
            "BackgroundTask", "SELECT BackgroundTask", ("class_name", "latest_run_date"), limit=200
        )
    except (ItopRightError, ItopQueryError):
        return _by_tickets()
    ran = [here.names.read_moment(one.fields.get("latest_run_date")) for one in answer.objects]
    newest = max((at for at in ran if at is not None), default=None)
    if newest is None:
        return _by_tickets()
    return judged(newest, now())


def judged(newest: datetime, at: datetime) -> Cron:
    """Return how cron stands by when a task of it last ran. Pure."""
    if newest > at + STALE:
        said = f"A task of it ran at {newest}, which is still to come: set ETHOPS_ITOP_ZONE."
        return Cron("unknown", newest, said)
    state: Beats = "stale" if newest < at - STALE else "alive"
    return Cron(state, newest, f"Its background tasks last ran at {newest}.")


def _by_tickets() -> Cron:
    """Judge by tickets whose time to be taken is over and that iTop has not escalated."""
    unseen = "Its background tasks are not for us to see"
    late = (
        # What iTop had escalated since would have been read again before we look.
        Mirrored.objects.filter(status="new", tto_due_at__lt=now() - STALE, gone_at=None)
        .order_by("tto_due_at")
        .first()
    )
    if late is None:
        return Cron("unknown", None, f"{unseen}, and no ticket shows whether they run.")
    said = f"{unseen}, and {late.itop_ref} was due at {late.tto_due_at} and is not escalated."
    return Cron("stale", late.tto_due_at, said)
