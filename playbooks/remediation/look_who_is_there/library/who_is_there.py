#!/usr/bin/python
"""Read who is logged in and which declared jobs run on a host; start no command, write nothing."""

import struct
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: who_is_there
short_description: Read who is logged in and which declared jobs run
description:
  - Reads the kernel's and the login records' own files; starts no command and changes nothing.
options:
  processes:
    description: Plain texts with a bar between them; a command line that holds one is a job.
    type: str
  units:
    description: Names of units of systemd with a bar between them, whose processes are jobs.
    type: str
author:
  - ethops
"""

RETURN = r"""
report:
  description: Names of people, and each job by the text that found it.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Read who is there
  who_is_there:
    processes: train.py|jupyter-lab
    units: slurmd.service
"""

RECORD = struct.Struct("<h2xi32s4s32s256shhiii4i20s")
USER_PROCESS = 7
MOST = 12


def logged_in(path="/var/run/utmp"):
    """Return the names in the login records whose process is alive."""
    try:
        raw = Path(path).read_bytes()
    except OSError:
        return []
    names = set()
    for start in range(0, len(raw) - RECORD.size + 1, RECORD.size):
        kind, pid, _, _, user, *_ = RECORD.unpack_from(raw, start)
        name = user.rstrip(b"\0").decode("utf-8", "replace")
        if kind == USER_PROCESS and name and Path("/proc", str(pid)).exists():
            names.add(name)
    return sorted(names)


def sessions(folder="/run/systemd/sessions"):
    """Return the names of those whose session logind knows, greeters and services left out."""
    names = set()
    for path in sorted(Path(folder).glob("*")):
        fields = {}
        try:
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                key, _, value = line.partition("=")
                fields[key] = value
        except OSError:
            continue
        if fields.get("CLASS", "user") == "user" and fields.get("USER"):
            names.add(fields["USER"])
    return sorted(names)


def texts(declared):
    """Return the texts between the bars."""
    return [one for one in (declared or "").split("|") if len(one) > 2]


def jobs(processes, units, proc="/proc"):
    """Return which of the declared texts a process's command line or control group holds."""
    found = set()
    for entry in Path(proc).iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            group = (entry / "cgroup").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # This look itself carries the texts in its arguments.
        if "who_is_there" in line or "ansible" in line:
            continue
        found |= {f"process {one}" for one in texts(processes) if one in line}
        found |= {f"unit {one}" for one in texts(units) if f"/{one}" in group}
    return sorted(found)


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"processes": {"type": "str"}, "units": {"type": "str"}},
        supports_check_mode=True,
    )
    people = sorted({*logged_in(), *sessions()})
    running = jobs(module.params["processes"], module.params["units"])
    report = {"people": people[:MOST], "jobs": running[:MOST], "check": module.check_mode}
    module.exit_json(changed=False, report=report)


if __name__ == "__main__":
    main()
