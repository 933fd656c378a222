"""Writing a site into the rows of its contracts; run as the owner of the tables."""

from django.db import transaction

from adapters.cmdb.port import Applied
from adapters.cmdb.services import apply_inventory
from adapters.monitoring.services import PlacedProbe, apply_probes
from adapters.site import SOURCE, Site
from adapters.telemetry import services as telemetry
from adapters.tickets import offering


def apply(site: Site) -> Applied:
    """Make the rows equal to the site file; what it no longer declares is retired."""
    placed = [PlacedProbe(ci.ref, ci.host or "", probe) for ci in site.cis for probe in ci.probes]
    with transaction.atomic():
        things = apply_inventory(inventory=site.inventory(), source=SOURCE)
        probes = apply_probes(placed=placed)
        watch = telemetry.apply(observers=site.observers, keys=site.keys, logs=site.query_logs)
        offered = offering.apply(model.row() for model in site.request_models)
    return Applied(
        added=things.added + _named(probes.added) + watch.added + offered.added,
        changed=things.changed + _named(probes.changed) + watch.changed + offered.changed,
        retired=things.retired + _named(probes.retired) + watch.retired + offered.retired,
    )


def _named(probes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"probe {name}" for name in probes)
