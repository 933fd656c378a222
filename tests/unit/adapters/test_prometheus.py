"""What a look through a Prometheus says of what it answers."""

import json

import pytest

from adapters.monitoring.declared import PrometheusParams
from adapters.monitoring.looks import Answer, Look
from adapters.monitoring.prometheus import judge


def params(**said: object) -> PrometheusParams:
    given = {"url": "http://127.0.0.1:9090", "query": "x", "max": 10} | said
    return PrometheusParams.model_validate(given)


def answer(*values: str, status: int = 200) -> Answer:
    result = [
        {"metric": {"instance": f"node-{number}"}, "value": [1.5, value]}
        for number, value in enumerate(values)
    ]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return Answer(status, json.dumps(body).encode(), 1.0)


def test_a_value_within_its_limit_is_well():
    assert judge(params(), answer("3")) == Look(
        "ok", 3.0, "", "instance=node-0 is 3, within its limits."
    )


def test_the_worst_of_several_is_named():
    look = judge(params(), answer("3", "12", "4"))
    assert (look.symptom, look.detail) == (
        "over_threshold", "instance=node-1 is 12, over 10, of 3 samples.",
    )  # fmt: skip


def test_a_value_under_its_least_is_not_well():
    look = judge(params(max=None, min=1), answer("5", "0"))
    assert (look.symptom, look.value) == ("under_threshold", 0.0)


def test_silence_is_not_health():
    assert judge(params(), answer()).symptom == "wrong_content"


def test_silence_is_health_where_it_is_so_declared():
    assert judge(params(empty="ok"), answer()).symptom == "ok"


@pytest.mark.parametrize("value", ["NaN", "+Inf"])
def test_what_is_no_number_is_never_well(value):
    assert judge(params(), answer("1", value)).symptom != "ok"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"data": {"result": [1.5, "3"]}}',
        b'{"data": {"result": [{"metric": {}, "values": []}]}}',
    ],
)
def test_an_answer_of_another_shape_is_not_well(body):
    assert judge(params(), Answer(200, body, 1.0)).symptom == "wrong_content"


def test_a_refusal_is_told_in_the_servers_words():
    found = Answer(400, b'{"status": "error", "error": "parse error: bad"}', 1.0)
    assert judge(params(), found).detail == "Prometheus answers 400: parse error: bad"


def test_a_question_without_any_limit_is_refused():
    with pytest.raises(ValueError, match="no threshold"):
        params(max=None, empty="ok")
