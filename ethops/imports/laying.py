"""Lays entries down in the site's own folder, and takes them away; never one of the house's."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ethops.imports.errors import ImportRefusedError
from ethops.imports.reading import Offered
from personas.catalogue import Origin, read_catalogue, tree_hash

HEAD: Final = "---\n# Written by `manage.py catalog`: a change by hand is lost, or refused.\n"


@dataclass(frozen=True, slots=True)
class Laid:
    """An entry as it lies in the site's folder now."""

    name: str
    tree_hash: str
    what: str
    """`new`, `changed` or `as it was`."""


class Ground:
    """The site's folder: one folder per entry, `catalogue.yaml` and `approved.yaml`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def origins(self) -> dict[str, Origin]:
        """Return where each entry came from.

        Raises:
            ImportRefusedError: the folder is not as this command has left it.
        """
        if not (self.folder / "catalogue.yaml").exists():
            return {}
        pinned, faults = read_catalogue(self.folder)
        if faults:
            raise ImportRefusedError(
                "\n".join(map(str, faults)),
                f"Take the entry away by `manage.py catalog remove`, or mend {self.folder}.",
            )
        return {one.name: one.document.origin for one in pinned if one.document.origin}

    def lay(self, one: Offered, origin: Origin) -> Laid:
        """Lay one entry down, in the place of what was there under its name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        name = one.document.name
        document = {
            **one.document.model_dump(mode="json", by_alias=True, exclude={"name"}),
            "folder": name,
            "origin": origin.model_dump(mode="json"),
        }
        place = self.folder / name
        before = tree_hash(place) if place.is_dir() else ""
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        for path in sorted(one.folder.iterdir()):
            shutil.copyfile(path, made / path.name, follow_symlinks=False)
            (made / path.name).chmod(0o644)
        made.chmod(0o755)
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
        self._write("catalogue.yaml", {**self._read("catalogue.yaml"), name: document})
        if not (self.folder / "approved.yaml").exists():
            self._write("approved.yaml", {})
        after = tree_hash(place)
        what = "new" if not before else "as it was" if before == after else "changed"
        return Laid(name, after, what)

    def remove(self, name: str) -> None:
        """Take one entry away.

        Raises:
            ImportRefusedError: there is none of this name that a site has imported.
        """
        declared = self._read("catalogue.yaml")
        if name not in declared:
            there = ", ".join(sorted(declared)) or "none"
            raise ImportRefusedError(f"{name} is no imported entry.", f"There are: {there}.")
        for file in ("catalogue.yaml", "approved.yaml"):
            rest = {key: value for key, value in self._read(file).items() if key != name}
            self._write(file, rest)
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def _read(self, file: str) -> dict[str, Any]:
        path = self.folder / file
        return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}

    def _write(self, file: str, content: Mapping[str, Any]) -> None:
        text = HEAD + yaml.safe_dump(dict(content), sort_keys=True, allow_unicode=True, width=100)
        made = self.folder / f".{file}.new"
        made.write_text(text, encoding="utf-8")
        with made.open("rb") as stream:
            os.fsync(stream.fileno())
        made.replace(self.folder / file)
