"""What is said on standard error while a ledger command works for long."""

import sys
import time

FIRST_SECONDS = 2.0
EACH_SECONDS = 1.0


class Progress:
    """Says how far it is, at most once a second, and nothing where it is done soon."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._next = time.monotonic() + FIRST_SECONDS

    def __call__(self, done: int, of: int) -> None:
        """Take note of how many of how many are done."""
        if time.monotonic() >= self._next:
            sys.stderr.write(f"..   {self._verb} {done:,} of {of:,} entries\n")
            self._next = time.monotonic() + EACH_SECONDS
