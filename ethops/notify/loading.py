"""Makes the declared contacts and rules equal to the site file; those of the desk stay."""

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from django.db import models as orm

from adapters.site import Contact as DeclaredContact
from adapters.site import NotificationRule
from ethops.notify.models import Contact, Rule
from ethops.notify.policy import Quiet


def load(contacts: Iterable[DeclaredContact], rules: Iterable[NotificationRule]) -> list[str]:
    """Load them; returns what changed, one name each."""
    return [
        *_load(Contact, {one.name: _contact(one) for one in contacts}),
        *_load(Rule, {one.name: _rule(one) for one in rules}),
    ]


def _load(model: type[orm.Model], wanted: Mapping[str, dict[str, Any]]) -> list[str]:
    known = {row.name: row for row in model._default_manager.filter(declared=True)}  # type: ignore[attr-defined]  # noqa: SLF001
    changed = []
    for name, values in wanted.items():
        row = known.pop(name, None) or model(name=name, declared=True)
        if row.pk is None or any(getattr(row, one) != value for one, value in values.items()):
            for one, value in values.items():
                setattr(row, one, value)
            row.save()
            changed.append(name)
    for name, row in known.items():
        row.delete()
        changed.append(name)
    kind = "contact" if model is Contact else "notification rule"
    return [f"{kind} {name}" for name in changed]


def _contact(one: DeclaredContact) -> dict[str, Any]:
    quiet = Quiet.of_hours(one.zone, one.quiet) if one.quiet else None
    return {
        "kind": one.kind,
        "target": one.url or one.to or "",
        "zone": one.zone,
        "quiet_from": quiet.begin if quiet else None,
        "quiet_to": quiet.end if quiet else None,
        "handover_at": time.fromisoformat(one.handover) if one.handover else None,
        "escalates_to": one.escalates_to,
    }


def _rule(one: NotificationRule) -> dict[str, Any]:
    return {
        "enabled": True,
        "occasion": one.on,
        "ticket_class": one.ticket_class or "",
        "priorities": " ".join(one.priorities),
        "states": " ".join(one.states),
        "service": one.service,
        "whom": one.whom,
        "contact": one.contact,
        "until_acknowledged": one.until_acknowledged,
    }
