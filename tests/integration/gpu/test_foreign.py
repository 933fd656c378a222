"""`gpu run -- CMD`: the card is empty and a command has it, waits its turn, and gives it back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from ethops.env import CLONE
from ethops.management.commands import _gpu_run
from ethops.stack.layout import Layout
from gpu.tiers import Tier
from tests.integration.gpu.house import House, words
from tests.waiting import PATIENCE_SECONDS, eventually

Start = Callable[..., "Keeper"]


class Keeper:
    """One `manage.py gpu run`, and the job that it has in the queue."""

    def __init__(self, house: House, process: "subprocess.Popen[str]") -> None:
        self.house = house
        self.process = process
        before = {row[0] for row in house.owner("SELECT id FROM gpu_job WHERE kind = 'hold'")}
        self.known = before

    def job(self) -> UUID:
        """The job, once it is submitted."""

        def found() -> UUID | None:
            rows = self.house.owner("SELECT id FROM gpu_job WHERE kind = 'hold'")
            new = [row[0] for row in rows if row[0] not in self.known]
            assert new or self.process.poll() is None, self.process.communicate()
            return new[0] if new else None

        return UUID(str(eventually(found)))

    def has_card(self) -> None:
        """Wait until the command has the card."""
        eventually(lambda: self.house.card()["doing"] == "held")

    def status(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end; the exit status."""
        return self.process.wait(seconds)


SILENT_SECONDS = 6
"""Two thirds of it are a keeper's beat, and a machine that stands still for more than two."""


@pytest.fixture(scope="module")
def held_house(house: House) -> House:
    """A served house whose commands may be silent a little longer than its worker elsewhere."""
    house.variables = {"ETHOPS_LEASE_SECONDS": str(SILENT_SECONDS)}
    house.add_card()
    house.declare()
    house.worker()
    return house


@contextmanager
def starting(served: House) -> Iterator[Start]:
    """Start commands within the block; they end with it, whatever they do."""
    layout = Layout(
        state=served.servers.layout.state,
        database_url=served.servers.dsn("ethops_app", served.database),
        redis_url=served.redis_url,
    )
    said = {
        **layout.environment("person"),
        **served.variables,
        "ETHOPS_STATE": str(served.folder),
    }
    made: list[Keeper] = []

    def start(*command: str, options: tuple[str, ...] = ()) -> Keeper:
        process = subprocess.Popen(
            [sys.executable, str(CLONE / "manage.py"), "gpu", "run", *options, "--", *command],
            env=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=served.folder,
            start_new_session=True,
        )
        made.append(Keeper(served, process))
        return made[-1]

    try:
        yield start
    finally:
        for each in made:
            each.process.kill()
            each.process.communicate()
        served.owner(
            "UPDATE gpu_job SET partial = partial || '{\"exit\": 0}'"
            " WHERE kind = 'hold' AND finished_at IS NULL"
        )
        if "card0" not in served.workers:
            served.worker()
        served.calm()


@pytest.fixture
def run(held_house: House) -> Iterator[Start]:
    """`run("sleep", "9")` runs a command on the card."""
    with starting(held_house) as start:
        yield start


@pytest.fixture
def house_of_commands(held_house: House) -> Iterator[House]:
    """The served house, left calm."""
    yield held_house
    held_house.calm()


def resident(house: House) -> list[str]:
    """What the server says that it holds."""
    models = httpx.get(f"{house.simulated['card0'].url}/api/ps").json()["models"]
    return [each["name"] for each in models]


def here(*command: str) -> int:
    """Run a command on the card from this process; its status."""
    said = {"command": [*command], "tier": "research", "preemptible": False, "max_hours": 1.0}
    return _gpu_run.run(lambda _: None, said)


# ---------------------------------------------------------------- one whole command


@dataclass
class Seen:
    """What was seen of one command from its start to its end."""

    resident_before: list[str]
    resident: list[str]
    shown: list[str]
    status: int
    said: str
    row: dict[str, Any]
    pieces: list[tuple[Any, ...]]
    entry: str


