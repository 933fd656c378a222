"""How many entries there are of each kind, counted on from where the last reading ended."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock

from django.db.models import Count

from audit.models import Entry
from ethops.world import ledger


class EntriesByKind:
    """The totals of one process; any thread may read them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: Counter[str] = Counter()
        self._to = 0

    def read(self) -> Mapping[str, int]:
        """Return the totals; each reading costs what came since the one before."""
        with self._lock:
            newest = ledger.newest()
            if newest < self._to:
                # Another database under the same process, as after a restore.
                self._kept.clear()
                self._to = 0
            found = (
                Entry.objects.filter(seq__gt=self._to, seq__lte=newest)
                .order_by()
                .values_list("kind")
                .annotate(count=Count("seq"))
            )
            for kind, count in found:
                self._kept[kind] += count
            self._to = newest
            return dict(self._kept)
