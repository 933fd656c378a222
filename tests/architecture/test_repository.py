"""The repository as a whole: a lock that names everything, and nothing of one machine in it."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from ethops.env import CLONE

OF_ONE_MACHINE = re.compile(r"(?<![\w.])/work/|/root/\.(?!ssh)\w")
REGISTRY = re.compile(r"--(?:extra-)?index-url|--find-links|files\.pythonhosted|registry\.npmjs")
THIS = Path(__file__).resolve()


def tracked() -> list[Path]:
    listed = subprocess.run(
        [
            shutil.which("git") or "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=CLONE,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a clone: there is no list of files")
    names = listed.stdout.decode().split("\0")
    paths = [CLONE / name for name in names if name]
    return [path for path in paths if path.is_file() and path != THIS]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if pattern.search(text):
            found += [
                f"{path.relative_to(CLONE)}:{number}"
                for number, line in enumerate(text.splitlines(), 1)
                if pattern.search(line)
            ]
    return found


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_that_match(OF_ONE_MACHINE) == []


def test_no_file_names_where_packages_come_from() -> None:
    assert lines_that_match(REGISTRY) == []


def plain(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_names_every_requirement_with_its_hashes() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["servers"],
        *project["dependency-groups"]["dev"],
    ]
    lock = (CLONE / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9-]+)==[^\n]+?\\\n\s+--hash=sha256:", lock, re.MULTILINE)
    assert {plain(requirement) for requirement in wanted} - set(entries) == set()
    assert len(entries) == len(re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE))


def test_the_wheel_holds_every_room() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    rooms = {path.parent.name for path in CLONE.glob("*/__init__.py")} - {"tests"}
    assert set(packed) == rooms | {"playbooks"}
