"""Show the logs of all processes as they grow, each line with its process's name before it."""

import threading
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 0.3


class Follower:
    """A thread that reads what is appended to a folder's logs, from now on."""

    def __init__(self, logs: Path, say: Callable[[str, str], None]) -> None:
        self._logs = logs
        self._say = say
        self._stop = threading.Event()
        self._read: dict[Path, int] = {
            path: path.stat().st_size for path in logs.glob("*.log") if path.is_file()
        }
        self._thread = threading.Thread(target=self._follow, name="follow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say what is left, and end."""
        self._stop.set()
        self._thread.join(2 * LOOK_SECONDS)

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for path in sorted(self._logs.glob("*.log")):
                if path.stem != "up":
                    self._more(path)

    def _more(self, path: Path) -> None:
        begin = self._read.get(path, 0)
        if path.stat().st_size < begin:  # the log was turned over
            begin = 0
        with path.open("rb") as stream:
            stream.seek(begin)
            found = stream.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._read[path] = begin + len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self._say(path.stem, line)
