"""Incidents whose probe says what a test wants, and figures over the API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone

from adapters.tickets.port import Deed, TicketDraft, TicketFields, Vouched
from ethops.executor import tickets
from tests.doubles.older import older

OPERATOR = Vouched(frozenset({"operator"}))


@dataclass
class House:
    """What happens to incidents and to the probe of web-01."""

    owner: psycopg.Connection[Any]

    def declare(self) -> None:
        """Let the site have one service with one probe."""
        self.owner.execute(
            "INSERT INTO cmdb_ci (ref, name, ci_class, impact, urgency, source)"
            " VALUES ('web-01', 'web-01', 'service', 1, 1, 'test')"
        )
        self.owner.execute(
            "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
            " alertname, severity)"
            " VALUES ('web', 'web-01', 'http', 5, 2, 2, 'WebHangs', 'critical')"
        )

    def ill(self, cause: str = "ci:web-01:WebHangs", *, since_s: float = 600, ci: str = "web-01"):
        """Open an incident whose first bad sample was so long ago; returns its ref."""
        draft = TicketDraft(
            "incident", "Web hangs", "It does.", 1, 1, "event management", "rule",
            ci_refs=(ci,) if ci else (), cause_key=cause,
            first_bad_at=timezone.now() - timedelta(seconds=since_s),
        )  # fmt: skip
        return tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref

    def probe(self, *, well_s: float | None) -> datetime:
        """Let the probe have been well for so long; None: it is not well."""
        since = None if well_s is None else timezone.now() - timedelta(seconds=well_s)
        self.owner.execute("DELETE FROM monitoring_alertstate")
        self.owner.execute(
            "INSERT INTO monitoring_alertstate (probe_id, good_since, last_sample_at)"
            " VALUES ('web', %s, now())",
            [since],
        )
        return since or timezone.now()

    def move(self, ref: str, stimulus: str, **fields: Any) -> Deed:
        """Move a ticket in a person's name."""
        said = cast("TicketFields", fields)
        return tickets.move_by_person(
            key=uuid4(), ref=ref, person="ada", stimulus=stimulus, fields=said, vouched=OPERATOR
        )

    def ages(self, ref: str, **by: float) -> None:
        """Let what was done to a ticket have been done so much earlier."""
        older(self.owner, ref, timedelta(**by))


@pytest.fixture
def house(clean_db: None, role: Callable[[str], psycopg.Connection[Any]]) -> House:
    """A house with one service."""
    made = House(role("owner"))
    made.declare()
    return made
