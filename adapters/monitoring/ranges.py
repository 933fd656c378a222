"""Range queries of a Prometheus: what an expression was over a stretch of time, within bounds."""

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ValidationError

from adapters.monitoring.changes import MOST_SERIES, changes, judge, step_s
from adapters.monitoring.declared import ChangeParams
from adapters.monitoring.errors import RangeError
from adapters.monitoring.looks import Answer, Look
from adapters.monitoring.port import Point, Series
from adapters.monitoring.prometheus import ask, refusal

TIMEOUT_S: Final = 5.0


class _Row(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, float]]


class _Matrix(BaseModel):
    result: list[_Row]


class _Found(BaseModel):
    """A range vector (Prometheus, HTTP API, range queries)."""

    data: _Matrix


class History:
    """One Prometheus, asked for what was."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def series(self, query: str, *, begin: datetime, end: datetime) -> tuple[Series, ...]:
        """Return what the expression was from begin to end, in at most 60 points of each series.

        Raises:
            RangeError: it does not answer, refuses, or finds more series than anybody would read.
        """
        found = asyncio.run(_ask(self._url, query, begin, end, self._timeout_s))
        if isinstance(found, Look):
            raise RangeError(found.detail)
        return found


async def look_change(params: ChangeParams) -> Look:
    """Compare what an expression finds now with what it found before, and judge the change."""
    now = datetime.now(UTC)
    window, ago = timedelta(seconds=params.window_s), timedelta(seconds=params.ago_s)
    began = asyncio.get_running_loop().time()
    after = await _ask(params.url, params.query, now - window, now, params.timeout_s)
    if isinstance(after, Look):
        return after
    # One deadline for both.
    left = max(0.05, params.timeout_s - (asyncio.get_running_loop().time() - began))
    before = await _ask(params.url, params.query, now - ago - window, now - ago, left)
    if isinstance(before, Look):
        return before
    verdict = judge(params, changes(before, after))
    return Look(verdict.symptom, verdict.value, "", verdict.said)


async def _ask(
    url: str, query: str, begin: datetime, end: datetime, timeout_s: float
) -> tuple[Series, ...] | Look:
    asked = {
        "query": query,
        "start": f"{begin.timestamp():.3f}",
        "end": f"{end.timestamp():.3f}",
        "step": f"{step_s((end - begin).total_seconds()):.3f}",
    }
    found = await ask(url, "query_range", asked, timeout_s)
    return found if isinstance(found, Look) else read(found)


def read(found: Answer) -> tuple[Series, ...] | Look:
    """Return the series of an answer, or what is wrong with it. Pure."""
    if found.status != HTTPStatus.OK:
        return Look("wrong_status", None, "", refusal(found))
    try:
        rows = _Found.model_validate_json(found.body).data.result
    except ValidationError:
        return Look("wrong_content", None, "", "Answers no range vector, or one beyond 1 MiB.")
    if len(rows) > MOST_SERIES:
        said = f"The expression finds {len(rows)} series, more than {MOST_SERIES}: sum them up."
        return Look("wrong_content", None, "", said)
    return tuple(
        Series(row.metric, tuple(Point(datetime.fromtimestamp(at, UTC), v) for at, v in row.values))
        for row in rows
    )
