"""Folders of a stack, and the lock on its state."""

import os
from pathlib import Path

import pytest

from ethops.stack import places
from ethops.stack.errors import StateLockedError


def test_one_supervisor_per_state_folder(tmp_path: Path) -> None:
    with (
        places.locked(tmp_path),
        pytest.raises(StateLockedError) as refused,
        places.locked(tmp_path),
    ):
        pass
    assert "manage.py down" in refused.value.hint


def test_a_released_folder_may_be_taken_again(tmp_path: Path) -> None:
    with places.locked(tmp_path):
        assert places.is_locked(tmp_path)
    assert not places.is_locked(tmp_path)


def test_a_folder_that_nobody_used_is_not_locked(tmp_path: Path) -> None:
    assert not places.is_locked(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its servers to another user")
def test_root_hands_the_servers_to_nobody_outside_the_clone(tmp_path: Path) -> None:
    where = places.places(tmp_path, "0123456789ab")
    assert where.account is not None
    assert where.account.uid != 0
    assert where.servers.is_relative_to(places.SYSTEM_FOLDER)


@pytest.mark.skipif(os.geteuid() == 0, reason="root's servers live elsewhere")
def test_a_user_keeps_the_servers_in_the_state_folder(tmp_path: Path) -> None:
    assert places.places(tmp_path, "0123456789ab").servers == tmp_path / "servers"


def test_a_socket_never_has_a_path_too_long_to_bind(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    path = places.places(deep, "0123456789ab").sockets / ".s.PGSQL.65535.lock"
    assert len(os.fsencode(path)) < 108
