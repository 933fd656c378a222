"""One look through a Prometheus: is every sample that an expression finds within its limits."""

import math
from collections.abc import Mapping
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


class Sample(BaseModel):
    """One series at one time."""

    metric: dict[str, str]
    value: tuple[float, float]


class _Vector(BaseModel):
    result: list[Sample]


class _Found(BaseModel):
    """An instant vector (Prometheus, HTTP API, instant queries)."""

    data: _Vector


class _Refused(BaseModel):
    error: str


async def look_prometheus(params: PrometheusParams) -> Look:
    """Ask an expression once, and judge what it finds."""
    found = await ask(params.url, "query", {"query": params.query}, params.timeout_s)
    return found if isinstance(found, Look) else judge(params, found)


async def ask(url: str, door: str, asked: Mapping[str, str], timeout_s: float) -> Answer | Look:
    """Ask one door of its HTTP API; returns why where nothing comes back."""
    # As a number of seconds: its durations know no fractions.
    words = urlencode({**asked, "timeout": f"{timeout_s:.3f}"})
    found = await get(f"{url.rstrip('/')}/api/v1/{door}?{words}", timeout_s)
    return Look(found.symptom, None, "", found.detail) if isinstance(found, Look) else found


def vector(found: Answer, unfit: str) -> list[Sample] | Look:
    """Return the samples of an answer, or why it has none: `unfit` where it is no vector. Pure."""
    if found.status != HTTPStatus.OK:
        return Look("wrong_status", None, "", refusal(found))
    try:
        return _Found.model_validate_json(found.body).data.result
    except ValidationError:
        return Look("wrong_content", None, "", unfit)


def judge(params: PrometheusParams, found: Answer) -> Look:
    """Judge what a Prometheus answered. Pure."""
    samples = vector(found, "Answers no instant vector: ask for one, such as vector(1) or max(up).")
    if isinstance(samples, Look):
        return samples
    if not samples:
        symptom: Symptom = "ok" if params.empty == "ok" else "wrong_content"
        return Look(symptom, None, "", "The expression finds nothing.")
    return _worst(params, samples)


def _worst(params: PrometheusParams, samples: list[Sample]) -> Look:
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


def _seen(symptom: Symptom, sample: Sample, said: str, count: int) -> Look:
    value = sample.value[1]
    among = f", of {count} samples" if count > 1 else ""
    finite = value if math.isfinite(value) else None
    return Look(symptom, finite, "", f"{_name(sample)} is {value:g}, {said}{among}.")


def _name(sample: Sample) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(sample.metric.items()))
    return one_line(labels, NAMED) or "The value"


def refusal(found: Answer) -> str:
    """Say with which words a Prometheus refused."""
    try:
        said = _Refused.model_validate_json(found.body).error
    except ValidationError:
        said = "no reason given"
    return f"Prometheus answers {found.status}: {said}"
