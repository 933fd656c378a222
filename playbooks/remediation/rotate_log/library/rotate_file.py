#!/usr/bin/python
"""Put a log that has grown too large aside, compressed, and empty it; never through a link."""

import gzip
import os
import re
import shutil
import stat
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: rotate_file
short_description: Put a large log aside and empty it
description:
  - Copies a log that is larger than given into a compressed file beside it, empties the log in
    place so that who writes it goes on, and keeps as many compressed ones as given.
options:
  path:
    description: Absolute path of the log, no link among its parts.
    type: str
    required: true
  over_mb:
    description: Nothing is done to a log that is not larger.
    type: int
    required: true
  keep:
    description: How many compressed ones stay; the oldest go first.
    type: int
    required: true
author:
  - ethops
"""

RETURN = r"""
report:
  description: Size before and after, the name of the compressed file, how many old ones went.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Rotate the log of the application
  rotate_file:
    path: /var/log/app/app.log
    over_mb: 512
    keep: 7
"""

MB = 1024 * 1024


class RefusedError(Exception):
    """The log is not one that may be rotated."""


def open_parent(path):
    """Open the log's directory one component at a time, so that no link can lead elsewhere."""
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


def open_log(folder, name):
    """Open the log for reading and writing; anything but one plain file is refused."""
    try:
        handle = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as fault:
        raise RefusedError(f"{name!r} cannot be opened: {fault.strerror}") from fault
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        raise RefusedError(f"{name!r} is not one plain file")
    return handle


def check_room(handle, size):
    """Refuse where the copy might not find room: a log on a full disk is for a person."""
    found = os.fstatvfs(handle)
    if found.f_bavail * found.f_frsize < size // 4 + MB:
        raise RefusedError(f"there is no room beside the log to put {size} bytes aside")


def put_aside(folder, name, handle):
    """Compress the log into a new file beside it; return that file's name and the bytes copied."""
    found = os.fstat(handle)
    aside = f"{name}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.gz"
    target = os.open(
        aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder
    )
    try:
        with os.fdopen(os.dup(handle), "rb") as source, os.fdopen(os.dup(target), "wb") as sink:
            source.seek(0)
            with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=3, filename="") as packed:
                shutil.copyfileobj(source, packed, MB)
            copied = source.tell()
        os.fsync(target)
        os.fchmod(target, stat.S_IMODE(found.st_mode))
        if os.geteuid() == 0:
            os.fchown(target, found.st_uid, found.st_gid)
    except OSError:
        os.unlink(aside, dir_fd=folder)
        raise
    finally:
        os.close(target)
    return aside, copied


def empty(handle, copied):
    """Empty the log; what was written while it was copied stays at its head."""
    late = os.pread(handle, MB, copied)
    os.ftruncate(handle, 0)
    if late:
        os.pwrite(handle, late, 0)
    return len(late)


def forget_oldest(folder, name, keep):
    """Remove the oldest compressed files of this log beyond the number; return how many."""
    ours = re.compile(re.escape(name) + r"\.[0-9]{8}T[0-9]{6}Z\.gz")
    with os.scandir(folder) as entries:
        old = [e.name for e in entries if ours.fullmatch(e.name) and not e.is_symlink()]
    gone = sorted(old)[:-keep]
    for one in gone:
        os.unlink(one, dir_fd=folder)
    return len(gone)


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "over_mb": {"type": "int", "required": True},
            "keep": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    over, keep = module.params["over_mb"], module.params["keep"]
    if over < 1 or keep < 1:
        module.fail_json(msg="over_mb and keep must be at least 1")
    report = {"before": 0, "after": 0, "aside": "", "removed": 0, "check": module.check_mode}
    try:
        folder, name = open_parent(module.params["path"])
        handle = open_log(folder, name)
        report["before"] = report["after"] = os.fstat(handle).st_size
        large = report["before"] > over * MB
        if large and not module.check_mode:
            check_room(handle, report["before"])
            report["aside"], copied = put_aside(folder, name, handle)
            report["after"] = empty(handle, copied)
            report["removed"] = forget_oldest(folder, name, keep)
    except (RefusedError, OSError) as fault:
        module.fail_json(msg=str(fault), report=report)
    module.exit_json(changed=large, report=report)


if __name__ == "__main__":
    main()
