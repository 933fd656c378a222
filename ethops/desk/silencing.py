"""Has made what maintenance windows want of the site's Alertmanagers, and tells where it is not."""

import logging

from django.db import DatabaseError

from adapters.text import one_line
from ethops.desk import dispatch
from ethops.desk.models import MaintenanceWindow
from ethops.muting import asking
from ethops.muting.asking import Wanted
from ethops.muting.models import Muting

log = logging.getLogger(__name__)


def watch() -> None:
    """Have made what is not as it is wanted; tell a person of what could not be."""
    for pk in asking.due():
        row = MaintenanceWindow.objects.filter(pk=pk).first()
        if row is None:
            continue
        try:
            late = asking.mind(_wanted(row))
        except DatabaseError as fault:
            # Other windows, and what comes after them, must not wait for this one.
            log.warning("silences of %s: %s", row, fault)
            continue
        for one in late:
            _tell(one)


def _wanted(row: MaintenanceWindow) -> Wanted:
    return Wanted(
        window=row.pk,
        person=row.ended_by or row.declared_by,
        why=one_line(f"maintenance window {row.pk} by {row.declared_by}: {row.why}", 300),
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        cis=tuple(row.cis),
    )


def _tell(one: Muting) -> None:
    dispatch.open_for_person(
        occasion=f"muting:{one.pk}:{one.until}",
        cause=f"muting:{one.alertmanager}",
        title=f"{one.alertmanager} does not take silences",
        description=(
            f"What maintenance window {one.window} wants of {one.alertmanager} is not as it should"
            f" be: {one.said}. It is asked again until the window is over. Alerts that it sends are"
            " held back here all the same; whoever else it tells is still told."
        ),
        facts={"alertmanager": one.alertmanager, "window": one.window},
    )
