"""Writing a site into the CMDB, monitoring and telemetry; run as the owner of the tables."""

from django.db import transaction

from adapters.cmdb.port import Applied
from adapters.cmdb.services import apply_inventory
from adapters.monitoring.services import PlacedProbe, apply_probes
from adapters.site import SOURCE, Site
from adapters.telemetry import services as telemetry


def apply(site: Site) -> Applied:
    """Make the rows equal to the site file; what it no longer declares is retired."""
    placed = [PlacedProbe(ci.ref, ci.host or "", probe) for ci in site.cis for probe in ci.probes]
    with transaction.atomic():
        things = apply_inventory(inventory=site.inventory(), source=SOURCE)
        probes = apply_probes(placed=placed)
        watch = telemetry.apply(observers=site.observers, keys=site.keys)
    return Applied(
        added=things.added + _named(probes.added) + watch.added,
        changed=things.changed + _named(probes.changed) + watch.changed,
        retired=things.retired + _named(probes.retired) + watch.retired,
    )


def _named(probes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"probe {name}" for name in probes)
