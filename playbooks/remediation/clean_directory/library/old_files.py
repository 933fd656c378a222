#!/usr/bin/python
"""Remove old regular files of one directory; never another directory, never through a link."""

import fnmatch
import os
import stat
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: old_files
short_description: Remove old files from one directory by rule
description:
  - Removes regular files that lie directly in the directory, match the pattern and were last
    changed longer ago than given. Sub-directories, links and other kinds of file stay.
options:
  path:
    description: Absolute path of at least two components, no link among them.
    type: str
    required: true
  pattern:
    description: Which names; one of the patterns in the choices.
    type: str
    required: true
    choices: ["*.log", "*.log.*", "*.tmp", "*.bak", "*.old", "*.gz", "core.*"]
  older_than_minutes:
    description: Age since the last change of content that a file must have.
    type: int
    required: true
author:
  - ethops
"""

RETURN = r"""
report:
  description: How many files and bytes were removed, how many files stay.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Remove the logs of the day before yesterday
  old_files:
    path: /var/spool/app
    pattern: "*.log"
    older_than_minutes: 2880
"""

PATTERNS = ("*.log", "*.log.*", "*.tmp", "*.bak", "*.old", "*.gz", "core.*")


class RefusedError(Exception):
    """The path is not one that may be cleaned."""


def open_directory(path):
    """Open the directory one component at a time, so that no link can lead elsewhere."""
    parts = path.split("/")[1:]
    if not path.startswith("/") or len(parts) < 2 or not all(parts) or {".", ".."} & set(parts):
        raise RefusedError(f"{path!r} is not an absolute path of at least two components")
    handle = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    for part in parts:
        try:
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        except OSError as fault:
            raise RefusedError(
                f"{path!r} cannot be entered at {part!r}: {fault.strerror}"
            ) from fault
        finally:
            os.close(handle)
        handle = following
    return handle


def sort_files(handle, pattern, before):
    """Return (names and sizes to remove, number of other entries)."""
    chosen, others = [], 0
    with os.scandir(handle) as entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            old = found.st_mtime < before
            if old and stat.S_ISREG(found.st_mode) and fnmatch.fnmatchcase(entry.name, pattern):
                chosen.append((entry.name, found.st_size))
            else:
                others += 1
    return sorted(chosen), others


def remove(handle, chosen):
    """Remove the files by name within the opened directory; return (count, bytes) removed."""
    files, size = 0, 0
    for name, length in chosen:
        try:
            os.unlink(name, dir_fd=handle)
        except FileNotFoundError:
            continue
        files, size = files + 1, size + length
    return files, size


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "pattern": {"type": "str", "required": True, "choices": list(PATTERNS)},
            "older_than_minutes": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    minutes = module.params["older_than_minutes"]
    if minutes < 1:
        module.fail_json(msg="older_than_minutes must be at least 1")
    try:
        handle = open_directory(module.params["path"])
        chosen, others = sort_files(handle, module.params["pattern"], time.time() - 60 * minutes)
        if module.check_mode:
            files, size = len(chosen), sum(length for _, length in chosen)
        else:
            files, size = remove(handle, chosen)
    except (RefusedError, OSError) as fault:
        module.fail_json(msg=str(fault))
    report = {"files": files, "bytes": size, "left": others, "check": module.check_mode}
    module.exit_json(changed=files > 0, report=report)


if __name__ == "__main__":
    main()
