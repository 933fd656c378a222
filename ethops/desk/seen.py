"""An alert with everything the desk found out about it, and the incident that it would make."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from adapters import registry
from adapters.cmdb.port import Join
from adapters.tickets.port import TicketDraft
from ethops.desk.alertmanager import Alert
from ethops.desk.classification import Classified

AUTHOR: Final = "event management"
NAMESPACE: Final = UUID("5d2c1a9e-6f0b-4b63-9a53-7e0f6f2b1c11")
URGENCY: Final = {"critical": 1, "page": 1, "error": 2, "warning": 2}
UNKNOWN_URGENCY: Final = 2
UNKNOWN_IMPACT: Final = 3
FAR: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Seen:
    """One alert with everything the desk found out about it."""

    alert: Alert
    join: Join
    cause: str
    classified: Classified

    @property
    def ci_ref(self) -> str:
        """The CI it means; empty where that is not known."""
        return self.join.ci_ref or ""


def key(alert: Alert, occasion: str) -> UUID:
    """Return the key of what is done about an episode on an occasion."""
    return uuid5(NAMESPACE, f"{alert.fingerprint}:{alert.starts_at}:{occasion}")


def draft(seen: Seen) -> TicketDraft:
    """Return the incident that an alert makes by itself."""
    labels, notes = seen.alert.labels, seen.alert.annotations
    ci = registry.reader("cmdb").get(seen.ci_ref) if seen.ci_ref else None
    return TicketDraft(
        ticket_class="incident",
        title=notes.get("summary") or labels["alertname"],
        description="\n".join(
            [notes.get("description", ""), "", *(f"Join: {line}" for line in seen.join.report)]
        ).strip(),
        impact=ci.impact if ci else UNKNOWN_IMPACT,
        urgency=urgency(labels.get("severity", "")),
        author=AUTHOR,
        author_kind="rule",
        ci_refs=(ci.ref,) if ci else (),
        cause_key=seen.cause,
        first_bad_at=moment(notes.get("first_bad_at", "")) or moment(seen.alert.starts_at),
        detected_at=moment(seen.alert.starts_at),
        tainted=True,
    )


def urgency(severity: str) -> int:
    """Return how urgent an alert of a severity is."""
    return URGENCY.get(severity.lower(), UNKNOWN_URGENCY)


def moment(text: str) -> datetime | None:
    """Return a time for show and arithmetic; keys always use the text as sent."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A time that no calendar of ours will see is a mistake or an attack; PostgreSQL would keep it.
    return found if abs(found - datetime.now(UTC)) < FAR else None
