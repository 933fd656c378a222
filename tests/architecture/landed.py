"""What landed stays: the digest of every migration and of the SQL that migrations read.

`.venv/bin/python -m tests.architecture.landed` adds what is new to the list and never
rewrites a line of it: where a line is wrong, the file is. The list is as `sha256sum -c` reads it.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from ethops.env import CLONE

ROOMS = ("ethops", "personas", "gpu", "adapters", "audit")
LIST = Path(__file__).with_name("landed.sha256")
COMMAND = ".venv/bin/python -m tests.architecture.landed"
STAYS = (
    "what was landed stays, for a site that has it would never run it again: "
    "bring it back and write a new migration with new SQL "
    f"(had it never landed, take its line out of {LIST.name} by hand and run `{COMMAND}`)"
)


def digests(root: Path) -> dict[str, str]:
    """Return the digest of every file that a migration is made of, by its path.

    Plain bytes: a comment counts too, since nobody needs to mend one there.
    """
    files = [path for room in ROOMS for path in (root / room).rglob("*.sql")]
    files += [
        path
        for room in ROOMS
        for path in (root / room).rglob("migrations/*.py")
        if path.name != "__init__.py"
    ]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def read(text: str) -> dict[str, str]:
    """Return what the list says, and refuse a list that says it twice or not as it should."""
    rows = [line.split("  ", 1) for line in text.splitlines()]
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or len(row[0]) != 64:
            message = f"{LIST.name}:{number} is no digest and path: take the line out"
            raise ValueError(message)
    twice = [path for path, times in Counter(path for _, path in rows).items() if times > 1]
    if twice:
        message = f"{LIST.name} has two lines of {', '.join(twice)}: keep the one that landed"
        raise ValueError(message)
    return {path: digest for digest, path in rows}


def broken(found: Mapping[str, str], landed: Mapping[str, str]) -> Iterator[str]:
    """Yield what is no longer as it landed, each with its mend."""
    for path, digest in landed.items():
        if path not in found:
            yield f"{path} is gone: {STAYS}"
        elif found[path] != digest:
            yield f"{path} was changed: {STAYS}"
    whole = _whole_folders(landed)
    for path in found.keys() - landed.keys():
        if str(Path(path).parent) in whole:
            yield f"{path} would change the migration that reads its folder: {STAYS}"


def new(found: Mapping[str, str], landed: Mapping[str, str]) -> dict[str, str]:
    """Return what is not in the list and may be added to it."""
    whole = _whole_folders(landed)
    return {
        path: digest
        for path, digest in found.items()
        if path not in landed and str(Path(path).parent) not in whole
    }


def written(landed: Mapping[str, str]) -> str:
    """Return the list as it is written: by path, so that two additions seldom meet in a merge."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(landed.items()))


def _whole_folders(landed: Mapping[str, str]) -> set[str]:
    """Return the folders of SQL that a landed migration reads whole."""
    folders = {Path(path).parent for path in landed if path.endswith(".sql")}
    return {str(folder) for folder in folders if folder.name != "sql"}


def main(root: Path = CLONE, list_file: Path = LIST) -> int:
    """Add what is new to the list, and say what is no longer as it landed."""
    found, landed = digests(root), read(list_file.read_text(encoding="utf-8"))
    added = new(found, landed)
    list_file.write_text(written(landed | added), encoding="utf-8")
    for path in added:
        sys.stdout.write(f"added {path}\n")
    wrong = list(broken(found, landed))
    for line in wrong:
        sys.stderr.write(f"no    {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
