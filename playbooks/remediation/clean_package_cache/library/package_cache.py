#!/usr/bin/python
"""Tell how much a package manager keeps, and whether it is at work just now; changes nothing."""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: package_cache
short_description: Look at a package manager's cache
description:
  - Counts the packages in the cache and looks whether a process holds one of the manager's locks.
options:
  manager:
    description: Which one.
    type: str
    required: true
    choices: [apt, dnf]
author:
  - ethops
"""

RETURN = r"""
report:
  description: Packages and bytes in the cache, and the pid of who is at work, 0 where nobody is.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Look at the cache of apt
  package_cache:
    manager: apt
"""

CACHES = {
    "apt": ("/var/cache/apt/archives",),
    "dnf": ("/var/cache/dnf", "/var/cache/libdnf5"),
}
LOCKS = {
    "apt": (
        "/var/lib/dpkg/lock-frontend",
        "/var/lib/dpkg/lock",
        "/var/cache/apt/archives/lock",
        "/var/lib/apt/lists/lock",
    ),
    "dnf": ("/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"),
}
PACKAGES = (".deb", ".rpm")


def size(folders):
    """Return (packages, bytes) below the folders."""
    count, total = 0, 0
    for top in folders:
        for folder, _, files in os.walk(top):
            for name in files:
                if name.endswith(PACKAGES):
                    count += 1
                    total += Path(folder, name).lstat().st_size
    return count, total


def holder(paths, table="/proc/locks"):
    """Return the pid that holds a lock of the kernel on one of these files, 0 where nobody does."""
    wanted = set()
    for path in paths:
        try:
            found = Path(path).stat()
        except OSError:
            continue
        device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
        wanted.add(f"{device}:{found.st_ino}")
    for line in Path(table).read_text(encoding="ascii", errors="replace").splitlines():
        words = line.split()
        if len(words) > 5 and words[5] in wanted:
            return max(int(words[4]), 1)
    return 0


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"manager": {"type": "str", "required": True, "choices": sorted(CACHES)}},
        supports_check_mode=True,
    )
    manager = module.params["manager"]
    count, total = size(CACHES[manager])
    report = {"packages": count, "bytes": total, "at_work": holder(LOCKS[manager])}
    module.exit_json(changed=False, report={**report, "check": module.check_mode})


if __name__ == "__main__":
    main()
