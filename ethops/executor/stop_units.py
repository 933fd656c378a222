"""The stop as a systemd target: a unit that lays down the stop file, and needs nothing else.

`systemctl start ethops-stop.target` works with web, Redis and PostgreSQL down, and for a person
who has systemd's rights and no login of ours. The desk hears of the file and puts it on record.
"""

import shlex
from pathlib import Path
from typing import Final

from ethops.executor.stop import TARGET
from ethops.executor.systemd import quoted

TARGET_UNIT: Final = "ethops-stop.target"
SERVICE_UNIT: Final = "ethops-stop.service"


def units(stop_file: Path) -> dict[str, str]:
    """Return both units by name; starting the target lays down the file, each time anew."""
    return {TARGET_UNIT: _target(), SERVICE_UNIT: _service(stop_file)}


def _target() -> str:
    return f"""\
[Unit]
Description=Stop all agents and effects of ethops
Requires={SERVICE_UNIT}
After={SERVICE_UNIT}
# Inactive again at once, so that it can be started again.
StopWhenUnneeded=yes
RefuseManualStop=yes
"""


def _service(stop_file: Path) -> str:
    said = f"{TARGET}: somebody started {TARGET_UNIT}"
    script = f"printf '%s\\n' {shlex.quote(said)} > {shlex.quote(str(stop_file))}"
    return f"""\
[Unit]
Description=Lay down the stop file of ethops
DefaultDependencies=no

[Service]
Type=oneshot
UMask=0022
ExecStart=/bin/sh -c {quoted(script)}
"""
