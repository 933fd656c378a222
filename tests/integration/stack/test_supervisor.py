"""A whole stack of real processes: it starts, survives kills, and leaves nothing behind."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from ethops import env
from ethops.stack import places
from ethops.stack.errors import PortTakenError, StateLockedError
from ethops.stack.layout import Layout
from ethops.stack.ports import Ports, free_ports, is_free
from ethops.stack.postgres import UNSAFE_FOR_TESTS
from ethops.stack.progress import Line, Mark
from ethops.stack.restarts import RestartPolicy
from ethops.stack.spawn import STANDS_BACK
from ethops.stack.status import ProcessStatus, is_alive, read_status
from ethops.stack.supervisor import Supervisor

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(240),
]

OURS = (
    *("recorder", "checkpointer", "witnessing", "verifier"),
    *("control", "agent", "executor", "web", "beat", "flower"),
)
QUICK = RestartPolicy(exits=1000, unseen_seconds=12.0)
"""A dozen processes that start on two busy cores are silent for some seconds, and well."""


def until(happened: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    made = Layout(
        tmp_path_factory.mktemp("stack"), free_ports(), postgres_settings=UNSAFE_FOR_TESTS
    )
    yield made
    places.remove(made.where)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return []


@pytest.fixture(scope="module")
def stack(layout: Layout, lines: list[Line]) -> Iterator[Supervisor]:
    supervisor = Supervisor(layout, policy=QUICK)
    supervisor.start(lines.append)
    yield supervisor
    pids = [process.pid for process in supervisor.processes() if process.pid]
    supervisor.stop()
    assert not [pid for pid in pids if is_alive(pid)]
    assert is_free(layout.ports.postgres)
    assert is_free(layout.ports.web)
    assert read_status(layout.state) is None


def status_of(stack: Supervisor, name: str) -> ProcessStatus:
    return next(found for found in stack.processes() if found.name == name)


def is_up_again(stack: Supervisor, name: str, old_pid: int) -> Callable[[], bool]:
    def look() -> bool:
        found = status_of(stack, name)
        return found.state == "up" and found.pid not in {None, old_pid}

    return look


def test_a_start_says_one_line_per_stage_and_all_are_well(
    stack: Supervisor, lines: list[Line]
) -> None:
    assert [line.name for line in lines] == ["checks", "database", "redis", "schema", "processes"]
    assert {line.mark for line in lines} == {Mark.OK}


def test_every_process_of_the_matrix_runs(stack: Supervisor) -> None:
    found = {process.name: process.state for process in stack.processes()}
    assert found == dict.fromkeys(("redis", "postgres", *OURS), "up")


@pytest.mark.parametrize("name", ["control", "web"])
def test_who_stands_back_has_less_weight_and_nobody_else(stack: Supervisor, name: str) -> None:
    pid = status_of(stack, name).pid
    assert pid is not None
    weight = STANDS_BACK if name == "control" else os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) == weight
    group = Path(f"/proc/{pid}/autogroup")  # where the kernel groups by session
    lighter = STANDS_BACK if name == "control" else 0
    assert not group.exists() or group.read_text().split()[-1] == str(lighter)


def test_the_web_answers_and_flower_asks_for_a_login(stack: Supervisor, layout: Layout) -> None:
    assert httpx.get(f"{layout.web_url}/healthz").status_code == 200
    assert httpx.get(f"{layout.flower_url}/").status_code == 401
    login = ("admin", layout.secrets.admin_password)
    assert httpx.get(f"{layout.flower_url}/workers", auth=login).status_code == 200


def test_the_first_login_is_made_once_and_kept_private(stack: Supervisor, layout: Layout) -> None:
    kept = layout.state / "admin.txt"
    assert stack.admin_made
    assert kept.read_text().strip() == layout.secrets.admin_password
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", OURS)
def test_a_running_process_knows_no_login_but_its_own(
    stack: Supervisor, layout: Layout, name: str
) -> None:
    process = psutil.Process(status_of(stack, name).pid)
    known = "\n".join([*process.environ().values(), *process.cmdline()])
    for role, password in layout.secrets.role_passwords.items():
        assert (password in known) == (role == env.ROLE_OF_PROCESS[name])


def test_no_command_line_shows_a_secret(stack: Supervisor, layout: Layout) -> None:
    kept = layout.secrets
    secret = {kept.redis_password, kept.admin_password, *kept.role_passwords.values()}
    for found in stack.processes():
        shown = " ".join(psutil.Process(found.pid).cmdline())
        assert not [word for word in secret if word in shown], found.name


def test_the_status_file_says_what_runs(stack: Supervisor, layout: Layout) -> None:
    found = read_status(layout.state)
    assert found is not None
    assert found.ready
    assert found.pid == os.getpid()
    assert {process.name for process in found.processes} == {"redis", "postgres", *OURS}


def test_a_second_supervisor_is_refused_on_the_same_folder(
    stack: Supervisor, layout: Layout
) -> None:
    told: list[Line] = []
    with pytest.raises(StateLockedError, match="another ethops runs in"):
        Supervisor(layout).start(told.append)
    assert [line.mark for line in told] == [Mark.NO]


def test_a_taken_port_refuses_the_start_and_names_its_holder(
    stack: Supervisor, layout: Layout, tmp_path: Path
) -> None:
    free = free_ports()
    ours = Ports(free.web, free.flower, layout.ports.postgres, free.redis)
    other = Supervisor(Layout(tmp_path / "other", ours))
    with pytest.raises(PortTakenError, match=r"is taken by postgres, pid \d+"):
        other.start()
    assert other.processes() == ()


def test_whoever_is_killed_runs_again_and_the_others_stay(stack: Supervisor) -> None:
    servers = {name: status_of(stack, name).pid for name in ("redis", "postgres")}
    before = {name: stack.kill(name) for name in OURS}
    for name, pid in before.items():
        until(is_up_again(stack, name, pid), f"{name} runs again")
    assert {name: status_of(stack, name).pid for name in servers} == servers


def test_killed_servers_come_back_and_nobody_else_is_restarted(
    stack: Supervisor, layout: Layout
) -> None:
    until(lambda: {process.state for process in stack.processes()} == {"up"}, "all are up")
    pids = {name: status_of(stack, name).pid for name in OURS}
    killed = {name: stack.kill(name) for name in ("redis", "postgres")}
    for name, pid in killed.items():
        until(is_up_again(stack, name, pid), f"{name} runs again")
    time.sleep(QUICK.unseen_seconds + 3)  # long enough for a wrong verdict of the watchdog
    assert {name: status_of(stack, name).pid for name in OURS} == pids
    assert httpx.get(f"{layout.web_url}/healthz").status_code == 200


def test_frozen_processes_are_found_killed_and_started_again(stack: Supervisor) -> None:
    frozen = {name: stack.kill(name, signal.SIGSTOP) for name in ("agent", "web")}
    for name, pid in frozen.items():
        until(is_up_again(stack, name, pid), f"{name} runs again")
