"""What a site has us write to its iTop beside our own: from its file into rows, and read there."""

from collections.abc import Mapping
from typing import Any

from adapters.tickets.itop.declared import DeclaredItop
from adapters.tickets.itop.models import SiteField
from adapters.tickets.offering import Applied


def apply(site: DeclaredItop) -> Applied:
    """Make the rows equal to what is declared; run as the owner of the tables."""
    known = {
        (row.itop_class, row.at): row for row in SiteField.objects.order_by("itop_class", "at")
    }
    added, changed = [], []
    for one in site.fields:
        values = one.model_dump(mode="json")["values"]
        row = known.pop((one.itop_class, one.at), None)
        if row is None:
            row = SiteField.objects.create(itop_class=one.itop_class, at=one.at, values=values)
            added.append(f"iTop field {row}")
        elif row.values != values:
            SiteField.objects.filter(pk=row.pk).update(values=values)
            changed.append(f"iTop field {row}")
    for row in known.values():
        row.delete()
    retired = tuple(f"iTop field {one}" for one in known.values())
    return Applied(tuple(added), tuple(changed), retired)


def given(itop_class: str, at: str) -> dict[str, Any]:
    """Return what the site has us write when an object is made, or brought into a state."""
    row = SiteField.objects.filter(itop_class=itop_class, at=at).first()
    return dict(row.values) if row else {}


def named() -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the attributes of each class that the site has us write, and when."""
    return {(row.itop_class, row.at): frozenset(row.values) for row in SiteField.objects.all()}
