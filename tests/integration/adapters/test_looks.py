"""What one look says about real sockets and directories."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.monitoring import host_looks, rounds
from adapters.monitoring.declared import (
    DirectoryParams,
    FilesystemParams,
    HttpParams,
    LoadParams,
    TcpParams,
)
from adapters.monitoring.host_looks import look_directory, look_filesystem, look_load
from adapters.monitoring.looks import Look, look_http, look_tcp
from adapters.monitoring.rounds import Task

LONG_ENOUGH = 3
"""Seconds in which a connection is made and its answer begins, on a machine that stands still."""


@contextmanager
def serving(*parts: bytes, pause: float = 0, hang: bool = False) -> Iterator[int]:
    """Answer every connection with these parts, a pause between them; then hang or close."""
    ended = threading.Event()

    def talk(link: socket.socket) -> None:
        with link:
            try:
                link.recv(4096)
                for part in parts:
                    link.sendall(part)
                    ended.wait(pause)
                if hang:
                    ended.wait(10)
            except OSError:
                return

    def accept(server: socket.socket) -> None:
        while not ended.is_set():
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def http(port: int, **params: object) -> Look:
    given = {"url": f"http://127.0.0.1:{port}/", "timeout_s": 20} | params
    return asyncio.run(look_http(HttpParams.model_validate(given)))


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwell ok"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_good_answer() -> None:
    with serving(OK) as port:
        look = http(port, contains="well", matches="o.$")
    assert look.symptom == "ok"
    assert look.value is not None


def test_nothing_listens() -> None:
    look = http(free_port())
    assert look.symptom == "refused"
    assert look.detail.endswith("refuses connections: nothing listens there.")


def test_nothing_listens_under_a_name_with_two_addresses() -> None:
    assert http(0, url=f"http://localhost:{free_port()}/").symptom == "refused"


def test_an_answer_that_never_comes() -> None:
    with serving(hang=True) as port:
        look = http(port, timeout_s=LONG_ENOUGH)
    assert look.symptom == "no_answer"
    assert look.detail == f"Accepts connections, answers nothing within {LONG_ENOUGH} s."


def test_an_answer_that_drips_is_cut_at_the_deadline() -> None:
    head = [bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 180]
    began = time.monotonic()
    with serving(*head, pause=0.1) as port:
        look = http(port, timeout_s=LONG_ENOUGH)
    assert look.symptom == "no_answer"
    assert time.monotonic() - began < 10, "to its end it would be 20 s"


def test_a_body_that_does_not_end_is_slow() -> None:
    with serving(OK[:-3], hang=True) as port:
        assert http(port, timeout_s=LONG_ENOUGH).symptom == "slow"


def test_a_connection_that_is_broken_off() -> None:
    with serving(b"") as port:
        look = http(port)
    assert look.symptom == "no_answer"
    assert "breaks off without an answer" in look.detail


@pytest.mark.parametrize(
    ("answer", "params", "symptom"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", {}, "wrong_status"),
        (b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", {}, "wrong_status"),
        (OK, {"contains": "sick"}, "wrong_content"),
        (OK, {"matches": "^ok"}, "wrong_content"),
        (OK, {"slow_ms": 0.001}, "slow"),
        (b"HTTP/1.1 204 N\r\n\r\n", {"status": (200, 204)}, "ok"),
        (b"nonsense\r\n\r\n", {}, "no_answer"),
    ],
    ids=["status", "redirect", "content", "regex", "slow", "wanted-status", "no-http"],
)
def test_an_answer_is_judged(answer: bytes, params: dict[str, object], symptom: str) -> None:
    with serving(answer) as port:
        assert http(port, **params).symptom == symptom


def test_a_huge_body_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n"
    with serving(head, *[b"x" * 65536] * 40, hang=True) as port:
        assert http(port).symptom == "ok"


def test_tcp() -> None:
    with serving() as port:
        assert asyncio.run(look_tcp(TcpParams(address="127.0.0.1", port=port))).symptom == "ok"
    assert asyncio.run(look_tcp(TcpParams(address="127.0.0.1", port=port))).symptom == "refused"


def test_a_directory_is_counted_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"x" * 100)
    (tmp_path / "loop").symlink_to(tmp_path)
    look = look_directory(DirectoryParams(path=str(tmp_path), max_files=2))
    assert look.symptom == "ok"
    assert "in 2 files" in look.detail


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory deeper than Python's stack, removed step by step: pytest could not."""
    folders = [tmp_path / "d"]
    for _ in range(1100):
        folders.append(folders[-1] / "d")
    for folder in folders:
        folder.mkdir()
    yield tmp_path
    for folder in reversed(folders):
        folder.rmdir()


def test_a_directory_may_be_deep(deep: Path) -> None:
    (deep / "file").touch()
    look = look_directory(DirectoryParams(path=str(deep), max_files=2))
    assert (look.symptom, "in 1 files" in look.detail) == ("ok", True)


def test_a_directory_with_too_many_entries_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_looks, "MOST_ENTRIES", 5)
    for number in range(6):
        (tmp_path / str(number)).mkdir()
    look = look_directory(DirectoryParams(path=str(tmp_path), max_files=2))
    assert (look.symptom, look.detail) == ("slow", "Not counted within 5 s: 0 files so far.")


def test_a_look_that_breaks_is_the_trouble_of_its_own_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_params: LoadParams) -> Look:
        raise RuntimeError("out of the blue")

    monkeypatch.setattr(rounds, "look_load", breaks)
    tasks = [
        Task("broken", LoadParams(max_per_core=1)),
        Task("whole", DirectoryParams(path=str(tmp_path), max_files=2)),
    ]
    broken, whole = rounds.run_round(tasks, datetime.now(UTC))
    assert (broken.symptom, whole.symptom) == ("unreachable", "ok")
    assert broken.detail == "The look itself broke (RuntimeError); see the log."


@pytest.mark.parametrize("limits", [{"max_bytes": 99}, {"max_files": 0}])
def test_a_directory_over_its_threshold(tmp_path: Path, limits: dict[str, int]) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    params = DirectoryParams.model_validate({"path": str(tmp_path), **limits})
    assert look_directory(params).symptom == "over_threshold"


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    look = look_directory(DirectoryParams(path=str(tmp_path / "absent"), max_files=1))
    assert (look.symptom, look.detail[-42:]) == (
        "unreachable",
        "cannot be read: No such file or directory.",
    )


def test_this_hosts_filesystem_and_load(tmp_path: Path) -> None:
    full = look_filesystem(FilesystemParams(path=str(tmp_path), max_percent=0.0001))
    assert full.symptom == "over_threshold"
    assert look_load(LoadParams(max_per_core=1e6)).symptom == "ok"
