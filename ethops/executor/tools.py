"""The programs that commands may be of: what the site declares, and nothing else."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters import site
from adapters.tools import DeclaredTool
from ethops.executor import conf
from ethops.executor.errors import ToolRefusedError

LONGEST_SECRET: Final = 8192
PATH: Final = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that may be started now, and all that it is given of our environment."""

    path: Path
    environment: dict[str, str]
    secrets: dict[str, str]


def tool(name: str) -> Tool:
    """Return a declared program, looked at on the disk.

    Raises:
        ToolRefusedError: it is not declared, not there, or others could have written it.
    """
    declared = _declared().get(name)
    if declared is None:
        raise ToolRefusedError(f"the site declares no tool {name}")
    path = Path(declared.path)
    _look_at(path)
    secrets = {variable: _secret(name, Path(file)) for variable, file in declared.secrets.items()}
    return Tool(path, dict(declared.environment), secrets)


def _declared() -> dict[str, DeclaredTool]:
    file = conf.executor().site
    found = site.read(file) if file is not None and file.exists() else None
    if found is None or found.value is None:
        return {}
    return {each.name: each for each in found.value.tools}


def _look_at(path: Path) -> None:
    try:
        seen = path.stat()
    except OSError as fault:
        raise ToolRefusedError(f"{path}: {fault.strerror}") from fault
    if not stat.S_ISREG(seen.st_mode) or not os.access(path, os.X_OK):
        raise ToolRefusedError(f"{path} is no program that can be started")
    if seen.st_mode & 0o022:
        raise ToolRefusedError(f"{path} can be written by others than its owner")


def _secret(name: str, file: Path) -> str:
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as fault:
        raise ToolRefusedError(f"a secret of {name} cannot be read: {file.name}") from fault
    if not value or len(value) > LONGEST_SECRET or "\0" in value:
        raise ToolRefusedError(f"a secret of {name} is empty or too long: {file.name}")
    return value
