"""Alerts as they arrive, drained by hand; time is moved in the rows, never waited for."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection

from adapters import registry
from adapters.cmdb import relations
from adapters.monitoring.alertmanager import fingerprint
from adapters.tickets.port import Ticket, Vouched
from ethops.desk import events, intake
from ethops.desk.models import Event, EventPolicy
from ethops.executor import tickets
from tests.unit.desk import cluster

OPERATOR = Vouched(frozenset({"operator"}))
STARTS = itertools.count()


def alert(name: str = "Down", *, start: str = "", ended: bool = False, **labels: str) -> dict:
    """One alert; each call is another episode unless its start is given."""
    labels = {"alertname": name, "severity": "critical", **labels}
    began = datetime.now(UTC) - timedelta(hours=1) + timedelta(milliseconds=next(STARTS))
    return {
        "status": "resolved" if ended else "firing",
        "labels": labels,
        "annotations": {"summary": f"{name} on {labels.get('ci', 'something')}"},
        "startsAt": start or began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint(labels),
    }


def take_in(*alerts: dict) -> None:
    """Deliver alerts in one body, and read it."""
    raw = json.dumps({"version": "4", "alerts": alerts}).encode()
    events.read_delivery(intake.accept(sender="am", raw=raw).delivery_id)


def fire(name: str = "Down", **labels: Any) -> dict:
    """Have an alert begin; returns it."""
    made = alert(name, **labels)
    take_in(made)
    return made


def end(of: dict) -> None:
    """Have an alert end."""
    take_in({**of, "status": "resolved"})


def newest() -> Event:
    """The event that was written last."""
    found = Event.objects.order_by("-at", "-id").first()
    assert found is not None
    return found


def opened() -> list[Ticket]:
    """Open incidents, oldest first."""
    return sorted(registry.reader("tickets").open_tickets(), key=lambda one: one.opened_at)


def ticket(ref: str) -> Ticket:
    """A ticket as it stands."""
    return registry.reader("tickets").get(ref)


def lines(ref: str) -> list[str]:
    """What its worklog says."""
    return [line.text for line in registry.reader("tickets").worklog(ref)]


def resolve(ref: str) -> None:
    """Have a person say that it is mended."""
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus="ev_resolve",
        fields={"solution": "Mended."}, vouched=OPERATOR,
    )  # fmt: skip


def numbers(**said: int) -> None:
    """Change the numbers of event management."""
    EventPolicy.objects.filter(pk=1).update(**said)


def site(owner: psycopg.Connection[Any], *cis: tuple[str, str, dict[str, Any]]) -> None:
    """Declare CIs (ref, class, attributes); the label `ci` names one."""
    for ref, ci_class, attributes in cis:
        owner.execute(
            "INSERT INTO public.cmdb_ci (ref, name, ci_class, attributes, impact, urgency,"
            " user_facing, lifeline, source, managed_by, retired)"
            " VALUES (%s, %s, %s, %s, 2, 2, false, false, 'site', '', false)",
            [ref, ref, ci_class, json.dumps(attributes)],
        )
    for one in relations.of(cluster.ci(ref, kind, **said) for ref, kind, said in cis):
        owner.execute(
            "INSERT INTO public.cmdb_relation (dependent, support, kind, source)"
            " VALUES (%s, %s, %s, 'site')",
            one,
        )
    owner.execute(
        "INSERT INTO public.cmdb_joinrule (name, ordinal, conditions, source) VALUES"
        ' (\'ci\', 1, \'[{"label": "ci", "field": "ref", "attribute": false}]\', \'site\')'
        " ON CONFLICT DO NOTHING"
    )


def sql(statement: str) -> list[Any]:
    """Ask the database."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[Any] = cursor.fetchall()
    return found
