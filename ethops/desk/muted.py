"""What a maintenance window asks of the site's Alertmanagers: silence, and its end."""

from typing import Final

from adapters import registry
from ethops.desk import ground
from ethops.desk.models import MaintenanceWindow, Sender
from ethops.executor import targets
from ethops.muting import asking, matchers
from ethops.muting.asking import Place
from ethops.muting.matchers import Matcher

EVERY_CI: Final = 50_000


def want(row: MaintenanceWindow) -> None:
    """Write down, in the transaction that declares a window, which silences it wants."""
    places = [Place(one.name, one.url) for one in targets.alertmanagers()]
    if places:
        asking.want(row.pk, row.begins_at, row.ends_at, places, _silences(row))


def end(row: MaintenanceWindow) -> None:
    """Write down, in the transaction that ends a window, that its silences end with it."""
    asking.end(row.pk, row.ends_at)


def _silences(row: MaintenanceWindow) -> list[list[Matcher]]:
    dogs = set(Sender.objects.exclude(watchdog="").values_list("watchdog", flat=True))
    if row.everything:
        return matchers.everything(dogs)
    if row.group:
        return matchers.of_group(row.group, dogs)
    known = registry.reader("cmdb").search("", limit=EVERY_CI)
    return matchers.of_cis(ground.carried_by(row.cis), known, targets.join_rules(), dogs)
