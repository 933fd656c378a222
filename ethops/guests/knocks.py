"""How often somebody may come to a door: counted in PostgreSQL, the same for every process."""

import time
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import connection
from django.utils import timezone

from ethops.guests.models import Knock

KEEP: Final = timedelta(days=2)
_COUNT: Final = """
    INSERT INTO guests_knock AS k (door, slot, number) VALUES (%s, %s, 1)
    ON CONFLICT (door, slot) DO UPDATE SET number = k.number + 1
    RETURNING number
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """So often within so many seconds, by whoever is counted at this door."""

    door: str
    most: int
    seconds: int

    def knock(self, who: str) -> int:
        """Count one more; returns after how many seconds to come again, 0 where it is well."""
        now = int(time.time())
        # A digest: whoever is counted may be called anything, at any length.
        name = f"{self.door}:{sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [name, now // self.seconds])
            (number,) = cursor.fetchone()
        if number <= self.most:
            return 0
        return (now // self.seconds + 1) * self.seconds - now


def forget() -> int:
    """Drop counts of days gone; returns how many."""
    return Knock.objects.filter(at__lt=timezone.now() - KEEP).delete()[0]
