"""An item of the service catalogue, and the steps by which one that was asked for is fulfilled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step of fulfilling a request; `done_by` is empty until it is done."""

    n: int
    title: str
    done_by: str
    done_at: datetime | None
    entry: str = ""
    """The entry of the catalogue that does it; empty leaves it to a person."""


@dataclass(frozen=True, slots=True)
class RequestModel:
    """One item of the service catalogue; `fields` are as `fields.Field` takes them."""

    slug: str
    title: str
    description: str
    service: str
    team: str
    approver_role: str
    impact: int
    urgency: int
    fields: tuple[Mapping[str, object], ...]
    steps: tuple[str, ...]
    card: str = ""
    entries: tuple[str, ...] = ()
    """Of each step the entry that does it, empty where a person does."""
