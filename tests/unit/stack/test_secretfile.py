"""Secrets: made once, private, and refused when damaged."""

import json
import stat
from pathlib import Path

import pytest

from ethops.secretfile import SecretFileError, make_secrets, read_secrets, write_private


def test_before_the_first_start_there_are_none(tmp_path: Path) -> None:
    assert read_secrets(tmp_path) is None


def test_they_are_made_once(tmp_path: Path) -> None:
    assert make_secrets(tmp_path) == make_secrets(tmp_path) == read_secrets(tmp_path)


def test_no_two_secrets_are_alike(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    each = [*made.role_passwords.values(), made.redis_password, made.admin_password]
    assert len(set(each)) == len(each)


def test_only_their_owner_may_read_them(tmp_path: Path) -> None:
    make_secrets(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "secrets.json").stat().st_mode) == 0o600


def test_a_file_that_lacks_a_role_is_refused(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    path = tmp_path / "secrets.json"
    found = json.loads(path.read_text())
    del found["role_passwords"]["ethops_agent"]
    path.write_text(json.dumps(found))
    with pytest.raises(SecretFileError, match="ethops_agent"):
        read_secrets(tmp_path)


def test_a_role_that_came_later_gets_its_secret_with_the_next_start(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    path = tmp_path / "secrets.json"
    found = json.loads(path.read_text())
    del found["role_passwords"]["ethops_witness"]
    path.write_text(json.dumps(found))
    added = make_secrets(tmp_path)
    assert added.role_passwords["ethops_witness"]
    assert {**added.role_passwords, "ethops_witness": ""} == {
        **made.role_passwords, "ethops_witness": "",
    }  # fmt: skip
    assert read_secrets(tmp_path) == added


def test_a_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
