"""Files that survive a crash once they are written: of keys, and of what was signed."""

import os
from pathlib import Path


def write(path: Path, text: str, how: int = os.O_EXCL) -> None:
    """Write a file that only its owner may read; on disk before this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def flush_names(folder: Path) -> None:
    """Let what was made, replaced or removed in a folder be on disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
