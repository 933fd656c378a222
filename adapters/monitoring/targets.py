"""What a Prometheus looks after: the labels of its targets, up or not."""

import asyncio
from collections.abc import Mapping
from typing import Final

from adapters.monitoring.errors import RangeError
from adapters.monitoring.looks import Answer, Look
from adapters.monitoring.models import Probe
from adapters.monitoring.prometheus import ask, vector

ASKING: Final = ("prometheus", "change")
"""Kinds of probes that name a Prometheus."""
MOST_SERVERS: Final = 10
TIMEOUT_S: Final = 5.0
MOST_TARGETS: Final = 2_000


def servers() -> tuple[str, ...]:
    """Return where the servers are that declared probes ask."""
    rows = Probe.objects.filter(kind__in=ASKING, retired=False).values_list("params", flat=True)
    return tuple(sorted({str(params["url"]) for params in rows if params.get("url")}))[
        :MOST_SERVERS
    ]


def targets(url: str, timeout_s: float = TIMEOUT_S) -> tuple[Mapping[str, str], ...]:
    """Return the labels of what is scraped there, as the series `up` has them.

    Raises:
        RangeError: the server does not answer, or refuses.
    """
    found = asyncio.run(ask(url, "query", {"query": "up"}, timeout_s))
    if isinstance(found, Look):
        raise RangeError(found.detail)
    return read(found)


def read(found: Answer) -> tuple[Mapping[str, str], ...]:
    """Return the targets of an answer. Pure.

    Raises:
        RangeError: it refuses, or answers no instant vector.
    """
    rows = vector(found, "Answers no instant vector, or one beyond 1 MiB.")
    if isinstance(rows, Look):
        raise RangeError(rows.detail)
    return tuple(row.metric for row in rows[:MOST_TARGETS])
