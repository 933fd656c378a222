"""When a request will start, for the headers of its answer and for those that are turned away."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from gpu import quoting
from gpu.models import Job

UNKNOWN_SECONDS: Final = 10
"""What is advised while nobody can tell."""
LONGEST_SECONDS: Final = 600
_KEEP: Final = (
    "SELECT count(gpu.quote(x.id, x.starts, x.ends)::text)"
    " FROM unnest(%s::uuid[], %s::float8[], %s::float8[]) AS x(id, starts, ends)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A place in the queue (0: on the card) and seconds until it starts, where anybody knows."""

    position: int
    start_s: float | None


AT_ONCE: Final = Told(0, 0.0)
"""What is told to a request that did not wait."""


def quotes_of(job_ids: Collection[UUID]) -> Mapping[UUID, Told]:
    """Return where requests stand that wait; their quotes are kept, to be held against the truth.

    A request is left out that does not wait any more.
    """
    found = [quote for quote in quoting.quotes() if quote.job_id in job_ids]
    timed = [(q.job_id, q.start_s, q.end_s) for q in found if q.start_s is not None]
    if timed:
        ids, starts, ends = (list(column) for column in zip(*timed, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [ids, starts, ends])
    return {quote.job_id: Told(quote.position, quote.start_s) for quote in found}


def come_again(client: str = "") -> int:
    """Return after how many seconds there may be room: in the queue, or in a client's share."""
    waiting = quoting.quotes()
    own = set(Job.objects.filter(client=client, finished_at=None).values_list("pk", flat=True))
    ends = [quote.end_s for quote in waiting if quote.job_id in own]
    # Room comes with the next start, or where none of a client's jobs runs, with its first end.
    stuck = bool(client) and len(ends) == len(own)
    times = ends if stuck else [quote.start_s for quote in waiting]
    known = [seconds for seconds in times if seconds is not None]
    return min(max(math.ceil(min(known)), 1), LONGEST_SECONDS) if known else UNKNOWN_SECONDS
