"""One look through a Prometheus: is every sample that an expression finds within its limits."""

import math
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from adapters.monitoring.declared import PrometheusParams
from adapters.monitoring.looks import Answer, Look, get
from adapters.monitoring.port import Symptom
from adapters.text import one_line

NAMED: Final = 120
"""Characters of a sample's labels that are shown."""


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, float]


class _Vector(BaseModel):
    result: list[_Sample]


class _Found(BaseModel):
    """An instant vector (Prometheus, HTTP API, instant queries)."""

    data: _Vector


class _Refused(BaseModel):
    error: str


async def look_prometheus(params: PrometheusParams) -> Look:
    """Ask an expression once, and judge what it finds."""
    # As a number of seconds: its durations know no fractions.
    asked = {"query": params.query, "timeout": f"{params.timeout_s:.3f}"}
    found = await get(f"{params.url.rstrip('/')}/api/v1/query?{urlencode(asked)}", params.timeout_s)
    if isinstance(found, Look):
        return Look(found.symptom, None, "", found.detail)
    return judge(params, found)


def judge(params: PrometheusParams, found: Answer) -> Look:
    """Judge what a Prometheus answered. Pure."""
    if found.status != HTTPStatus.OK:
        return Look("wrong_status", None, "", refusal(found))
    try:
        samples = _Found.model_validate_json(found.body).data.result
    except ValidationError:
        said = "Answers no instant vector: ask for one, such as vector(1) or max(up)."
        return Look("wrong_content", None, "", said)
    if not samples:
        symptom: Symptom = "ok" if params.empty == "ok" else "wrong_content"
        return Look(symptom, None, "", "The expression finds nothing.")
    return _worst(params, samples)


def _worst(params: PrometheusParams, samples: list[_Sample]) -> Look:
    broken = next((one for one in samples if math.isnan(one.value[1])), None)
    if broken is not None:
        return Look("wrong_content", None, "", f"{_name(broken)} is no number.")
    highest = max(samples, key=lambda one: one.value[1])
    lowest = min(samples, key=lambda one: one.value[1])
    if params.max is not None and highest.value[1] > params.max:
        return _seen("over_threshold", highest, f"over {params.max:g}", len(samples))
    if params.min is not None and lowest.value[1] < params.min:
        return _seen("under_threshold", lowest, f"under {params.min:g}", len(samples))
    shown = highest if params.max is not None else lowest
    return _seen("ok", shown, "within its limits", len(samples))


def _seen(symptom: Symptom, sample: _Sample, said: str, count: int) -> Look:
    value = sample.value[1]
    among = f", of {count} samples" if count > 1 else ""
    finite = value if math.isfinite(value) else None
    return Look(symptom, finite, "", f"{_name(sample)} is {value:g}, {said}{among}.")


def _name(sample: _Sample) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(sample.metric.items()))
    return one_line(labels, NAMED) or "The value"


def refusal(found: Answer) -> str:
    """Say with which words a Prometheus refused."""
    try:
        said = _Refused.model_validate_json(found.body).error
    except ValidationError:
        said = "no reason given"
    return f"Prometheus answers {found.status}: {said}"
