"""Writing a site into the CMDB and the monitoring; run as the owner of the tables."""

from django.db import transaction

from adapters.cmdb.port import Applied
from adapters.cmdb.services import apply_inventory
from adapters.monitoring.services import PlacedProbe, apply_probes
from adapters.site import SOURCE, Site


def apply(site: Site) -> Applied:
    """Make the rows equal to the site file; what it no longer declares is retired."""
    placed = [PlacedProbe(ci.ref, ci.host or "", probe) for ci in site.cis for probe in ci.probes]
    with transaction.atomic():
        things = apply_inventory(inventory=site.inventory(), source=SOURCE)
        probes = apply_probes(placed=placed)
    return Applied(
        added=things.added + _named(probes.added),
        changed=things.changed + _named(probes.changed),
        retired=things.retired + _named(probes.retired),
    )


def _named(probes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"probe {name}" for name in probes)
