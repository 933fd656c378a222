"""Writing the declared service catalogue into its rows; run as the owner of the tables."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from adapters.tickets.items import RequestModel as Offered
from adapters.tickets.models import RequestModel


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the catalogue, one name per item."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


def apply(offered: Iterable[Offered]) -> Applied:
    """Make the rows equal to what is declared; what is so no longer is retired, never deleted."""
    known = {row.slug: row for row in RequestModel.objects.all()}
    added, changed, retired = [], [], []
    for item in offered:
        values = asdict(item) | {"steps": list(item.steps), "retired": False}
        values["entries"] = list(item.entries)
        values["fields"] = [dict(field) for field in item.fields]
        row = known.pop(item.slug, None)
        if row is None:
            RequestModel.objects.create(**values)
            added.append(item.slug)
        elif any(getattr(row, name) != value for name, value in values.items()):
            RequestModel.objects.filter(slug=item.slug).update(**values)
            changed.append(item.slug)
    for slug, row in known.items():
        if not row.retired:
            RequestModel.objects.filter(slug=slug).update(retired=True)
            retired.append(slug)
    return Applied(
        *(tuple(f"request model {one}" for one in of) for of in (added, changed, retired))
    )
