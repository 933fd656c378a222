"""Which options a request may set for itself."""

import math

import pytest

from adapters.inference.errors import RefusedOptionError
from adapters.inference.sampling import ALLOWED, RUNNER, options_of
from adapters.json_value import JSON

SLOT: dict[str, JSON] = {"num_ctx": 8192, "num_gpu": 99}


def test_the_slots_options_come_first_and_the_requests_are_added() -> None:
    asked: dict[str, JSON] = {"temperature": 0.2, "num_predict": 50, "stop": ["\n"], "seed": None}
    assert options_of(SLOT, asked) == {
        **SLOT,
        "temperature": 0.2,
        "num_predict": 50,
        "stop": ["\n"],
    }


def test_a_runner_option_may_be_repeated_as_it_is() -> None:
    assert options_of(SLOT, {"num_ctx": 8192}) == SLOT


@pytest.mark.parametrize("name", sorted(RUNNER))
def test_a_runner_option_that_differs_is_refused(name: str) -> None:
    with pytest.raises(RefusedOptionError, match="num_ctx=8192"):
        options_of(SLOT, {name: 4096})


@pytest.mark.parametrize(
    "asked",
    [
        {"num_cxt": 1},
        {"temperature": "hot"},
        {"temperature": math.nan},
        {"temperature": -1},
        {"top_p": 2},
        {"num_predict": 10**12},
        {"stop": ["x"] * 99},
        {"stop": {"a": 1}},
    ],
)
def test_what_is_unknown_or_out_of_range_is_refused_with_what_is_allowed(
    asked: dict[str, JSON],
) -> None:
    with pytest.raises(RefusedOptionError, match="Allowed: frequency_penalty, "):
        options_of(SLOT, asked)


def test_no_option_is_both() -> None:
    assert not RUNNER & set(ALLOWED)
