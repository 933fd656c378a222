"""What a Prometheus looks after: the labels of its targets, up or not."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from adapters.monitoring.errors import RangeError
from adapters.monitoring.looks import Answer, Look, get
from adapters.monitoring.models import Probe
from adapters.monitoring.prometheus import refusal

ASKING: Final = ("prometheus", "change")
"""Kinds of probes that name a Prometheus."""
MOST_SERVERS: Final = 10
TIMEOUT_S: Final = 5.0
MOST_TARGETS: Final = 2_000


class _Series(BaseModel):
    metric: dict[str, str]


class _Vector(BaseModel):
    result: list[_Series]


class _Found(BaseModel):
    """An instant vector (Prometheus, HTTP API, instant queries)."""

    data: _Vector


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
    asked = urlencode({"query": "up", "timeout": f"{timeout_s:.3f}"})
    found = asyncio.run(get(f"{url.rstrip('/')}/api/v1/query?{asked}", timeout_s))
    if isinstance(found, Look):
        raise RangeError(found.detail)
    return read(found)


def read(found: Answer) -> tuple[Mapping[str, str], ...]:
    """Return the targets of an answer. Pure.

    Raises:
        RangeError: it refuses, or answers no instant vector.
    """
    if found.status != HTTPStatus.OK:
        raise RangeError(refusal(found))
    try:
        rows = _Found.model_validate_json(found.body).data.result
    except ValidationError as fault:
        raise RangeError("Answers no instant vector, or one beyond 1 MiB.") from fault
    return tuple(row.metric for row in rows[:MOST_TARGETS])
