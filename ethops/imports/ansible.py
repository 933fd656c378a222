"""An Ansible inventory made into declared hosts and CIs, read by Ansible itself and never run.

Only Ansible's own readers of INI and YAML are let at it: a script, a plugin's file and whatever
lies beside it stay unread, and no template is rendered.
"""

import json
import math
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.cmdb.incoming import LIMITS, MOST
from adapters.declared import Fault
from adapters.json_value import JSON
from adapters.text import one_line
from adapters.yaml_tree import Loc
from ethops.imports.errors import InventoryRefusedError

SECONDS: Final = 60
CLASS: Final = "server"
HOST: Final = {
    "ansible_connection": "connection",
    "ansible_host": "address",
    "ansible_user": "user",
    "ansible_port": "port",
    "ansible_python_interpreter": "python",
}
"""All that is taken of Ansible's own variables; a password and arguments of ssh never are."""
OURS: Final = "ethops_"
CI: Final = (
    *("ref", "name", "class", "impact", "urgency", "user_facing", "lifeline", "attributes"),
)
TEMPLATE: Final = re.compile(r"\{[{%#]")
PLUGIN: Final = re.compile(rb"^[\"']?plugin[\"']?\s*:", re.MULTILINE)
RANGE: Final = re.compile(rb"\[([0-9]{1,20}|[a-zA-Z]):([0-9]{1,20}|[a-zA-Z])[:\]]")
LETTERS: Final = 52
YAML: Final = frozenset({".yml", ".yaml", ".json"})


def load(path: Path) -> tuple[JSON, dict[Loc, int], list[Fault]]:
    """Return the inventory's hosts as declared values, where each stands, and what is wrong.

    Raises:
        InventoryRefusedError: it is a program, a plugin's file, or nothing that Ansible reads.
    """
    raw = _raw(path)
    listed = _listed(path, raw)
    text = raw.decode("utf-8", "replace").splitlines()
    lines: dict[Loc, int] = {}
    faults: list[Fault] = []
    hosts: list[JSON] = []
    cis: list[JSON] = []
    for number, (name, said) in enumerate(sorted(_hosts(listed).items())):
        at = _line(text, name)
        lines["hosts", number] = lines["cis", number] = at
        host, ci = _taken(name, said, _groups(listed, name))
        faults += _faults(str(path), at, name, {**host, **ci}, said)
        hosts.append(host)
        cis.append(ci)
    if not hosts:
        faults.append(Fault(str(path), 1, "Ansible sees no host in it.", "Name some."))
    return {"hosts": hosts, "cis": cis}, lines, faults


