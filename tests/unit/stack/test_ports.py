"""Ports: who holds one, and how to get round him."""

import os
import socket
from collections.abc import Iterator

import pytest

from ethops.stack import ports
from ethops.stack.errors import PortTakenError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_the_holder_of_a_port_is_named_with_his_pid(taken: int) -> None:
    with pytest.raises(PortTakenError) as refused:
        ports.require_free("postgres", taken)
    assert f"port {taken} is taken by" in str(refused.value)
    assert f"pid {os.getpid()} (user " in str(refused.value)


def test_the_mend_names_a_port_that_is_free(taken: int) -> None:
    with pytest.raises(PortTakenError) as refused:
        ports.require_free("web", taken)
    other = int(refused.value.hint.partition("ETHOPS_WEB_PORT=")[2].split()[0])
    assert ports.is_free(other)


def test_a_free_port_is_let_pass() -> None:
    ports.require_free("web", ports.free_ports().web)


def test_four_free_ports_are_four_ports() -> None:
    found = ports.free_ports()
    assert len({found.web, found.flower, found.postgres, found.redis}) == 4


def test_a_free_port_is_its_servers_and_given_to_nobody_else() -> None:
    port = ports.free_ports().web
    for _ in range(2):  # as one that is started again
        assert ports.is_free(port)
        with socket.create_server((ports.LOOPBACK, port)):
            assert not ports.is_free(port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((ports.LOOPBACK, port))


def test_of_many_free_ports_only_the_last_are_held() -> None:
    first = ports.free_ports().web
    for _ in range(ports.MOST_HELD // 4):
        ports.free_ports()
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, first))
