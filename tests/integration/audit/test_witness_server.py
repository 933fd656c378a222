"""The witness as a program: its answers over HTTP, its files, bad guests, and kill -9."""

import json
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.ledger import merkle
from audit.witness import server
from ethops.env import CLONE
from tests.doubles.tree import Log
from tests.doubles.witness import Process

Make = Callable[..., Process]


@pytest.fixture
def log() -> Log:
    return Log().grow(40)


@pytest.fixture
def make(tmp_path: Path, log: Log) -> Iterator[Make]:
    made: list[Process] = []

    def start(name: str = "w1", **options: Any) -> Process:
        state = tmp_path / name / "state.json"
        process = Process(state, [log.signer.key.vkey], f"host/{name}", **options)
        process.state.parent.mkdir(exist_ok=True)
        made.append(process)
        return process.start()

    yield start
    for process in made:
        process.close()


def test_it_signs_and_keeps_what_it_signed(make: Make, log: Log) -> None:
    witness = make()
    said = witness.add(log, 0, 7)
    assert said.status_code == 200
    assert witness.signed(log, 7, said.text)
    assert witness.latest(log) == log.head(7)


def test_the_command_becomes_the_witness(make: Make, log: Log) -> None:
    witness = make(program=("manage.py", "ledger", "witness"))
    assert witness.signed(log, 7, witness.add(log, 0, 7).text)
    assert witness.running is not None
    # No Django stays behind: it is the program itself that answers under this pid.
    assert "audit.witness" in Path(f"/proc/{witness.running.pid}/cmdline").read_text()


def test_a_log_goes_on_with_proofs(make: Make, log: Log) -> None:
    witness = make()
    for old, size in ((0, 3), (3, 3), (3, 17), (17, 40)):
        said = witness.add(log, old, size)
        assert witness.signed(log, size, said.text), said.text


def test_a_rollback_is_refused_with_the_known_size(make: Make, log: Log) -> None:
    witness = make()
    witness.add(log, 0, 20)
    said = witness.add(log, 10, 15)
    assert (said.status_code, said.text, said.headers["content-type"]) == (
        409, "20\n", "text/x.tlog.size",
    )  # fmt: skip


def test_a_split_view_is_refused(make: Make, log: Log) -> None:
    witness = make()
    witness.add(log, 0, 20)
    assert witness.add(log.fork(19).grow(11, "other"), 20, 30).status_code == 422


def test_of_two_witnesses_each_half_of_a_split_view_gets_but_one(make: Make, log: Log) -> None:
    one, two = make("w1"), make("w2")
    other = log.fork(10).grow(20, "other")
    assert one.add(log, 0, 30).status_code == two.add(other, 0, 30).status_code == 200
    assert one.add(other, 30, 30).status_code == two.add(log, 30, 30).status_code == 422


def test_a_log_that_it_was_not_told_of_is_not_found(make: Make) -> None:
    assert make().add(Log().grow(3), 0).status_code in {403, 404}


def test_its_key_and_state_are_its_owner_s_alone(make: Make) -> None:
    state = make().state
    for path in (state, state.with_name("state.json.key")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_the_same_witness_after_a_restart(make: Make, log: Log) -> None:
    witness = make()
    before = witness.vkey
    witness.add(log, 0, 20)
    witness.kill(signal.SIGTERM)
    witness.start()
    assert witness.vkey == before
    assert witness.add(log, 0, 30).text == "20\n"


def refused(state: Path, log: Log) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "audit.witness", "--listen", "127.0.0.1:0"),
            *("--state", str(state), "--log", log.signer.key.vkey),
        ],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    return done.stderr


def test_two_witnesses_never_share_a_state(make: Make, log: Log) -> None:
    assert "another witness" in refused(make().state, log)


@pytest.mark.parametrize("gone", ["state.json", "state.json.key"])
def test_it_does_not_begin_anew_where_one_file_was_lost(make: Make, log: Log, gone: str) -> None:
    witness = make()
    witness.add(log, 0, 20)
    witness.kill()
    witness.state.with_name(gone).unlink()
    assert "new vkey" in refused(witness.state, log)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": 2}', '{"version": 1'])
def test_it_does_not_begin_with_a_damaged_state(make: Make, log: Log, text: str) -> None:
    witness = make()
    witness.kill()
    witness.state.write_text(text)
    assert "state.json" in refused(witness.state, log)


def test_it_does_not_begin_with_the_key_of_another(make: Make, log: Log) -> None:
    one, two = make("w1"), make("w2")
    one.kill()
    two.kill()
    two.state.with_name("state.json.key").replace(one.state.with_name("state.json.key"))
    assert "not the key of" in refused(one.state, log)


def test_it_does_not_begin_with_a_key_that_others_can_read(make: Make, log: Log) -> None:
    witness = make()
    witness.kill()
    witness.state.with_name("state.json.key").chmod(0o644)
    assert "mode 600" in refused(witness.state, log)


def test_what_cannot_be_kept_is_not_signed(make: Make, log: Log) -> None:
    witness = make()
    witness.add(log, 0, 20)
    aside = witness.state.parent.with_name("aside")
    witness.state.parent.rename(aside)
    assert witness.add(log, 20, 30).status_code == 503
    aside.rename(witness.state.parent)
    assert witness.latest(log).size == 20
    assert witness.add(log, 20, 31).status_code == 200


