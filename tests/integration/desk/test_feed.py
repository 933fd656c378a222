"""Lines of a journal that come over a pipe."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import site, site_rows
from adapters.registry import reader
from adapters.telemetry.errors import PositionError
from adapters.telemetry.parcels import LARGEST, Parcel, pack
from ethops.desk.feed import AT_MOST, Batch, Feed
from ethops.env import CLONE
from tests.conftest import point_django
from tests.servers import Servers

OURS = "SHA256:" + "o" * 43


def line(number: int) -> str:
    said = f"Accepted publickey for ethops from 10.9.0.5 port {number} ssh2: ED25519 {OURS}"
    return json.dumps(
        {
            "__CURSOR": f"c{number}", "MESSAGE": said, "_COMM": "sshd", "_UID": "0", "_PID": "7",
            "__REALTIME_TIMESTAMP": str(int(datetime.now(UTC).timestamp() * 1_000_000)),
        }
    )  # fmt: skip


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    yield out, into
    for handle in (out, into):
        try:
            os.close(handle)
        except OSError:
            continue


def send(into: int, text: str) -> None:
    os.write(into, text.encode())


def test_what_comes_together_is_one_batch(pipe: tuple[int, int]) -> None:
    out, into = pipe
    send(into, f"{line(1)}\n{line(2)}\n")
    batch = next(Feed(out, "", quiet_s=0.1).batches())
    assert (len(batch.lines), batch.position, batch.complete) == (2, "c2", True)


def test_half_a_line_waits_for_its_end(pipe: tuple[int, int]) -> None:
    out, into = pipe
    send(into, f"{line(1)}\n{line(2)[:30]}")
    batches = Feed(out, "", quiet_s=0.1).batches()
    assert next(batches).position == "c1"
    send(into, f"{line(2)[30:]}\n")
    assert next(batches).position == "c2"


def test_a_quiet_host_gives_signs_of_life(pipe: tuple[int, int]) -> None:
    batch = next(Feed(pipe[0], "c7", alive_s=0.05).batches())
    assert (batch.lines, batch.position, batch.complete) == ((), "c7", True)


def fed(pipe: tuple[int, int], lines: list[str]) -> list[Batch]:
    """What a pipe is read as that holds these lines and ends."""
    out, into = pipe

    def write() -> None:
        os.write(into, "".join(f"{one}\n" for one in lines).encode())
        os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    batches = list(Feed(out, "", quiet_s=5).batches())
    writer.join()
    return batches


def test_a_long_past_comes_in_parts(pipe: tuple[int, int]) -> None:
    batches = fed(pipe, [f'{{"__CURSOR":"c{number}"}}' for number in range(AT_MOST + 5)])
    assert [len(batch.lines) for batch in batches] == [AT_MOST, 5]
    assert [batch.complete for batch in batches] == [False, True]


def test_no_part_is_more_than_a_message_of_a_bus_holds(pipe: tuple[int, int]) -> None:
    lines = [json.dumps({"__CURSOR": f"c{n}", "MESSAGE": "\x01" * 10_000}) for n in range(40)]
    batches = fed(pipe, lines)
    sent = [pack(Parcel("there", one.lines, "", "", one.complete, 1)) for one in batches]
    assert [line for one in batches for line in one.lines] == lines
    assert max(map(len, sent)) <= LARGEST


def test_a_line_without_a_cursor_is_refused(pipe: tuple[int, int]) -> None:
    out, into = pipe
    send(into, "Mar  1 10:00:00 web sshd[1]: hello\n")
    with pytest.raises(PositionError):
        next(Feed(out, "", quiet_s=0.1).batches())


@pytest.fixture
def command(
    clean_db: None, servers: Servers, database_name: str, tmp_path: Path
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    file = tmp_path / "site.yaml"
    file.write_text(
        "hosts: [{name: web}]\n"
        f'keys: [{{name: executor, fingerprint: "{OURS}", accounts: [ethops]}}]\n'
        "observers: [{host: web, source: pushed}]\n"
    )
    found = site.read(file)
    assert found.value is not None
    point_django(servers, database_name, "ethops_owner")
    site_rows.apply(found.value)
    point_django(servers, database_name, "ethops_app")

    def run(*words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(CLONE / "manage.py"), "telemetry", *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "DATABASE_URL": servers.dsn("ethops_app", database_name),
                "ETHOPS_STATE": str(tmp_path),
                "ETHOPS_PROCESS": "control",
                "DJANGO_SETTINGS_MODULE": "ethops.settings",
            },
        )

    return run


def test_the_command_pushes_and_says_where_to_go_on(
    command: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    pushed = command("push", "web", "--json", given=f"{line(1)}\n{line(2)}\n")
    assert json.loads(pushed.stdout) == {"lines": 2, "uses": 2, "position": "c2"}, pushed.stderr
    assert command("position", "web").stdout.strip() == "c2"
    seen = reader("telemetry").uses("web", datetime(2026, 1, 1, tzinfo=UTC))
    assert [use.port for use in seen] == [1, 2]


def test_a_host_that_nobody_declared_is_refused(
    command: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    refused = command("push", "db", given=f"{line(1)}\n")
    assert refused.returncode == 1
    assert "observers" in refused.stderr