def _raw(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InventoryRefusedError(f"{path} is no file.", "Name one file, not its folder.")
        if path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
            raise InventoryRefusedError(
                f"{path}:1: It may be executed, so Ansible would take it for a script.",
                "Run it yourself, look at what it says, and import that; or `chmod -x` it.",
            )
        if path.stat().st_size > LIMITS.bytes:
            raise InventoryRefusedError(f"{path} is larger than {LIMITS.bytes} bytes.", "Split it.")
        raw = path.read_bytes()
    except OSError as fault:
        raise InventoryRefusedError(
            f"{path}:1: Cannot be read: {fault.strerror}.", "Put a readable file there."
        ) from fault
    if raw.startswith(b"#!"):
        raise InventoryRefusedError(f"{path}:1: It is a script.", "Import what it says instead.")
    if found := PLUGIN.search(raw):
        line = raw.count(b"\n", 0, found.start()) + 1
        raise InventoryRefusedError(
            f"{path}:{line}: It has a plugin fetch hosts from elsewhere.",
            "Import what `ansible-inventory --list --yaml` says of it, once you have looked at it.",
        )
    if sum(map(_expands, raw.splitlines())) > MOST:
        raise InventoryRefusedError(
            f"{path}: Its ranges name more than {MOST} hosts.", "Split it, and import each."
        )
    return raw


def _expands(line: bytes) -> int:
    """Return how many hosts the ranges of a line stand for, at most."""
    found = [
        abs(int(last) - int(first)) + 1 if first.isdigit() and last.isdigit() else LETTERS
        for first, last in RANGE.findall(line)
    ]
    return math.prod(found) if found else 0


def _listed(path: Path, raw: bytes) -> Mapping[str, Any]:
    """Have Ansible read a copy that lies alone: no variables beside it, no settings, no home."""
    programs = Path(sys.executable).parent
    program = shutil.which("ansible-inventory", path=str(programs))
    if program is None:
        raise InventoryRefusedError("There is no ansible-inventory here.", "Install ansible-core.")
    is_yaml = path.suffix.lower() in YAML
    with tempfile.TemporaryDirectory(prefix="ethops-inventory-") as folder:
        copy = Path(folder) / ("inventory.yml" if is_yaml else "inventory.ini")
        copy.write_bytes(raw)
        (Path(folder) / "ansible.cfg").touch()
        try:
            done = subprocess.run(
                [program, "--inventory", str(copy), "--list"],
                cwd=folder,
                env=_environment(folder, programs, "yaml" if is_yaml else "ini"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as fault:
            raise InventoryRefusedError(
                f"{path}: Ansible came to no end within {SECONDS} s.", "Make it smaller."
            ) from fault
    said = done.stderr.decode("utf-8", "replace").replace(str(copy), str(path))
    if done.returncode:
        raise InventoryRefusedError(
            f"{path}:1: Ansible cannot read it: {one_line(said, 600)}", "Correct the syntax."
        )
    listed: Mapping[str, Any] = json.loads(done.stdout)
    return listed


def _environment(folder: str, programs: Path, reader: str) -> dict[str, str]:
    return {
        "HOME": folder,
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "ANSIBLE_HOME": folder,
        "ANSIBLE_LOCAL_TEMP": folder,
        "ANSIBLE_CONFIG": f"{folder}/ansible.cfg",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_INVENTORY_ENABLED": reader,
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        "ANSIBLE_VARS_ENABLED": "host_group_vars",
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
    }


def _hosts(listed: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return every host with its variables; one without any stands in groups alone."""
    named = (one for group in listed.values() for one in group.get("hosts", ()))
    said: dict[str, Mapping[str, Any]] = listed["_meta"]["hostvars"]
    return {name: said.get(name, {}) for name in (*named, *said)}


def _groups(listed: Mapping[str, Any], host: str) -> list[str]:
    return sorted(
        name
        for name, group in listed.items()
        if host in group.get("hosts", ()) and name not in {"all", "ungrouped"}
    )


def _taken(
    name: str, said: Mapping[str, Any], groups: list[str]
) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """Return what is declared of the host, and of the CI that it is."""
    host: dict[str, JSON] = {"name": name, "connection": "ssh", "address": name}
    host |= {ours: said[theirs] for theirs, ours in HOST.items() if theirs in said}
    if str(host["connection"]) in {"smart", "ansible.builtin.ssh"}:
        host["connection"] = "ssh"
    if host["connection"] == "local":
        host |= {"address": ""} if "ansible_host" not in said else {}
    if str(host.get("python", "")).startswith("auto"):
        del host["python"]
    ci: dict[str, JSON] = {"ref": name, "name": name, "class": CLASS, "host": name}
    ci |= {one: said[OURS + one] for one in CI if OURS + one in said}
    if groups:
        own = ci.get("attributes", {})
        ci["attributes"] = {"groups": groups, **own} if isinstance(own, dict) else own
    return host, ci


def _faults(
    file: str, line: int, name: str, taken: Mapping[str, JSON], said: Mapping[str, Any]
) -> Iterator[Fault]:
    if TEMPLATE.search(json.dumps(taken)):
        what = f"What is said of {name} holds a template, and none is rendered here."
        yield Fault(file, line, what, "Write the value itself.")
    for word in sorted(said):
        if word.startswith(OURS) and word.removeprefix(OURS) not in CI:
            mend = f"Write one of {', '.join(OURS + one for one in CI)}."
            yield Fault(file, line, f"{name} has `{word}`, which says nothing here.", mend)


def _line(text: list[str], host: str) -> int:
    """Return where a host is named first, else where a range begins that may be meant."""
    stem = re.escape(re.split(r"\d", host, maxsplit=1)[0])
    for begins in (rf"{re.escape(host)}(?![\w.-])", rf"{stem}\S*\["):
        named = re.compile(rf"""^\s*["']?{begins}""")
        for number, line in enumerate(text, 1):
            if named.match(line):
                return number
    return 1
