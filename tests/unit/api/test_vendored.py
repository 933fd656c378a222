"""Files of others that we serve: as the manifest names them, and nothing beside them."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import ethops

FOLDER = Path(ethops.__file__).parent / "static" / "vendor"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["vendored"]


@pytest.mark.parametrize("one", MANIFEST, ids=lambda one: one["name"])
def test_every_file_is_as_it_came(one):
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (FOLDER / one["folder"]).iterdir()
    }
    assert found == one["sha256"]


@pytest.mark.parametrize("one", MANIFEST, ids=lambda one: one["name"])
def test_its_licence_lies_beside_it(one):
    text = (FOLDER / one["folder"] / "LICENSE").read_text(encoding="utf-8")
    assert one["licence"] in text
    assert re.fullmatch(r"\d+\.\d+\.\d+", one["version"])


def test_nothing_is_vendored_without_being_named():
    named = {one["folder"] for one in MANIFEST}
    assert {path.name for path in FOLDER.iterdir()} == named | {"manifest.json"}
