"""What became of a job, as its client sees it."""

import pytest

from gpu.proxy.endings import ENDINGS, ending
from tests.unit.gpu.proxy.made import row


def test_our_own_addresses_are_nobodys_business():
    said = ending(row(state="dead", error_code="inference.unreachable", error="http://10.0.0.1"))
    assert said == (502, "the model server cannot be reached", "inference.unreachable")


def test_a_job_that_nobody_wants_any_more_is_499():
    assert ending(row(state="cancelled", error_code="gpu.cancelled"))[0] == 499


def test_the_servers_own_words_are_passed_on():
    error = "the runner has died"
    found = ending(row(state="dead", error_code="inference.server_said", error=error))
    assert found[:2] == (502, error)


@pytest.mark.parametrize(
    "error", ['"ops" does not support thinking', "the input length exceeds the context length"]
)
def test_a_request_that_the_server_never_serves_is_400(error):
    found = ending(row(state="failed", error_code="inference.server_said", error=error))
    assert found[:2] == (400, error)


def test_a_code_that_is_not_known_is_502():
    assert ending(row(state="failed", error_code="", error=""))[0] == 502


def test_every_status_is_one_of_a_fault():
    assert {one.status for one in ENDINGS.values()} <= {400, 499, 502, 503, 504}
