#!/usr/bin/python
"""End a supervised process so that its keeper starts it afresh, and wait until it did."""

import contextlib
import os
import signal
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: supervised_process
short_description: Restart a process by way of the keeper that watches it
description:
  - Reads the pid from the pidfile, makes sure that this pid is the expected command, sends TERM,
    then KILL after the grace, and waits for the keeper to write a new live pid.
options:
  pidfile:
    description: Absolute path of the file in which the keeper writes the pid.
    type: str
    required: true
  command:
    description: Text that the command line of the process must contain.
    type: str
    required: true
  grace_s:
    description: Seconds between TERM and KILL.
    type: int
    default: 3
  wait_s:
    description: Seconds that the keeper has to start the process again.
    type: int
    default: 20
author:
  - ethops
"""

RETURN = r"""
report:
  description: Old and new pid, and the signal that ended the old process.
  returned: always
  type: dict
"""

EXAMPLES = r"""
- name: Restart the supervised process
  supervised_process:
    pidfile: /run/web/web.pid
    command: web --port 8080
"""

TICK_S = 0.05


class RefusedError(Exception):
    """The process is not what it should be, or did not come back."""


def read_pid(pidfile):
    """Return the pid in the file, None where there is none yet."""
    try:
        word = Path(pidfile).read_text(encoding="ascii").split()[0]
    except (OSError, ValueError, IndexError):
        return None
    return int(word) if word.isdecimal() and len(word) < 10 else None


def command_line(pid):
    """Return the words of the process's command line joined by blanks, "" where it is gone."""
    try:
        raw = Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()


def hold(pid, command):
    """Return a handle on the process that no reuse of its pid can turn, None where it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    line = command_line(pid)
    if not line:
        os.close(handle)
        return None
    if command not in line:
        os.close(handle)
        raise RefusedError(f"pid {pid} runs `{line[:120]}`, not the declared command: left alone")
    return handle


def wait_until(condition, seconds):
    """Wait for the condition; return its first true value, or None after the time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value or None
        time.sleep(TICK_S)


def has_ended(pid):
    """Tell whether the process is gone, or only waits to be reaped by its keeper."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


def end(pid, handle, grace_s):
    """End the process; return the name of the signal that it took."""
    # CONT after TERM, as systemd does: a frozen process cannot take TERM before it wakes, and
    # TERM is what it meets first.
    for number in (signal.SIGTERM, signal.SIGCONT):
        send(handle, number)
    if wait_until(lambda: has_ended(pid), grace_s):
        return "TERM"
    send(handle, signal.SIGKILL)
    if wait_until(lambda: has_ended(pid), 5):
        return "KILL"
    raise RefusedError(f"pid {pid} survived KILL for 5 s: it hangs in the kernel")


def send(handle, number):
    """Send a signal; a process that is already gone is as good."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)


def successor(pidfile, command, old):
    """Return the pid of the live process in the old one's place, None while there is none."""
    pid = read_pid(pidfile)
    if pid is None or pid == old or has_ended(pid) or command not in command_line(pid):
        return None
    return pid


def main():
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "pidfile": {"type": "str", "required": True},
            "command": {"type": "str", "required": True},
            "grace_s": {"type": "int", "default": 3},
            "wait_s": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    pidfile, command = module.params["pidfile"], module.params["command"]
    if not pidfile.startswith("/") or len(command) < 3:
        module.fail_json(msg="pidfile must be an absolute path, command at least 3 characters")
    old = read_pid(pidfile)
    report = {"old_pid": old, "new_pid": None, "signal": "none", "check": module.check_mode}
    try:
        # 0 and 1 would be everybody and the machine.
        handle = hold(old, command) if old is not None and old > 1 else None
        if module.check_mode:
            module.exit_json(changed=True, report=report)
        if handle is not None:
            report["signal"] = end(old, handle, module.params["grace_s"])
        report["new_pid"] = wait_until(
            lambda: successor(pidfile, command, old), module.params["wait_s"]
        )
    except (RefusedError, OSError) as fault:
        module.fail_json(msg=str(fault), report=report)
    if report["new_pid"] is None:
        wait_s = module.params["wait_s"]
        module.fail_json(msg=f"no new process in {pidfile} after {wait_s} s", report=report)
    module.exit_json(changed=True, report=report)


if __name__ == "__main__":
    main()