@pytest.fixture(scope="module")
def seen(held_house: House, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A command that ends when it is told to, with the status 7."""
    served, go = held_house, tmp_path_factory.mktemp("run") / "go"
    served.done(served.ask())
    before = resident(served)
    with starting(served) as start:
        keeper = start("sh", "-c", f"echo said; while [ ! -e {go} ]; do sleep 0.05; done; exit 7")
        keeper.has_card()
        found, shown = resident(served), served.card()["resident"]
        go.touch()
        status, job_id = keeper.status(), keeper.job()
        served.ended(job_id)
        pieces = served.owner(
            "SELECT kind, ending, ended_at - began_at > interval '0' FROM gpu_piece WHERE job = %s",
            job_id,
        )
        said = keeper.process.communicate()[0]
        return Seen(before, found, shown, status, said, served.job(job_id), pieces,
                    served.entries(job_id)[-1][0])  # fmt: skip


def test_the_card_is_empty_while_a_command_has_it(seen: Seen) -> None:
    assert seen.resident_before
    assert (seen.resident, seen.shown) == ([], [])


def test_the_status_of_the_command_is_ours(seen: Seen) -> None:
    assert seen.status == 7


def test_what_it_says_is_ours(seen: Seen) -> None:
    assert seen.said == "said\n"


def test_a_command_that_fails_is_a_job_that_failed(seen: Seen) -> None:
    assert (seen.row["state"], seen.row["error_code"]) == ("failed", "gpu.command_failed")
    assert seen.entry == "inference.failed"


def test_what_it_took_is_written_down(seen: Seen) -> None:
    assert seen.pieces == [("hold", "failed", True)]


# ---------------------------------------------------------------- small ones


def test_a_command_that_succeeds_is_a_job_that_is_done(house_of_commands: House) -> None:
    assert here("true") == 0
    last = "SELECT id FROM gpu_job WHERE kind = 'hold' ORDER BY created_at DESC LIMIT 1"
    ((job_id,),) = house_of_commands.owner(last)
    row = house_of_commands.done(job_id)
    assert row.answer == {"exit": 0}
    assert house_of_commands.entries(job_id)[-1][0] == "inference.done"


def test_a_command_that_is_not_there_gives_the_card_back(house_of_commands: House) -> None:
    assert here("no-such-command") == 127
    assert house_of_commands.text(house_of_commands.ask(tokens=3)) == words(3)


def test_without_a_command_nothing_is_queued(house_of_commands: House) -> None:
    before = house_of_commands.owner("SELECT count(*) FROM gpu_job")
    assert here() == 2
    assert house_of_commands.owner("SELECT count(*) FROM gpu_job") == before


# ---------------------------------------------------------------- whose turn it is


def test_who_leaves_while_it_waits_leaves_the_queue(held_house: House, run: Start) -> None:
    busy = held_house.ask(tokens=80_000)
    held_house.begun(busy)
    keeper = run("true")
    job_id = keeper.job()
    eventually(lambda: held_house.job(job_id)["partial"].get("beat"))
    assert held_house.job(job_id)["started_at"] is None
    os.kill(keeper.process.pid, signal.SIGINT)
    assert keeper.status() == 130
    assert held_house.ended(job_id).state == "cancelled"


def test_ops_wait_for_a_command_that_did_not_agree(
    held_house: House, run: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    keeper = run("sh", "-c", f"while [ ! -e {go} ]; do sleep 0.05; done")
    keeper.has_card()
    urgent = held_house.ask(tier=Tier.OPS, slot="ops-8b", tokens=3)
    eventually(lambda: held_house.messages("ops.ops-8b"))
    go.touch()
    assert keeper.status() == 0
    assert held_house.text(urgent) == words(3)
    assert held_house.job(urgent)["started_at"] > held_house.job(keeper.job())["finished_at"]


def test_ops_alone_have_the_card_back_from_a_command_that_agreed(
    held_house: House, run: Start
) -> None:
    keeper = run("sleep", "60", options=("--preemptible",))
    keeper.has_card()
    waiting = held_house.ask(tokens=3)
    eventually(lambda: held_house.messages("research.code-14b"))
    assert "asked_back" not in held_house.job(keeper.job())["partial"]
    urgent = held_house.ask(tier=Tier.OPS, slot="ops-8b", tokens=3)
    assert held_house.text(urgent) == words(3)
    assert keeper.status() == 128 + signal.SIGTERM
    held_house.done(waiting)
    assert held_house.job(waiting)["started_at"] > held_house.job(urgent)["started_at"]


def test_more_time_than_was_asked_for_is_not_given(held_house: House, run: Start) -> None:
    # Six seconds: so long even a machine that stands still lets it come to the card.
    assert run("sleep", "60", options=("--max-hours", "0.0017")).status() == 128 + signal.SIGTERM


# ---------------------------------------------------------------- ends of all kinds


def test_an_interrupt_is_the_commands_to_end_on(held_house: House, run: Start) -> None:
    trap = "trap 'sleep 1.5; exit 9' INT; echo set; sleep 60 & wait"
    keeper = run("sh", "-c", trap)
    keeper.has_card()
    assert keeper.process.stdout is not None
    assert keeper.process.stdout.readline() == "set\n"
    os.kill(keeper.process.pid, signal.SIGINT)
    assert keeper.status() == 9
    row = held_house.ended(keeper.job())
    assert (row.state, row.error) == ("failed", "the command ended with 9")


def test_nothing_of_a_killed_keepers_command_is_left(held_house: House, run: Start) -> None:
    mark = f"6{os.getpid()}"
    keeper = run("sh", "-c", f"sleep {mark} & sleep {mark}")
    keeper.has_card()
    left = eventually(lambda: found if len(found := asleep(mark)) == 2 else [])
    keeper.process.kill()
    began = time.monotonic()
    eventually(lambda: not any(each.is_running() for each in left), 5)
    row = held_house.ended(keeper.job(), seconds=SILENT_SECONDS + 10)
    assert (row.state, row.error_code) == ("failed", "gpu.command_silent")
    assert time.monotonic() - began < SILENT_SECONDS + 5
    assert held_house.text(held_house.ask(tokens=3)) == words(3)


def test_a_keeper_that_stands_still_loses_its_command_with_the_card(
    held_house: House, run: Start
) -> None:
    mark = f"7{os.getpid()}"
    keeper = run("sleep", mark)
    keeper.has_card()
    (left,) = eventually(lambda: asleep(mark))
    os.kill(keeper.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    eventually(lambda: left.status() == psutil.STATUS_ZOMBIE, SILENT_SECONDS + 5)
    row = held_house.ended(keeper.job(), seconds=SILENT_SECONDS + 10)
    assert (row.state, row.error_code) == ("failed", "gpu.command_silent")
    assert time.monotonic() - began < SILENT_SECONDS + 5
    os.kill(keeper.process.pid, signal.SIGCONT)
    assert keeper.status() == 128 + signal.SIGKILL


def asleep(seconds: str) -> list[psutil.Process]:
    """The processes that sleep for so long."""
    every = psutil.process_iter(["cmdline"])
    return [each for each in every if each.info["cmdline"] == ["sleep", seconds]]


def test_a_command_outlives_the_workers_that_wait_for_it(
    held_house: House, run: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    keeper = run("sh", "-c", f"while [ ! -e {go} ]; do sleep 0.05; done")
    keeper.has_card()
    held_house.end_worker()
    urgent = held_house.ask(tier=Tier.OPS, slot="ops-8b", tokens=3)
    held_house.worker()
    keeper.has_card()
    assert held_house.end_worker(how=signal.SIGTERM) == 0
    assert held_house.job(keeper.job())["state"] == "ready"
    held_house.worker()
    keeper.has_card()
    assert held_house.job(urgent)["started_at"] is None
    assert keeper.process.poll() is None
    go.touch()
    assert keeper.status() == 0
    assert held_house.ended(keeper.job()).state == "done"
    assert held_house.text(urgent) == words(3)
