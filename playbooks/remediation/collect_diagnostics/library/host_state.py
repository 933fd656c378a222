#!/usr/bin/python
"""Read load, memory, disks and process states of a host; start no command, write nothing."""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: host_state
short_description: Read how a host and one of its processes are
description:
  - Reads the kernel's own files; starts no command and changes nothing.
options:
  pidfile:
    description: File with the pid of the process to look at.
    type: str
  path:
    description: A path whose file system is shown besides the root's.
    type: str
author:
  - ethops
"""

RETURN = r"""
report:
  description: Plain lines about load, memory, disks and processes.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Read how the host is
  host_state:
    pidfile: /run/web/web.pid
"""

MIB = 1024 * 1024
STATES = {"R": "running", "S": "sleeping", "D": "waits for a device", "T": "stopped", "Z": "zombie"}


def load():
    """Return the load and the number of cores in one line."""
    words = Path("/proc/loadavg").read_text(encoding="ascii").split()
    return f"{' '.join(words[:3])} on {os.cpu_count()} cores, {words[3]} tasks run"


def memory():
    """Return free and total memory and swap in one line."""
    kib = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        kib[name] = int(rest.split()[0])
    free, total = kib["MemAvailable"] // 1024, kib["MemTotal"] // 1024
    swap = (kib.get("SwapTotal", 0) - kib.get("SwapFree", 0)) // 1024
    return f"{free} of {total} MiB available, {swap} MiB swapped"


def disk(path):
    """Return how full the file system of a path is."""
    found = os.statvfs(path)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    inodes = f"{found.f_favail} inodes free" if found.f_files else "no inode limit"
    return f"{path}: {free // MIB} of {total // MIB} MiB free, {inodes}"


def process(pid):
    """Return one line about a process: name, state, memory, threads."""
    fields = {}
    for line in Path("/proc", str(pid), "status").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        fields[name] = rest.strip()
    letter = fields["State"][:1]
    rss = int(fields.get("VmRSS", "0 kB").split()[0]) // 1024
    state = STATES.get(letter, letter)
    return f"{pid} {fields['Name']}: {state}, {rss} MiB, {fields.get('Threads', '1')} threads"


def unwell():
    """Return up to ten lines about processes that are stopped, dead or wait for a device."""
    lines = []
    for entry in sorted(Path("/proc").iterdir()):
        if not entry.name.isdecimal():
            continue
        try:
            text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            if text.rpartition(")")[2].split()[0] in "DTZ":
                lines.append(process(entry.name))
        except OSError:
            continue
    return lines[:10]


def declared(pidfile):
    """Return the line of the process that the pidfile names."""
    try:
        word = Path(pidfile).read_text(encoding="ascii").split()[0]
        return process(int(word))
    except (OSError, ValueError, IndexError) as fault:
        return f"no live process in {pidfile} ({type(fault).__name__})"


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"pidfile": {"type": "str"}, "path": {"type": "str"}},
        supports_check_mode=True,
    )
    pidfile, path = module.params["pidfile"], module.params["path"]
    report = {"load": load(), "memory": memory(), "unwell": unwell(), "check": module.check_mode}
    try:
        report["disks"] = [disk(place) for place in dict.fromkeys(["/", path or "/"])]
    except OSError as fault:
        report["disks"] = [f"{path}: {fault.strerror}"]
    if pidfile:
        report["process"] = declared(pidfile)
    module.exit_json(changed=False, report=report)


if __name__ == "__main__":
    main()
