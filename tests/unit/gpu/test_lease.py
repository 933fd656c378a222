"""Who holds a card says so in a way that tells a dead holder from a living one."""

import os
import subprocess
import sys

import pytest

from gpu import living


def test_we_are_alive() -> None:
    assert not living.is_dead(living.identity())


def test_who_has_ended_is_dead() -> None:
    code = "from gpu import living; print(living.identity())"
    setup = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings';"
    done = subprocess.run(
        [sys.executable, "-c", f"{setup} django.setup(); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert living.is_dead(done.stdout.strip())


def test_a_pid_that_came_again_is_somebody_else() -> None:
    host, pid, began = living.identity().rsplit(":", 2)
    assert int(pid) == os.getpid()
    assert living.is_dead(f"{host}:{pid}:{int(began) - 100}")


@pytest.mark.parametrize("name", ["elsewhere:1:2", "", "nonsense", "elsewhere:x:y"])
def test_of_others_nothing_is_known(name: str) -> None:
    assert not living.is_dead(name)