# ---------------------------------------------------------------- bad guests


def raw(witness: Process, data: bytes) -> bytes:
    host, _, port = witness.listen.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as link:
        link.sendall(data)
        said = b""
        try:
            while piece := link.recv(65536):
                said += piece
        except ConnectionResetError:
            pass
        return said


def test_a_request_without_its_length_is_refused(make: Make) -> None:
    assert b" 411 " in raw(make(), b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_request_in_chunks_is_refused(make: Make) -> None:
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 411 " in raw(make(), head + b"5\r\nold 1\r\n0\r\n\r\n")


def test_a_request_that_is_too_large_is_refused_unread(make: Make) -> None:
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    assert b" 413 " in raw(make(), head)


@pytest.mark.parametrize("seed", range(5))
def test_it_survives_garbage(make: Make, log: Log, seed: int) -> None:
    witness = make()
    dice = random.Random(seed)  # noqa: S311 - a test that repeats
    for _ in range(30):
        data = dice.randbytes(dice.randrange(2000))
        body = log.request(0, 5).written()
        spoilt = bytearray(body)
        spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
        witness.client.post(f"{witness.url}/add-checkpoint", content=data)
        witness.client.post(f"{witness.url}/add-checkpoint", content=bytes(spoilt))
        raw(witness, data + b"\r\n\r\n")
    size = 0 if (said := witness.add(log, 0, 9)).status_code == 200 else int(said.text)
    assert size in {0, 5}


def test_slow_clients_do_not_keep_a_log_waiting(make: Make, log: Log) -> None:
    witness = make()
    host, _, port = witness.listen.rpartition(":")
    slow = [socket.create_connection((host, int(port)), 20) for _ in range(server.MOST_OF_ONE - 2)]
    for link in slow:
        link.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10\r\n\r\nold")
    try:
        assert witness.add(log, 0, 5).status_code == 200
    finally:
        for link in slow:
            link.close()


def test_one_address_does_not_take_all_connections(make: Make, log: Log) -> None:
    witness = make()
    host, _, port = witness.listen.rpartition(":")
    held = [socket.create_connection((host, int(port)), 20) for _ in range(server.MOST_OF_ONE)]
    for link in held:
        link.sendall(b"GET / HTTP/1.1\r\n")
    try:
        with pytest.raises(httpx.TransportError):
            wait_until_it_raises(lambda: witness.client.get(f"{witness.url}/"))
    finally:
        for link in held:
            link.close()


def wait_until_it_raises(act: Callable[[], object]) -> None:
    # Connections are counted as they are accepted, a moment after they are made.
    end = time.monotonic() + 10
    while time.monotonic() < end:
        act()


# ---------------------------------------------------------------- kill -9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_never_signs_two_histories(make: Make, log: Log, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that repeats
    witness = make()
    histories = [Log(log.signer).grow(4), Log(log.signer).grow(4)]
    histories[1].grow(400, "other")
    histories[0].grow(400)
    signed: list[tuple[int, int, str]] = []
    going = threading.Event()
    going.set()

    def ask(which: int, seed: int) -> None:
        own = random.Random(seed)  # noqa: S311 - a test that repeats
        with httpx.Client(trust_env=False, timeout=5) as client:
            known = 0
            while going.is_set():
                size = min(known + own.randrange(1, 6), 400)
                body = histories[which].request(known, size).written()
                try:
                    said = client.post(f"{witness.url}/add-checkpoint", content=body)
                except httpx.TransportError:
                    continue
                if said.status_code == 200:
                    signed.append((which, size, said.text))
                    known = size
                elif said.status_code == 409:
                    known = min(int(said.text), 395)

    askers = [
        threading.Thread(target=ask, args=(n % 2, seed * 10 + n), daemon=True) for n in range(4)
    ]
    for asker in askers:
        asker.start()
    for _ in range(5):
        enough = len(signed) + dice.randrange(1, 4)
        wait_for(partial(has_grown, signed, enough))
        witness.kill()
        if dice.random() < 0.5:
            assert json.loads(witness.state.read_text())["version"] == 1
        witness.start()
    going.clear()
    for asker in askers:
        asker.join(20)
    roots = {(size, merkle.root(histories[which].leaves[:size])) for which, size, _ in signed}
    assert len({size for size, _ in roots}) == len(roots)
    assert len({which for which, size, _ in signed if size > 4}) == 1
    assert all(witness.signed(histories[which], size, line) for which, size, line in signed)


def has_grown(signed: list[tuple[int, int, str]], enough: int) -> bool:
    return len(signed) >= enough


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


@pytest.mark.parametrize("seed", range(4))
def test_of_two_that_race_only_one_moves_the_size(make: Make, log: Log, seed: int) -> None:
    witness = make()
    witness.add(log, 0, 10)
    gate = threading.Barrier(8)
    answers: list[tuple[int, int]] = []

    def ask(size: int) -> None:
        with httpx.Client(trust_env=False, timeout=20) as client:
            body = log.request(10, size).written()
            gate.wait()
            said = client.post(f"{witness.url}/add-checkpoint", content=body)
            answers.append((said.status_code, size))

    askers = [threading.Thread(target=ask, args=(11 + (n + seed) % 8,)) for n in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(20)
    won = [size for status, size in answers if status == 200]
    assert len(won) == 1
    assert witness.latest(log).size == won[0]
