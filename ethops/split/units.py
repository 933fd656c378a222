"""A unit per process, shut off as far as its work allows: systemd.service(5), systemd.exec(5)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ethops.executor.systemd import escaped, quoted
from ethops.split.families import Egress, family_of
from ethops.stack.matrix import Process
from ethops.stack.spawn import STANDS_BACK

SHUT_OFF = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
)
"""For whoever has no business with this host."""
BACK_WEIGHT = 11
"""Of 100, which all others have: what the niceness is among processes."""


def name(process: Process) -> str:
    """Return the unit of a process."""
    return f"ethops-{process.name}.service"


def unit(
    process: Process, *, clone: Path, state: Path, environment: Path, reached: Sequence[str]
) -> str:
    """Return the unit; `reached` are the addresses that a closed family may go to."""
    family = family_of(process.kind)
    service = [
        "Type=exec",
        f"User={family.user}",
        f"Group={family.user}",
        # Read by systemd itself: the process's user cannot open it.
        f"EnvironmentFile={environment}",
        f"WorkingDirectory={clone}",
        f"ExecStart={' '.join(map(quoted, process.command))}",
        "Restart=always",
        "RestartSec=1",
        "TimeoutStopSec=15",
        "UMask=0077",
        "PrivateTmp=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    ]
    if process.stands_back:
        service += [f"Nice={STANDS_BACK}", f"CPUWeight={BACK_WEIGHT}"]
    if not family.acts:
        writable = [state / family.folder] if family.folder else []
        # The desk lays the stop file there.
        writable += [state] if process.kind in {"web", "control"} else []
        service += [*SHUT_OFF, *(f"ReadWritePaths={path}" for path in writable)]
        if not family.devices:
            service.append("PrivateDevices=yes")
    if family.egress is Egress.CLOSED:
        service += ["IPAddressDeny=any", f"IPAddressAllow={' '.join(('localhost', *reached))}"]
    return "\n".join(
        [
            "[Unit]",
            f"Description=ethops: {process.name}",
            "PartOf=ethops.target",
            "After=network-online.target postgresql.service redis-server.service",
            # It tries again for ever: who waits for a database must not be given up.
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            *service,
            "",
            "[Install]",
            "WantedBy=ethops.target",
            "",
        ]
    )


def target(processes: Sequence[Process]) -> str:
    """Return the target that starts and stops all of them."""
    return "\n".join(
        [
            "[Unit]",
            "Description=ethops",
            f"Wants={' '.join(map(name, processes))}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def environment_file(said: Mapping[str, str]) -> str:
    """Return an EnvironmentFile; values stand in double quotes, so nothing in them is read."""
    return "".join(f'{key}="{escaped(value)}"\n' for key, value in sorted(said.items()))
