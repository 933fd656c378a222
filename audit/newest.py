"""The newest tree head, for threads that each do something with it."""

import threading

from audit.witness.client import Shown


class Newest:
    """The newest tree head, and a bell that rings when there is a newer one."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._shown: Shown | None = None
        self.going = True

    def put(self, shown: Shown) -> None:
        """Ring where it is newer."""
        with self._bell:
            if self._shown is None or shown.head.size > self._shown.head.size:
                self._shown = shown
                self._bell.notify_all()

    def end(self) -> None:
        """Let everybody go."""
        with self._bell:
            self.going = False
            self._bell.notify_all()

    def after(self, size: int, seconds: float) -> Shown | None:
        """Return the newest once it is larger than `size`, or after the time; None at the end."""
        with self._bell:
            self._bell.wait_for(lambda: not self.going or self._is_above(size), seconds)
            return self._shown if self.going else None

    def rest(self, seconds: float) -> None:
        """Wait, unless it ends."""
        with self._bell:
            self._bell.wait_for(lambda: not self.going, seconds)

    def _is_above(self, size: int) -> bool:
        return self._shown is not None and self._shown.head.size > size
