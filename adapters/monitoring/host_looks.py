"""One look at this host: a directory, a filesystem, the load."""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Final

from adapters.monitoring.declared import DirectoryParams, FilesystemParams, LoadParams
from adapters.monitoring.looks import Look

MOST_ENTRIES: Final = 1_000_000
"""Files and directories of one look; beyond them it is given up, as it is beyond its time."""


def look_directory(params: DirectoryParams) -> Look:
    """Count files and bytes below a directory, within its own deadline."""
    deadline = time.monotonic() + params.timeout_s
    files = size = 0
    try:
        for seen, entry in enumerate(_walk(params.path)):
            if time.monotonic() > deadline or seen >= MOST_ENTRIES:
                late = f"Not counted within {params.timeout_s:g} s: {files} files so far."
                return Look("slow", None, "bytes", late)
            if (held := _file_size(entry)) is not None:
                files += 1
                size += held
    except OSError as error:
        return _unreadable(params.path, error, "bytes")
    said = f"{params.path} holds {size} bytes in {files} files"
    over = [
        f"{limit} {unit}"
        for held, limit, unit in (
            (size, params.max_bytes, "bytes"),
            (files, params.max_files, "files"),
        )
        if limit is not None and held > limit
    ]
    if over:
        return Look("over_threshold", size, "bytes", f"{said}, over {' and '.join(over)}.")
    return Look("ok", size, "bytes", f"{said}.")


def look_filesystem(params: FilesystemParams) -> Look:
    """Compare a filesystem's used share with its limit."""
    try:
        usage = shutil.disk_usage(params.path)
    except OSError as error:
        return _unreadable(params.path, error, "percent")
    percent = 100 * usage.used / max(usage.used + usage.free, 1)
    seen = f"The filesystem of {params.path} is {percent:.1f} % full"
    if percent > params.max_percent:
        return Look("over_threshold", percent, "percent", f"{seen}, over {params.max_percent:g} %.")
    return Look("ok", percent, "percent", f"{seen}.")


def look_load(params: LoadParams) -> Look:
    """Compare the one-minute load per core with its limit."""
    cores = os.cpu_count() or 1
    per_core = os.getloadavg()[0] / cores
    seen = f"The load is {per_core:.2f} per core on {cores} cores"
    if per_core > params.max_per_core:
        return Look("over_threshold", per_core, "load", f"{seen}, over {params.max_per_core:g}.")
    return Look("ok", per_core, "load", f"{seen}.")


def _walk(path: str) -> Iterator[os.DirEntry[str]]:
    """Yield every entry below a path, however deep; a directory that vanishes is skipped."""
    ahead = [path]
    while ahead:
        folder = ahead.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(entry.path)
                    yield entry
        except FileNotFoundError:
            if folder == path:
                raise


def _file_size(entry: os.DirEntry[str]) -> int | None:
    """Return a file's bytes, None for a directory and for what has vanished."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return None
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def _unreadable(path: str, error: OSError, unit: str) -> Look:
    return Look("unreachable", None, unit, f"{path} cannot be read: {error.strerror}.")
