"""Makes the declared calendars, services and targets equal to the site file."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models as orm
from django.db import transaction

from adapters.levels import (
    DAYS,
    DeclaredCalendar,
    DeclaredService,
    DeclaredTarget,
    ServiceLevels,
    length,
)
from ethops.sla.models import Calendar, Followed, Service, Target

log = logging.getLogger(__name__)


def load(levels: ServiceLevels) -> list[str]:
    """Load them; what is no longer declared goes, and what was made at the desk stays."""
    changed = [
        *_load(Calendar, {(one.name,): _calendar(one) for one in levels.calendars}, ("name",)),
        *_load(Service, {(one.slug,): _service(one) for one in levels.services}, ("slug",)),
    ]
    targets = {_key(one): _target(one) for one in levels.targets}
    changed += _load(Target, targets, ("ticket_class", "priority", "service_id"))
    changed += _forget(Service, "slug", (one.slug for one in levels.services))
    changed += _forget(Calendar, "name", (one.name for one in levels.calendars))
    if changed:
        promise_again()
    return changed


def promise_again() -> None:
    """Have the clocks of every open ticket derived again, by what is promised now."""
    Followed.objects.filter(is_open=True).update(stale=True)


def _load(
    model: type[orm.Model], wanted: Mapping[tuple[Any, ...], dict[str, Any]], by: tuple[str, ...]
) -> list[str]:
    """Bring the declared rows of a model to what is wanted; targets that are not, go at once."""
    rows = {tuple(getattr(row, name) for name in by): row for row in _declared(model)}
    changed = []
    for key, values in wanted.items():
        row = rows.get(key)
        if row is None:
            row = model(**dict(zip(by, key, strict=True)), declared=True)
        elif all(getattr(row, name) == value for name, value in values.items()):
            continue
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        changed.append(f"{model._meta.verbose_name} {row}")  # noqa: SLF001 - documented
    if model is Target:
        for key in rows.keys() - wanted.keys():
            changed.append(f"retired target {rows[key]}")
            rows[key].delete()
    return changed


def _forget(model: type[orm.Model], by: str, declared: Iterable[str]) -> list[str]:
    """Take away what is no longer declared, unless a target made at the desk goes by it."""
    said = []
    for row in _declared(model).exclude(**{f"{by}__in": list(declared)}):
        try:
            with transaction.atomic():
                row.delete()
        except orm.ProtectedError:
            log.warning("%s is no longer declared, and is kept: a target goes by it", row)
            continue
        said.append(f"retired {model._meta.verbose_name} {row}")  # noqa: SLF001 - as above
    return said


def _declared(model: type[orm.Model]) -> orm.QuerySet[orm.Model]:
    return model._default_manager.filter(declared=True)  # noqa: SLF001 - as above


def _calendar(one: DeclaredCalendar) -> dict[str, Any]:
    week = {day: getattr(one.hours, day) for day in DAYS}
    return {"zone": one.zone, "holidays": "\n".join(one.holidays), **week}


def _service(one: DeclaredService) -> dict[str, Any]:
    return {"name": one.name, "cis": "\n".join(one.cis)}


def _key(one: DeclaredTarget) -> tuple[Any, ...]:
    service = Service.objects.get(slug=one.service, declared=True).pk if one.service else None
    return one.ticket_class, one.priority, service


def _target(one: DeclaredTarget) -> dict[str, Any]:
    # A declared calendar takes the place of one of the same name that was there before.
    calendar = Calendar.objects.filter(name=one.calendar).order_by("-declared").first()
    return {
        "tto_s": length(one.tto) if one.tto else None,
        "ttr_s": length(one.ttr) if one.ttr else None,
        "calendar_id": calendar.pk if calendar else None,
        "warn": one.warn,
        "breach": one.breach,
    }
