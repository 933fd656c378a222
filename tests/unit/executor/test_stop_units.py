"""The stop's systemd target: systemd takes it, and its one command lays down the file."""

import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ethops.executor.stop import StopFile
from ethops.executor.stop_units import SERVICE_UNIT, TARGET_UNIT, units


def command(file: Path) -> list[str]:
    """The unit's command as systemd would run it."""
    (line,) = (
        line for line in units(file)[SERVICE_UNIT].splitlines() if line.startswith("ExecStart=")
    )
    plain = line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$")
    return shlex.split(plain)


ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
def test_systemd_finds_no_fault(tmp_path):
    for name, text in units(tmp_path / "STOP").items():
        (tmp_path / name).write_text(text)
    found = subprocess.run(
        [str(ANALYZE), "verify", str(tmp_path / TARGET_UNIT), str(tmp_path / SERVICE_UNIT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in found.stderr.splitlines() if "ethops" in line]
    assert (found.returncode, ours) == (0, [])


@pytest.mark.parametrize("folder", ["state", "a state", "100% mine", "it's $HOME"])
def test_its_command_lays_down_the_file(tmp_path, folder):
    file = tmp_path / folder / "STOP"
    file.parent.mkdir()
    subprocess.run(command(file), check=True)
    assert file.read_text().startswith("systemd target")


def test_what_it_lays_down_is_known_as_the_target_s(tmp_path):
    file = tmp_path / "STOP"
    subprocess.run(command(file), check=True)
    stat = file.stat()
    found = StopFile(file.read_text(), datetime.fromtimestamp(stat.st_ctime, UTC))
    assert found.via == "target"
