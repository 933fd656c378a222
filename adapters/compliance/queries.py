"""Reads of the embedded compliance's rows as they stand, to be held against the record."""

from collections.abc import Iterator

from adapters.compliance import models
from adapters.compliance.port import Observation

AT_ONCE = 2_000


def kept() -> Iterator[tuple[str, Observation]]:
    """Yield every observation with the id that its row has, whatever it says by now."""
    names = list(Observation.__dataclass_fields__)
    rows = models.Observation.objects.values("id", *names).order_by("id")
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield row.pop("id"), Observation(**row)
