"""Whether the ledger may be relied on: is it being written, and does it verify?"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, cast

from django.db import connection

State: TypeAlias = Literal["recording", "behind", "down"]


@dataclass(frozen=True, slots=True)
class Recording:
    """How the writing goes: `behind` by so many facts, or `down` since the recorder was heard."""

    state: State
    waiting: int
    oldest_seconds: float
    heard_at: datetime | None

    @property
    def says(self) -> str:
        """One sentence for people."""
        if self.state == "recording":
            return "The ledger is being written."
        if self.state == "behind":
            return f"The ledger is behind: {self.waiting} facts wait, so actions wait."
        since = f"since {self.heard_at:%Y-%m-%d %H:%M:%S} UTC" if self.heard_at else "so far"
        return f"The ledger has not been written {since}, so no action begins."


@dataclass(frozen=True, slots=True)
class Damage:
    """What the newest checks found wrong, and who has said that he knows."""

    at: datetime
    to_seq: int
    findings: list[str]
    acknowledged_by: str = ""
    digest: str = ""
    """Of the findings: other ones have another."""

    @property
    def finding(self) -> str:
        """The first of them."""
        return (self.findings or [UNSAID])[0]


UNSAID = "what differs is not on record"


def recording() -> Recording:
    """Return how the writing of the ledger goes now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, waiting, oldest_s, heard_at FROM audit.recording()")
        state, waiting, oldest, heard = cursor.fetchone()
    return Recording(cast("State", state), int(waiting), float(oldest), heard)


def damage() -> Damage | None:
    """Return what was found wrong with the ledger; None where it verifies, or was never checked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT at, to_seq, findings, acknowledged_by, digest FROM audit.damage()")
        row = cursor.fetchone()
    if row is None:
        return None
    return Damage(row[0], int(row[1]), list(json.loads(row[2])), row[3] or "", row[4])


def acknowledge(*, by: str, why: str) -> bool:
    """Let a named person say that he knows what was found; False where there is nothing.

    Raises:
        DatabaseError: nobody is named, or no reason is given.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.acknowledge(%s, %s)", [by, why])
        return bool(cursor.fetchone()[0])
