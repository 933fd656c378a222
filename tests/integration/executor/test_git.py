"""What git may do to this host on the embedded forge's behalf."""

import os
import resource

import pytest

from ethops.executor import git

MEGABYTE = 1024 * 1024


@pytest.fixture
def bare(tmp_path):
    """Git on an empty bare repository."""
    made = git.BareGit(tmp_path / "bare")
    assert made("init", "--quiet", "--bare").code == 0
    return made


def test_git_writes_no_file_that_is_too_large(bare, monkeypatch):
    monkeypatch.setattr(git, "MOST_WRITTEN", MEGABYTE)
    said = bare("hash-object", "-w", "--stdin", stdin=os.urandom(4 * MEGABYTE))
    assert said.code != 0


def test_git_writes_what_is_small_enough(bare):
    assert bare("hash-object", "-w", "--stdin", stdin=os.urandom(4 * MEGABYTE)).code == 0


def test_what_we_ourselves_may_write_is_never_touched(bare, monkeypatch):
    asked = []
    monkeypatch.setattr(resource, "setrlimit", lambda *said: asked.append(said))
    bare("version")
    assert asked == []
