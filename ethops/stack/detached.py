"""Start the supervisor in the background and repeat here what it says until it is ready."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ethops import env
from ethops.stack.errors import StackError
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Screen

LOOK_SECONDS = 0.1


def start(state: Path, screen: Screen) -> dict[str, Any]:
    """Start `manage.py up` in a session of its own; what it said when it was ready.

    Raises:
        StackError: what it refused.
    """
    output = state / "log" / "up.out"
    for folder in (state, output.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, str(env.CLONE / "manage.py"), "up", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=env.CLONE,
            start_new_session=True,
        )
    for event in _events(output, process):
        if event["event"] == "line":
            fields = {name: event[name] for name in ("name", "fact", "seconds")}
            screen.line(Line(mark=Mark(event["mark"]), **fields))
        elif event["event"] == "refused":
            raise StackError(
                event["said"], hint=event["hint"], log=Path(event["log"]) if event["log"] else None
            )
        elif event["event"] == "ready":
            return event
    fault = StackError(
        f"the supervisor ended at once (exit {process.poll()})",
        hint="Its output says why.",
        log=output,
    )
    screen.line(Line(Mark.NO, "supervisor", str(fault)))
    raise fault


def _events(output: Path, process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    with output.open("rb") as stream:
        rest = b""
        while True:
            ended = process.poll() is not None
            rest += stream.read()
            *whole, rest = rest.split(b"\n")
            for line in whole:
                if line.startswith(b"{"):
                    found = json.loads(line)
                    if "event" in found:  # not a line of a log
                        yield found
            if ended:
                return
            time.sleep(LOOK_SECONDS)
