"""iTop's callbacks at the real web process, beside its health page.

`python -m tests.bench.callbacks`

A stack of its own, a fake iTop in a process of its own, so that what a callback leads to (a worker
reads the ticket there) loads the machine as it does at a site.
"""

import argparse
import asyncio
import json
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psutil

from ethops.env import CLONE
from tests.bench import pace
from tests.bench.figures import Figure, cpu, spread
from tests.bench.stack import Stack, folder
from tests.doubles.itop.server import TOKEN

HEADER: Final = "X-Ethops-Secret"
LARGEST: Final = 256 * 1024
TICKETS: Final = 200
PER_SECOND: Final = 50.0
SECONDS: Final = 10.0
SENDERS: Final = 8
EACH: Final = 50
BAR_MS: Final = 50.0
SPOILT: Final = 0.3
KEPT: Final = "SELECT coalesce(sum(1 + repeats), 0) FROM public.itop_callback"
FEW: Final = 20


class Bodies:
    """What an iTop calls with, each other than the last."""

    def __init__(self, first: int) -> None:
        self._first, self._count = first, 0
        self._lot = random.Random(7)  # noqa: S311 - a lot, not a secret

    def whole(self, count: int) -> list[bytes]:
        """Return so many, as iTop sends them where nothing is wrong."""
        return [self._next() for _ in range(count)]

    def mixed(self, count: int) -> list[bytes]:
        """Return so many, of which a third is broken, doubled or late."""
        found: list[bytes] = []
        late: list[bytes] = []
        while len(found) < count:
            body = self._next()
            fate = (
                self._lot.choice(("double", "late", "tear", "garble"))
                if self._lot.random() < SPOILT
                else ""
            )
            if fate == "late":
                late.append(body)
            elif fate == "tear":
                found.append(body[: self._lot.randint(0, len(body))])
            elif fate == "garble":
                found.append(body.replace(b'"', b"", 3) + b"\xff")
            else:
                found += [body] * (2 if fate == "double" else 1)
            if late and self._lot.random() < SPOILT:
                found.append(late.pop(0))
        return found[:count]

    def _next(self) -> bytes:
        self._count += 1
        about = self._first + self._count % TICKETS
        said = {"class": "Incident", "id": str(about), "event": "update", "n": self._count}
        return json.dumps(said | {"title": f'"Printer" no. {self._count} jams'}).encode()


class Door:
    """The web process's door for callbacks, and its health page."""

    def __init__(self, stack: Stack, secret: str) -> None:
        self.callback = f"{stack.layout.web_url}/api/v1/itop/callback"
        self.health = f"{stack.layout.web_url}/healthz"
        self._headers = {HEADER: secret}
        self.taken = 0

    def even(self, bodies: Sequence[bytes]) -> list[float]:
        """Send at an even pace; milliseconds of each 202."""
        return self._took(asyncio.run(pace.even(self.callback, self._all(bodies), PER_SECOND)))

    def at_once(self, bodies: Sequence[bytes]) -> list[float]:
        """Send from several at once."""
        return self._took(asyncio.run(pace.senders(self.callback, self._all(bodies), SENDERS)))

    def health_even(self, count: int) -> list[float]:
        """Ask for the health page as often."""
        asked = [pace.request(self.health, method="GET")] * count
        return [one.took_ms for one in asyncio.run(pace.even(self.health, asked, PER_SECOND))]

    def health_at_once(self, count: int) -> list[float]:
        """Ask for the health page from several at once."""
        asked = [pace.request(self.health, method="GET")] * count
        return [one.took_ms for one in asyncio.run(pace.senders(self.health, asked, SENDERS))]

    def sizes(self) -> tuple[set[int], list[pace.Answer]]:
        """Send the largest that is taken, then what is a byte larger; statuses, and the latter."""
        fit, more = (self._all([b"x" * size] * FEW) for size in (LARGEST, LARGEST + 1))
        largest = asyncio.run(pace.senders(self.callback, fit, 4))
        self.taken += len(largest)
        refused = asyncio.run(pace.senders(self.callback, more, 4))
        return {one.status for one in largest}, refused

    def _all(self, bodies: Sequence[bytes]) -> list[bytes]:
        return [pace.request(self.callback, body, self._headers) for body in bodies]

    def _took(self, answers: Sequence[pace.Answer]) -> list[float]:
        assert {one.status for one in answers} == {202}, {one.status for one in answers}
        return [one.took_ms for one in answers]


