"""Writing a site into the rows of its contracts; run as the owner of the tables."""

from collections.abc import Iterable

from django.db import transaction

from adapters.cmdb.port import Applied
from adapters.cmdb.services import apply_inventory
from adapters.compliance import exempting
from adapters.monitoring.services import PlacedProbe, apply_probes
from adapters.site import SOURCE, Site
from adapters.telemetry import services as telemetry
from adapters.tickets import offering
from adapters.tickets.itop import demands


def apply(site: Site) -> Applied:
    """Make the rows equal to the site file; what it no longer declares is retired."""
    placed = [PlacedProbe(ci.ref, ci.host or "", probe) for ci in site.cis for probe in ci.probes]
    with transaction.atomic():
        things = apply_inventory(inventory=site.inventory(), source=SOURCE)
        probes = apply_probes(placed=placed)
        watch = telemetry.apply(observers=site.observers, keys=site.keys, logs=site.query_logs)
        offered = offering.apply(model.row() for model in site.request_models)
        asked = demands.apply(site.itop)
        exempt = exempting.apply(site.not_applicable)
    others = (watch, offered, asked, exempt)
    return Applied(
        added=things.added + _named(probes.added) + _all(one.added for one in others),
        changed=things.changed + _named(probes.changed) + _all(one.changed for one in others),
        retired=things.retired + _named(probes.retired) + _all(one.retired for one in others),
    )


def _all(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for part in parts for name in part)


def _named(probes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"probe {name}" for name in probes)
