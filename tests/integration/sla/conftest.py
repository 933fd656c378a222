"""A ticket whose past is moved to where a test needs it, and promises to go with it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest

from adapters.tickets.port import Deed, TicketDraft, TicketFields, Vouched
from ethops.executor import tickets
from ethops.sla import projection
from ethops.sla.models import Calendar, Stopwatch, Target
from tests.doubles.older import older

OPERATOR = Vouched(frozenset({"operator"}))
PEOPLE = "http://127.0.0.1:9/people"


@dataclass
class House:
    """What a test does to tickets and promises."""

    owner: psycopg.Connection[Any]

    def open(
        self, *, impact: int = 1, urgency: int = 1, cis: tuple[str, ...] = (), service: str = ""
    ) -> str:
        """Open an incident, P1 unless another is asked for."""
        draft = TicketDraft(
            "incident", "Shop is down", "It is.", impact, urgency, "intake", "rule", ci_refs=cis,
            service=service,
        )  # fmt: skip
        return tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref

    def move(self, ref: str, stimulus: str, **fields: Any) -> Deed:
        """Move it in a person's name."""
        if stimulus == "ev_pending":
            fields.setdefault("pending_reason", "supplier")
        said = cast("TicketFields", fields)
        return tickets.move_by_person(
            key=uuid4(), ref=ref, person="ada", stimulus=stimulus, fields=said, vouched=OPERATOR
        )

    def ages(self, ref: str, **by: float) -> None:
        """Let everything that happened to it have happened so much earlier."""
        older(self.owner, ref, timedelta(**by))
        projection.derive(ref)

    def clock(self, ref: str, kind: str = "ttr") -> Stopwatch:
        """Return what is kept of one of its clocks."""
        return Stopwatch.objects.select_related("terms").get(ticket_ref=ref, kind=kind)

    def promise(self, priority: str = "P1", **values: Any) -> None:
        """Change what is promised to incidents of a priority."""
        if "calendar" in values:
            values["calendar"] = Calendar.objects.get(name=values["calendar"])
        Target.objects.filter(ticket_class="incident", priority=priority).update(**values)

    def lines(self, ref: str) -> list[str]:
        """Return what the rule has said in its worklog."""
        found = self.owner.execute(
            "SELECT text FROM tickets_logline WHERE ticket_id = %s AND author = 'service levels'"
            " ORDER BY n",
            [ref],
        )
        return [text for (text,) in found]

    def notices(self, ref: str) -> list[str]:
        """Return the titles of the notices that were ordered."""
        found = self.owner.execute(
            "SELECT args ->> 'title' FROM personas_action WHERE ticket_ref = %s"
            " AND principal = 'rule:service levels' ORDER BY decided_at",
            [ref],
        )
        return [title for (title,) in found]


@pytest.fixture(autouse=True)
def _committing(clean_db: None) -> None:
    """Every test here commits."""


@pytest.fixture(autouse=True)
def _told(settings: Any) -> None:
    """Notices have somewhere to go."""
    settings.ETHOPS_NOTIFY = PEOPLE


@pytest.fixture
def house(role: Callable[[str], psycopg.Connection[Any]]) -> House:
    """A house with the promises that the migrations made."""
    return House(role("owner"))


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
