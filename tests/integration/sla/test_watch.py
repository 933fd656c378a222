"""Warnings and breaches: once each, whoever is killed when."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Timer

import pytest

from ethops.desk import levels
from ethops.env import CLONE
from ethops.sla.models import Stopwatch
from tests.integration.sla.conftest import PEOPLE, House
from tests.servers import Servers
from tests.waiting import eventually

TICKETS = 10


def test_three_quarters_warn_and_the_end_is_told(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=3, minutes=1)
    levels.watch()
    levels.watch()
    assert house.notices(ref) == [f"P1 {ref} has a quarter of its time left: Shop is down"]
    assert len(house.lines(ref)) == 1
    assert house.lines(ref)[0].startswith("Three quarters of the time to resolve are used: 4 h by")
    house.ages(ref, hours=1)
    levels.watch()
    levels.watch()
    assert house.notices(ref)[1:] == [f"P1 {ref} is late: Shop is down"]
    assert len(house.lines(ref)) == 2
    assert house.lines(ref)[1].startswith("The time to resolve is over: 4 h by always, until ")


def test_before_that_nothing_is_said(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=2, minutes=59)
    levels.watch()
    assert (house.lines(ref), house.notices(ref)) == ([], [])


def test_both_are_told_where_nobody_looked_for_long_and_people_of_the_end_alone(
    house: House,
) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=5)
    levels.watch()
    assert len(house.lines(ref)) == 2
    assert house.notices(ref) == [f"P1 {ref} is late: Shop is down"]


def test_a_ticket_that_was_resolved_late_is_told_too_and_one_in_time_is_not(house: House) -> None:
    late, in_time = house.open(), house.open()
    for ref, hours in ((late, 5), (in_time, 3.5)):
        house.move(ref, "ev_assign", team="people")
        house.ages(ref, hours=hours)
        house.move(ref, "ev_resolve", solution="Restarted.")
    levels.watch()
    assert [len(house.lines(ref)) for ref in (late, in_time)] == [1, 0]


def test_a_priority_that_goes_to_and_fro_tells_nothing_twice(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=5)
    levels.watch()
    for impact in (3, 1, 3, 1):
        house.move(ref, "ev_assign", team="people", impact=impact, urgency=1)
        levels.watch()
    assert len([line for line in house.lines(ref) if line.startswith("The ")]) == 1


def test_where_nobody_is_named_the_ticket_alone_is_told(house: House) -> None:
    house.promise("P1", warn="", breach="")
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=5)
    levels.watch()
    assert (len(house.lines(ref)), house.notices(ref)) == (2, [])


class Watcher:
    """A process that has one sweeping child at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def begin(self) -> int:
        """Have a child that sweeps; returns its number."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return int(self.says())

    def kill(self, child: int, after: float = 0.0) -> None:
        """Kill it where it stands, and wait until it is gone."""
        Timer(after, os.kill, [child, signal.SIGKILL]).start()
        assert self.says() == "gone"

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def watcher(servers: Servers, database_name: str) -> Iterator[Callable[[], Watcher]]:
    """`watcher()` starts one."""
    started: list[subprocess.Popen[str]] = []

    def start() -> Watcher:
        known = ("ETHOPS_", "DATABASE_URL", "REDIS_URL")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(known)}
        environment |= {
            "DJANGO_SETTINGS_MODULE": "ethops.settings",
            "DATABASE_URL": servers.dsn("ethops_app", database_name),
            "ETHOPS_STATE": os.environ["ETHOPS_STATE"],
            "ETHOPS_NOTIFY": PEOPLE,
            "ETHOPS_DATABASE_POOL": "0",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.child", "tests.integration.sla.watcher"],
            env=environment,
            cwd=CLONE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Watcher(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def overdue(house: House) -> list[str]:
    refs = [house.open() for _ in range(TICKETS)]
    for ref in refs:
        house.move(ref, "ev_assign", team="people")
        house.ages(ref, hours=5)
    return refs


def untold() -> int:
    return Stopwatch.objects.filter(kind="ttr", breach_told=False).count()


def fewer_than(before: int) -> bool:
    return untold() < before


def waits_for_a_lock(house: House) -> bool:
    found = house.owner.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None and found[0] > 0


def test_killed_between_the_line_and_the_mark_it_is_told_exactly_once(
    house: House, watcher: Callable[[], Watcher]
) -> None:
    (ref, *_), looks = overdue(house), watcher()
    # Whoever tells has written the line when he comes to the row that is held here.
    with house.owner.transaction():
        house.owner.execute("SELECT 1 FROM sla_stopwatch WHERE ticket_ref = %s FOR UPDATE", [ref])
        child = looks.begin()
        eventually(lambda: waits_for_a_lock(house))
        looks.kill(child)
    assert (house.lines(ref), house.notices(ref)) == ([], [])
    levels.watch()
    levels.watch()
    assert (len(house.lines(ref)), len(house.notices(ref))) == (2, 1)


def test_killed_in_between_each_is_still_told_exactly_once(
    house: House, watcher: Callable[[], Watcher]
) -> None:
    refs, looks = overdue(house), watcher()
    chance = random.Random(6)  # noqa: S311 - moments, not secrets
    while left := untold():
        child = looks.begin()
        eventually(partial(fewer_than, left))
        looks.kill(child, after=chance.uniform(0, 0.05))
    levels.watch()
    for ref in refs:
        assert [line.split()[0] for line in house.lines(ref)] == ["Three", "The"]
        assert house.notices(ref) == [f"P1 {ref} is late: Shop is down"]


def test_two_who_sweep_at_once_tell_once(house: House, watcher: Callable[[], Watcher]) -> None:
    refs, pair = overdue(house), [watcher(), watcher()]
    children = [one.begin() for one in pair]
    eventually(lambda: not untold())
    for one, child in zip(pair, children, strict=True):
        one.kill(child)
    assert {len(house.lines(ref)) for ref in refs} == {2}
    assert {len(house.notices(ref)) for ref in refs} == {1}
