"""The stop under load, with a part of the house dead: `python -m tests.chaos.stop --times 100`.

Effects flow all the time to a receiver of ours that notes when each arrives. In each round a part
is frozen (Redis, web, all of PostgreSQL) or none, the stop is pressed by one of its doors, and no
effect may arrive later than two seconds afterwards: not while the part is frozen, nor when it
thaws. Then a person resumes, and effects must flow again.
"""

import argparse
import itertools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import psutil
import psycopg
import yaml

from tests.chaos.stack import Stack, manage, running, wait_for
from tests.chaos.world import Sink

AT_MOST: Final = 2.0
"""Seconds after which nothing new may happen."""
FROZEN: Final = 4.0
"""So long a part stays frozen after the stop was pressed."""
WATCHED: Final = 1.0
"""So long it is looked on after the thaw: that nothing comes has no event to wait for."""
EACH: Final = 0.05
"""A new effect is ordered so often."""
PARTS: Final = ("nothing", "redis", "web", "postgres")
DOORS: Final = ("command", "file", "target")


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one stop."""

    part: str
    door: str
    last: float
    """Seconds from the stop to the last effect, negative where it was before."""
    after_thaw: int
    """Effects that arrived too late, over the whole time until somebody resumed."""
    recorded: bool

    @property
    def held(self) -> bool:
        """Whether the stop did what it promises."""
        return self.after_thaw == 0 and self.last <= AT_MOST and self.recorded


@dataclass
class Load:
    """Orders an effect every so often, for as long as the database takes them."""

    stack: Stack
    target: str
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Order until it is over; a database that is away is met again."""
        while not self.over.is_set():
            with suppress(psycopg.Error), self.stack.connect("app") as link:
                while not self.over.wait(EACH):
                    link.execute(
                        "SELECT gate.order_notice('load', %s, '', jsonb_build_object('kind',"
                        " 'http', 'target', %s::text, 'title', 'load', 'text', 'load'))",
                        [uuid4().hex, self.target],
                    )


@contextmanager
def house(folder: Path) -> Iterator[tuple[Stack, Sink]]:
    """A whole stack whose one receiver of notices is ours, under load."""
    sink = Sink()

    def site(path: Path) -> None:
        declared = {"notify": {"kind": "http", "url": sink.url}}
        path.write_text(yaml.safe_dump(declared), encoding="utf-8")

    with ExitStack() as kept:
        kept.callback(sink.close)
        stack = kept.enter_context(running(lease_seconds=4, keep_logs=folder, write_site=site))
        load = Load(stack, sink.url)
        thread = threading.Thread(target=load.run, daemon=True)
        thread.start()
        kept.callback(thread.join, 10)
        kept.callback(load.over.set)
        yield stack, sink


def one(stack: Stack, sink: Sink, part: str, door: str) -> Round:
    """Stop once, and hold what happened against what is promised."""
    before = len(sink.posts)
    if not wait_for(lambda: len(sink.posts) > before + 5, seconds=30):
        raise RuntimeError("no effects flow")
    frozen = _freeze(stack, part)
    try:
        _press(stack, door)
        pressed = datetime.now(UTC)
        time.sleep(FROZEN)
    finally:
        _thaw(frozen)
    recorded = wait_for(lambda: _is_recorded(stack, pressed), seconds=20)
    # Whatever had waited for the part would come now.
    time.sleep(WATCHED)
    late = [post for post in sink.posts if post.at > pressed + timedelta(seconds=AT_MOST)]
    last = (sink.posts[-1].at - pressed).total_seconds()
    manage(stack, "resume", "--by", "chaos")
    return Round(part, door, last, len(late), recorded)


def rounds(stack: Stack, sink: Sink, times: int) -> Iterator[Round]:
    """Go through parts and doors in turn."""
    ways = itertools.cycle(itertools.product(DOORS, PARTS))
    for door, part in itertools.islice(ways, times):
        yield one(stack, sink, part, door)


def _press(stack: Stack, door: str) -> None:
    if door == "command":
        manage(stack, "stop", "--by", "chaos", "--why", "a test")
        return
    said = "chaos: a test\n" if door == "file" else "systemd target: a test\n"
    (stack.layout.state / "STOP").write_text(said, encoding="utf-8")


def _is_recorded(stack: Stack, since: datetime) -> bool:
    with stack.connect() as link:
        row = link.execute(
            "SELECT count(*) FROM public.audit_entry WHERE kind = 'person.stopped' AND at > %s",
            [since - timedelta(seconds=15)],
        ).fetchone()
    return row is not None and row[0] > 0


def _freeze(stack: Stack, part: str) -> list[psutil.Process]:
    """Freeze a part with everything it has started: it is not even refused, it says nothing."""
    pid = stack.pids().get(part)
    if pid is None:
        return []
    parent = psutil.Process(pid)
    found = [parent, *parent.children(recursive=True)]
    _each(found, lambda process: process.send_signal(signal.SIGSTOP))
    return found


def _thaw(frozen: list[psutil.Process]) -> None:
    _each(frozen, lambda process: process.send_signal(signal.SIGCONT))


def _each(processes: list[psutil.Process], do: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            do(process)


def main() -> int:
    """Stop so many times and say how often it held; exit status 1 where it did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    said = parser.parse_args()
    found: list[Round] = []
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as (stack, sink):
        for number, each in enumerate(rounds(stack, sink, said.times), 1):
            found.append(each)
            sys.stdout.write(f"{number} of {said.times}: {each}\n")
            sys.stdout.flush()
    held = sum(each.held for each in found)
    last = max(each.last for each in found)
    sys.stdout.write(f"{held} of {len(found)} stops held; last effect after {last:.2f} s\n")
    return int(held != len(found))


if __name__ == "__main__":
    raise SystemExit(main())
