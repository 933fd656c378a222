"""Reads what a commit offers as entries of a catalogue, and everything that is wrong with it.

An entry is a folder with the sidecar `ethops.yaml`, its playbook, and nothing that could run by
itself. What is read is taken for hostile until it was held against the grammar.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from adapters import declared
from adapters.declared import Fault, Read
from adapters.yaml_tree import RefusalError, load
from ethops.imports import grammar
from ethops.imports.errors import FaultsError
from ethops.imports.fetching import MOST_OF_A_FILE, Fetched, Listed
from personas.catalogue import SidecarDocument

SIDECAR: Final = "ethops.yaml"
MOST_ENTRIES: Final = 50
MOST_FILES: Final = 8
MOST_LISTED: Final = 10_000
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
PLAYBOOK: Final = re.compile(r"[a-z0-9_]+\.yaml")
PROSE: Final = frozenset({"README.md", "LICENSE", "LICENSE.md"})
RUNS: Final = {
    "library": "modules of its own",
    "module_utils": "code of its own",
    "roles": "roles",
    "collections": "collections",
    "group_vars": "variables from outside its arguments",
    "host_vars": "variables from outside its arguments",
    "templates": "templates",
    "hooks": "hooks",
}
"""Folders by what they would bring along."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One entry of a commit, written out below `folder` and without a fault."""

    document: SidecarDocument
    path: str
    folder: Path
    sidecar: Read[SidecarDocument]


def read(fetched: Fetched, staging: Path) -> list[Offered]:
    """Write out the entries of a commit and read them.

    Raises:
        FaultsError: names each fault by file, line and mend; nothing of the commit is good then.
    """
    listed = fetched.listed()
    faults = list(_tree_faults(listed))
    tops = sorted(
        str(PurePosixPath(one.path).parent)
        for one in listed
        if PurePosixPath(one.path).name == SIDECAR
    )
    if not tops and not faults:
        faults.append(Fault(SIDECAR, 1, "There is no entry here.", f"Put a {SIDECAR} beside each."))
    if len(tops) > MOST_ENTRIES:
        faults.append(Fault(tops[-1], 1, f"More than {MOST_ENTRIES} entries.", "Split them."))
    if faults:
        raise FaultsError(faults)
    offered: list[Offered] = []
    for number, top in enumerate(tops):
        files = [one for one in listed if top == "." or one.path.startswith(f"{top}/")]
        found, wrong = _entry(fetched, top, files, staging / str(number))
        faults += wrong
        offered += found
    faults += _doubles(offered)
    if faults:
        raise FaultsError(faults)
    return offered


def _tree_faults(listed: Sequence[Listed]) -> Iterator[Fault]:
    """Yield what no repository that is imported from may hold, wherever it lies."""
    if len(listed) > MOST_LISTED:
        yield Fault("the repository", 1, f"It holds more than {MOST_LISTED} files.", "Split it.")
        return
    for one in listed:
        if one.mode == "120000":
            yield Fault(one.path, 1, "This is a symbolic link.", "Put the file itself there.")
        elif one.kind == "commit":
            yield Fault(one.path, 1, "This is a submodule.", "Import that repository by itself.")
        elif not all(NAME.fullmatch(part.lstrip(".")) for part in one.path.split("/")):
            yield Fault(one.path, 1, "This is no plain name.", "Use letters, digits, . _ and -.")


def _entry(
    fetched: Fetched, top: str, files: Sequence[Listed], folder: Path
) -> tuple[list[Offered], list[Fault]]:
    faults = [fault for one in files for fault in _file_faults(top, one)]
    if len(files) > MOST_FILES:
        faults.append(Fault(top, 1, f"It holds more than {MOST_FILES} files.", "Leave some out."))
    if faults:
        return [], faults
    folder.mkdir(mode=0o700)
    for one in files:
        (folder / PurePosixPath(one.path).name).write_bytes(fetched.content(one))
    found = declared.read(folder / SIDECAR, SidecarDocument)
    faults = [replace(fault, file=f"{top}/{SIDECAR}") for fault in found.faults]
    if found.value is not None:
        named = replace(found, file=f"{top}/{SIDECAR}")
        faults += _named_faults(named, folder)
    for path in sorted(folder.glob("*.yaml")):
        if path.name != SIDECAR:
            faults += _book_faults(path, f"{top}/{path.name}")
    if faults or found.value is None:
        return [], faults
    return [Offered(found.value, top, folder, found)], []


def _file_faults(top: str, one: Listed) -> Iterator[Fault]:
    """Yield why a file is none that an entry may hold."""
    inside = PurePosixPath(one.path).relative_to(top)
    first = inside.parts[0]
    if len(inside.parts) > 1:
        brings = RUNS.get(first) or ("plugins" if first.endswith("_plugins") else "a folder")
        yield Fault(
            one.path, 1, f"The entry brings {brings} along.", "Write its tasks out in one playbook."
        )
    elif first != SIDECAR and not PLAYBOOK.fullmatch(first) and first not in PROSE:
        yield Fault(
            one.path,
            1,
            "An entry holds playbooks (NAME.yaml), a README.md and a LICENSE, and no other file.",
            "Leave it out.",
        )
    if one.mode != "100644":
        yield Fault(one.path, 1, "It is executable.", "Take that from it: nothing here is run so.")
    if one.size > MOST_OF_A_FILE:
        yield Fault(
            one.path, 1, f"It is larger than {MOST_OF_A_FILE} bytes.", "Make it a playbook's size."
        )


def _named_faults(found: Read[SidecarDocument], folder: Path) -> Iterator[Fault]:
    """Yield what the sidecar names and is not there."""
    if found.value is None:
        return
    named = {("playbook",): found.value.playbook}
    if found.value.rollback.playbook is not None:
        named["rollback", "playbook"] = found.value.rollback.playbook  # type: ignore[index]
    for loc, name in named.items():
        if not (folder / PurePosixPath(name).name).is_file() or "/" in name:
            yield found.fault(loc, f"{name} is not beside it.", "Name a playbook that is.")


def _book_faults(path: Path, shown: str) -> list[Fault]:
    try:
        data, lines = load(path)
    except RefusalError as refused:
        return [Fault(shown, refused.line, refused.what, refused.mend)]
    return grammar.faults(shown, data, lines)


def _doubles(offered: Sequence[Offered]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for one in offered:
        name = one.document.name
        if name in seen:
            what = f"{name} is in {seen[name]} too."
            yield Fault(f"{one.path}/{SIDECAR}", one.sidecar.line("name"), what, "Name it anew.")
        seen.setdefault(name, one.path)
