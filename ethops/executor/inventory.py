"""The inventory of one play: the one host of its CI, made from the CMDB and nothing else."""

import re
import sys
from pathlib import Path

from adapters.cmdb.port import Host
from ethops.executor.arguments import Unsafe, as_yaml
from ethops.executor.errors import HostMissingError

# Brackets, commas and colons would make a name a pattern of many hosts.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


def document(host: Host, *, scratch: Path) -> str:
    """Return the inventory as YAML; `scratch` is where a local play keeps its files."""
    if not NAME.fullmatch(host.name):
        raise HostMissingError(f"{host.name!r} is no name for a host")
    if host.retired:
        raise HostMissingError(f"the host {host.name} is retired")
    settings = _local(scratch) if host.connection == "local" else _ssh(host)
    tagged = {name: _tag(value) for name, value in settings.items()}
    return as_yaml({"all": {"hosts": {host.name: tagged}}})


def _local(scratch: Path) -> dict[str, str | int]:
    # Discovery would find whatever a version manager has put first on PATH.
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_remote_tmp": str(scratch),
    }


def _ssh(host: Host) -> dict[str, str | int]:
    settings: dict[str, str | int] = {
        "ansible_connection": "ssh",
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_python_interpreter": host.python or "/usr/bin/python3",
    }
    if host.user:
        settings["ansible_user"] = host.user
    return settings


def _tag(value: str | int) -> str | int:
    return Unsafe(value) if isinstance(value, str) else value
