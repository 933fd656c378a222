"""Hundreds of tickets under kills and wipes: `python -m tests.chaos.tickets --count 500`.

Every tenth ticket comes of something that is really broken and that a playbook mends; the others
are told by an outer monitor, and end with a person. Meanwhile every process of the house is killed
again and again, and Redis is wiped each minute. Then a person looks at what is in doubt, and says
what came of it as the ticket asks him to. It ends by itself: exit status 1 where a promise broke.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ethops.stack.ports import free_ports
from tests.chaos import evidence, faults
from tests.chaos.campaign import TO_DO, Producer, hurt, kill, promote, still_open
from tests.chaos.history import Action, Findings, History, check
from tests.chaos.stack import OPEN, Stack, manage, running, wait_for
from tests.chaos.world import Sink, World, delivery

REPAIRED_OF: Final = 10
"""One of so many tickets comes of something that is really broken."""
SERVICES_OF: Final = 10
"""One of so many broken things is a process; the others are directories, which cost less."""
PLAIN_OF: Final = 3
"""One of so many alerts means a CI that is known; the others mean none."""
WIPED_EVERY: Final = 60.0
LEASE_SECONDS: Final = 4
IN_DOUBT_AT_MOST: Final = 0.01
MOST: Final = 100_000
NOT_PERMITTED: Final = (
    "SELECT concat_ws(' ', verb, verdict, guard, left(reason, 60)), count(*)"
    " FROM public.personas_action WHERE verdict <> 'authorised' GROUP BY 1 ORDER BY 2 DESC LIMIT 12"
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done to the house."""

    count: int
    seed: int
    pace_s: float
    """A ticket begins so often, on average."""
    settle_s: float
    """So long the house may take for the rest once nobody kills any more."""
    repaired_of: int = REPAIRED_OF

    @property
    def repairs(self) -> int:
        """Tickets of something that is really broken."""
        return max(2, self.count // self.repaired_of)

    @property
    def services(self) -> int:
        """Broken things that are processes."""
        return max(1, self.repairs // SERVICES_OF)

    @property
    def alerts(self) -> int:
        """Tickets of which only an outer monitor tells."""
        return self.count - self.repairs

    @property
    def seconds(self) -> float:
        """So long processes are killed."""
        return self.count * self.pace_s


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    size: Size
    faults: tuple[str, ...]
    tickets: dict[str, int]
    """Class and last state -> how many."""
    refused: tuple[str, ...]
    """What was answered to a sender that is neither yes nor later."""
    doubts: tuple[str, ...]
    """What nobody could tell until a person looked."""
    found: Findings
    """What is wrong at the end, after people have looked."""
    chain: tuple[str, ...]
    """What is wrong with the ledger."""
    unsettled: str
    """What the house had not finished within its time, "" where it had."""
    settled_s: float
    actions: int
    not_permitted: dict[str, int]
    """Verb, verdict and what spoke against it -> how many."""

    @property
    def kept(self) -> bool:
        """Whether every ticket has its end, once, on record, and no doubt is left."""
        incidents = sum(n for name, n in self.tickets.items() if name.startswith("incident "))
        return not (
            self.found.wrong
            or self.found.in_doubt
            or self.chain
            or self.unsettled
            or self.refused
            or incidents < self.size.count
        )

    @property
    def share_in_doubt(self) -> float:
        """Doubts for each ticket."""
        return len(self.doubts) / self.size.count

    @property
    def repaired(self) -> int:
        """Broken things that the house mended, and found well afterwards."""
        return self.tickets.get("incident resolved", 0)

    def __str__(self) -> str:
        """The figures."""
        kinds = Counter(fault.split()[1] for fault in self.faults if "missed" not in fault)
        wipes = kinds.pop(faults.WIPE, 0)
        return (
            f"{self.size.count} tickets of planted faults, seed {self.size.seed}:"
            f" {sum(kinds.values())} kills {dict(kinds)}, {wipes} wipes\n"
            f"{self.tickets}, {self.actions} actions, settled {self.settled_s:.0f} s after the"
            " last kill\n"
            f"repaired {self.repaired} of {self.size.repairs} that were broken, not permitted"
            f" {self.not_permitted}\n"
            f"lost {len(self.found.lost)}, twice {len(self.found.twice)}, unrecorded"
            f" {len(self.found.unrecorded)}, untrue {len(self.found.untrue)}, in doubt"
            f" {len(self.doubts)} ({self.share_in_doubt:.1%} of tickets), of them unresolved"
            f" {len(self.found.in_doubt)}\n"
            + "".join(f"in doubt: {word}\n" for word in self.doubts)
            + "".join(f"WRONG {word}\n" for word in (*self.found.wrong, *self.chain, *self.refused))
            + (f"NOT FINISHED {self.unsettled}\n" if self.unsettled else "")
        )


@contextmanager
def house(size: Size, folder: Path) -> Iterator[tuple[Stack, World, Sink]]:
    """A whole stack, the things it looks after, and who is told."""
    sink, world = Sink(), made(size, folder)
    with ExitStack() as kept:
        kept.callback(sink.close)
        kept.enter_context(world.running())
        stack = kept.enter_context(
            running(
                lease_seconds=LEASE_SECONDS,
                keep_logs=folder,
                write_site=lambda path: world.write_site(path, sink.url),
            )
        )
        # A probe looks again after its interval, and a killed one once it has started.
        promote(stack, patience_s=15 + int(3 * world.interval_s), an_hour=4 * size.count)
        with stack.connect("app") as link:
            # Each fault is to be a ticket of its own, and none a part of a storm.
            link.execute("UPDATE public.desk_eventpolicy SET storm_causes = %s", [MOST])
        if not wait_for(world.is_up, seconds=60):
            raise RuntimeError("the services did not start")
        yield stack, world, sink


def live_through(size: Size, stack: Stack, world: World, sink: Sink) -> Report:
    """Plant, kill, let it settle, have a person look at what is in doubt, and hold it all."""
    producer = Producer(stack)
    _tell(size, producer)
    began = time.monotonic()
    producer.start(began)
    harm = threading.Thread(
        target=hurt, args=(world, producer, began),
        kwargs={"every_s": size.seconds / size.repairs, "first": size.alerts}, daemon=True,
    )  # fmt: skip
    harm.start()
    wipes = max(1, round(size.seconds / WIPED_EVERY))
    done = kill(stack, faults.plan(size.seed, size.seconds, wipes=wipes), began)
    harm.join(size.settle_s)
    producer.join(size.settle_s)
    _say(f"{len(done)} faults in {time.monotonic() - began:.0f} s; now it settles")
    until = began + size.seconds + size.settle_s
    wait_for(lambda: stack.count(TO_DO) == 0, seconds=until - time.monotonic())
    settled_s = time.monotonic() - began - size.seconds
    doubts = _looked_at(stack, world, sink)
    wait_for(lambda: stack.count(OPEN) == 0, seconds=max(size.settle_s / 4, 20))
    with stack.connect() as link:
        history = _history(stack, world, sink, producer.accepted)
        chain = evidence.verify_chain(link)
        unsettled = still_open(link) if stack.count(TO_DO) else ""
        not_permitted: dict[str, int] = dict(link.execute(NOT_PERMITTED).fetchall())
    return Report(
        size=size,
        faults=tuple(done),
        tickets=dict(Counter(f"{one.ticket_class} {one.state}" for one in history.tickets)),
        refused=tuple(producer.refused),
        doubts=tuple(f"{one.verb} {one.entry} on {one.target}" for one in doubts),
        found=check(history),
        chain=() if chain.whole else tuple(map(str, chain.findings)),
        unsettled=unsettled,
        settled_s=settled_s,
        actions=len(history.actions),
        not_permitted=not_permitted,
    )


def _looked_at(stack: Stack, world: World, sink: Sink) -> list[Action]:
    """Do what the ticket asks of a person: look at the world, and say what came of each."""
    history = _history(stack, world, sink, [])
    happened = {effect.action_id for effect in history.effects}
    doubts = [action for action in history.actions if action.in_doubt]
    for action in doubts:
        mended = action.verb != "playbook.run" or world.is_well(action.target)
        finding = "done" if action.id in happened and mended else "failed"
        manage(
            stack, "personas", "settle", action.id, finding, "--by", "chaos", "--why", "I looked."
        )
    return doubts


def _history(stack: Stack, world: World, sink: Sink, accepted: list[str]) -> History:
    with stack.connect() as link:
        return evidence.gather(
            link,
            accepted=accepted,
            posts=sink.posts,
            plays=stack.layout.state / "plays",
            restarts=world.restarts(),
        )


def made(size: Size, folder: Path) -> World:
    """Return the things that so many tickets are about."""
    ports = [free_ports().web for _ in range(size.services)]
    return World(
        home=folder,
        services={f"chaos-web-{number}": port for number, port in enumerate(ports)},
        directories=tuple(f"chaos-spool-{n}" for n in range(size.repairs - size.services)),
        plain=tuple(f"chaos-queue-{number}" for number in range(0, size.alerts, PLAIN_OF)),
        # So many things are looked at by turns, not all of them each second.
        interval_s=max(1.0, size.repairs / 10),
        autonomy={"fleet_changes_per_hour": 4 * size.count, "hour_share": 1, "hour_reserve": 0},
    )


def _tell(size: Size, producer: Producer) -> None:
    """Spread what the outer monitor tells; each alert has a cause of its own."""
    each = 0.95 * size.seconds / size.alerts
    for number in range(size.alerts):
        plain = {"ci": f"chaos-queue-{number}"}
        labels = plain if number % PLAIN_OF == 0 else {"instance": f"host-{number}"}
        fingerprint = f"{number:016x}"
        body = delivery(f"Chaos{number}", fingerprint, **labels)
        producer.due.put((number * each, fingerprint, body))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Live through it and say what came of it; exit status 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20260504)
    parser.add_argument(
        "--repaired-of", type=int, default=REPAIRED_OF, help="one of so many is really broken"
    )
    parser.add_argument("--pace", type=float, default=1.0, help="seconds a ticket")
    parser.add_argument("--settle", type=float, default=900.0, help="seconds at most for the rest")
    said = parser.parse_args()
    size = Size(said.count, said.seed, said.pace, said.settle, said.repaired_of)
    with tempfile.TemporaryDirectory() as folder, house(size, Path(folder)) as parts:
        report = live_through(size, *parts)
    _say(str(report))
    return int(not report.kept or report.share_in_doubt > IN_DOUBT_AT_MOST)


if __name__ == "__main__":
    raise SystemExit(main())