def measured(seconds: float = SECONDS) -> list[Figure]:
    """Start a stack that follows the fake, and send."""
    secret = secrets.token_urlsafe(32)
    with (
        _itop() as (address, first),
        folder(
            ETHOPS_ITOP_URL=address,
            ETHOPS_ITOP_TOKEN=TOKEN,
            ETHOPS_ITOP_CALLBACK_SECRETS=secret,
        ) as stack,
    ):
        stack.manage("up", "--detach")
        stack.drain()
        return _figures(stack, Door(stack, secret), Bodies(first), int(PER_SECOND * seconds / 2))


def _figures(stack: Stack, door: Door, bodies: Bodies, count: int) -> list[Figure]:
    web = stack.process("web")
    spent = {"callback": 0.0, "health": 0.0}
    ways = ("whole", "mixed", "health", "burst", "mixed burst", "health burst")
    took: dict[str, list[float]] = {way: [] for way in ways}
    sent, slowest = 0, 0.0
    # Turn by turn, so that a slow moment of the machine meets all.
    for _ in range(2):
        for way, make in (("whole", bodies.whole), ("mixed", bodies.mixed)):
            began = cpu(web)
            took[way] += door.even(make(count + pace.AT_ONCE))
            middle = cpu(web)
            took["health"] += door.health_even(count + pace.AT_ONCE)
            spent["callback"] += middle - began
            spent["health"] += cpu(web) - middle
            slowest = max(slowest, stack.drain())
            burst = f"{way} burst" if way == "mixed" else "burst"
            took[burst] += door.at_once(make(SENDERS * EACH))
            took["health burst"] += door.health_at_once(SENDERS * EACH // 2)
            slowest = max(slowest, stack.drain())
            sent += count + pace.AT_ONCE + SENDERS * EACH
    largest, refused = door.sizes()
    with stack.connect("owner") as owner:
        (kept,) = owner.execute(KEPT).fetchone() or (0,)
    assert kept == sent + door.taken, f"{kept} of {sent + door.taken} kept"
    rate = f"{PER_SECOND:.0f}/s"
    many = f"{SENDERS} senders at once"
    return [
        Figure(f"callbacks, {rate}", spread(took["whole"]), f"p99 {BAR_MS:.0f}"),
        Figure(f"... 30 % broken, doubled, late, {rate}", spread(took["mixed"]),
               f"p99 {BAR_MS:.0f}"),
        Figure(f"... health page between them, {rate}", spread(took["health"])),
        Figure(f"callbacks, {many}", spread(took["burst"]), f"p99 {BAR_MS:.0f}"),
        Figure(f"... 30 % broken, doubled, late, {many}", spread(took["mixed burst"]),
               f"p99 {BAR_MS:.0f}"),
        Figure(f"... health page, {many}", spread(took["health burst"])),
        Figure("... CPU of the web process, for a callback and for the health page",
               ", ".join(f"{1000 * one / (4 * (count + pace.AT_ONCE)):.1f} ms"
                         for one in spent.values())),
        Figure("... of those answered 202, kept", f"{kept} of {sent + door.taken}"),
        Figure("... worked off after the last of them", f"{slowest:.1f} s"),
        Figure(f"... of {LARGEST} bytes, and a byte more",
               f"{sorted(largest)}, {sorted({one.status for one in refused})}", "[202], [413]"),
        Figure("... 413", spread([one.took_ms for one in refused])),
    ]  # fmt: skip


@contextmanager
def _itop() -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.itop_peer", str(TICKETS)],
        cwd=CLONE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address, first = process.stdout.readline().split()
        yield address, int(first)
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Measure, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    said = parser.parse_args()
    load = psutil.getloadavg()[0]
    figures = measured(said.seconds)
    for figure in figures:
        target = f"   (target {figure.target})" if figure.target else ""
        sys.stdout.write(f"{figure.what:<58} {figure.found}{target}\n")
    sys.stdout.write(f"load {load:.1f} before it began\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
