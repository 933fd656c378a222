import logging

import pytest
from celery.exceptions import Reject

from gpu.worker.request import unless_given_back


@pytest.mark.parametrize(
    ("fault", "kept"), [(Reject("it gave way", requeue=True), False), (ValueError("x"), True)]
)
def test_a_job_that_gave_way_is_no_line_of_the_log(fault, kept):
    said = (type(fault), fault, None)
    line = logging.LogRecord("celery", logging.WARNING, "", 0, "said", None, said)
    assert unless_given_back(line) is kept
