#!/usr/bin/python
"""Remove a lock file whose owner is provably gone; a lock that anybody might hold stays."""

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: stale_lock
short_description: Remove a lock file whose owner is gone
description:
  - Reads the pid in the file. Only where that process is gone, the file is old enough and nobody
    holds a lock of the kernel on it, the file is removed.
options:
  path:
    description: Absolute path of the lock file, no link among its parts.
    type: str
    required: true
  older_than_minutes:
    description: Age since its last change that the file must have.
    type: int
    required: true
author:
  - ethops
"""

RETURN = r"""
report:
  description: The pid that the file named, and whether the file was removed.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Remove the lock that a killed backup left behind
  stale_lock:
    path: /run/backup/backup.lock
    older_than_minutes: 60
"""


class RefusedError(Exception):
    """The lock is not one that may be removed."""


def open_parent(path):
    """Open the file's directory one component at a time, so that no link can lead elsewhere."""
    parts = path.split("/")[1:]
    if not path.startswith("/") or len(parts) < 3 or not all(parts) or {".", ".."} & set(parts):
        raise RefusedError(f"{path!r} is not an absolute path of at least three components")
    handle = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        try:
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        except OSError as fault:
            raise RefusedError(
                f"{path!r} cannot be entered at {part!r}: {fault.strerror}"
            ) from fault
        finally:
            os.close(handle)
        handle = following
    return handle, parts[-1]


def open_lock(folder, name):
    """Open the lock file, None where there is none; anything but one plain file is refused."""
    try:
        handle = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise RefusedError(f"{name!r} cannot be opened: {fault.strerror}") from fault
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RefusedError(f"{name!r} is not a plain file")
    return handle


def owner_of(handle):
    """Return the pid that stands in the file; one that names nobody is for a person."""
    word = os.pread(handle, 64, 0).split()[:1]
    text = word[0].decode("ascii", "replace") if word else ""
    if not text.isdecimal() or len(text) > 9 or int(text) < 2:
        raise RefusedError(f"the lock names no process: {text[:20]!r}")
    return int(text)


def is_alive(pid):
    """Tell whether the process is there; one that only waits to be reaped counts as gone."""
    try:
        found = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Path("/proc", str(pid)).exists()
    return found.rpartition(")")[2].split()[0] not in ("Z", "X")


def take(handle):
    """Take both kinds of the kernel's locks, so that nobody who holds one is robbed of it."""
    for kind in (fcntl.flock, fcntl.lockf):
        try:
            kind(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            raise RefusedError("somebody holds the lock") from fault


def remove(folder, name, handle):
    """Remove the very file that was looked at; another in its place stays."""
    now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    was = os.fstat(handle)
    if (now.st_ino, now.st_dev) != (was.st_ino, was.st_dev):
        raise RefusedError("the lock was made anew in this moment")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "older_than_minutes": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    minutes = module.params["older_than_minutes"]
    if minutes < 1:
        module.fail_json(msg="older_than_minutes must be at least 1")
    report = {"pid": 0, "removed": 0, "check": module.check_mode}
    try:
        folder, name = open_parent(module.params["path"])
        handle = open_lock(folder, name)
        if handle is None:
            module.exit_json(changed=False, report=report)
        report["pid"] = owner_of(handle)
        if is_alive(report["pid"]):
            raise RefusedError(f"pid {report['pid']} is alive: it holds the lock")
        if os.fstat(handle).st_mtime > time.time() - 60 * minutes:
            raise RefusedError(f"the lock is younger than {minutes} minutes")
        take(handle)
        if not module.check_mode:
            remove(folder, name, handle)
            report["removed"] = 1
    except (RefusedError, OSError) as fault:
        module.fail_json(msg=str(fault), report=report)
    module.exit_json(changed=True, report=report)


if __name__ == "__main__":
    main()
