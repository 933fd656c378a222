"""Waiting for what another process does: the one way in which tests spend time."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 60.0


def eventually(
    what: Callable[[], Any],
    seconds: float = PATIENCE_SECONDS,
    told: str = "in vain",
    every: float = 0.005,
) -> Any:
    """Wait until it is true, and return it; `told` says what was waited for.

    `every` is longer where asking would itself be felt.
    """
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s: {told}"
        time.sleep(every)
    return found
