"""Every server answers in Ollama's shapes: the real ones, ours that simulates, and our proxy.

The same declarations hold the simulated server to the real ones.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live.cases import EVENTS, LINES, Case, answers, laxities, refusals
from tests.live.served import Served
from tests.live.shapes import Generate, GenerateRaw, Shape

pytestmark = pytest.mark.live


def filled(value: Any, served: Served) -> Any:
    """Put the names of this server's models in."""
    if isinstance(value, str):
        return value.replace("$chat", served.chat).replace("$embed", served.embed)
    if isinstance(value, dict):
        return {key: filled(part, served) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, served) for part in value]
    return value


def check(shape: type[Shape] | None, text: str) -> dict[str, Any]:
    if shape is not None:
        shape.model_validate_json(text)
    body: dict[str, Any] = json.loads(text)
    return body


def lines_of(case: Case, answer: httpx.Response) -> list[str]:
    if case.media == LINES:
        assert answer.text.endswith("\n")
        return answer.text.splitlines()
    assert answer.text.endswith("\n\n")
    events = answer.text.removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: ") for event in events), events
    said = [event.removeprefix("data: ") for event in events]
    assert said.pop() == "[DONE]"
    return said


def words_of(body: dict[str, Any]) -> str:
    error = body["error"]
    return str(error["message"] if isinstance(error, dict) else error)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", [*answers()], ids=name_of)
def test_an_answer_has_ollamas_shape(case: Case, served: Served, http: httpx.Client) -> None:
    expect(case, served, http)


@pytest.mark.parametrize("case", [*laxities(), *refusals()], ids=name_of)
def test_an_ollama_is_lax_and_refuses_in_known_words(
    case: Case, bare: Served, http: httpx.Client
) -> None:
    expect(case, bare, http)


def expect(case: Case, served: Served, http: httpx.Client) -> None:
    shape = case.shape
    if served.is_proxy and shape is Generate:
        shape = GenerateRaw  # Without the deprecated `context`: the tokens of one server alone.
    answer = http.request(
        case.method,
        served.url + filled(case.path, served),
        content=case.raw if case.raw is not None else None,
        json=filled(case.body, served) if case.raw is None and case.body is not None else None,
        headers=served.headers,
    )

    assert answer.status_code == case.status, answer.text[:300]
    assert answer.headers["content-type"].partition(";")[0] == case.media
    if case.says:
        assert answer.text in case.says
    elif case.media in {LINES, EVENTS}:
        *parts, last = lines_of(case, answer)
        assert parts
        for line in parts:
            check(case.part, line)
        check(shape or case.part, last)
    else:
        body = check(shape, answer.text)
        if case.words and (served.is_real or not case.of_go):
            assert words_of(body) in filled(case.words, served)
