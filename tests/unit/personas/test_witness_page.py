"""The page on witnesses says what the code says."""

import re

import pytest

from audit.witness_states import WITNESS_STATES
from ethops.env import CLONE
from personas import witnesses

PAGE = (CLONE / "docs" / "reference" / "witness.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "document",
    [
        witnesses.LedgerDocument,
        witnesses.WitnessDocument,
        witnesses.AnchorsDocument,
        witnesses.GitDocument,
        witnesses.TimestampDocument,
        witnesses.OpenTimestampsDocument,
    ],
)
def test_every_key_of_the_file_is_shown(document) -> None:
    shown = set(re.findall(r"^\s*(?:- )?([a-z0-9_]+):", PAGE, re.MULTILINE))
    assert set(document.model_fields) <= shown


def test_every_state_is_explained() -> None:
    assert re.findall(r"^\| `([a-z]+)` \| (?!the commit|the auth|an `)", PAGE, re.MULTILINE) == [
        *WITNESS_STATES
    ]


def test_the_file_that_it_shows_is_one_that_is_read(tmp_path) -> None:
    first, second = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "ledger.yaml"
    path.write_text(first + second)
    found = witnesses.read(path)
    # Its key is shortened and its certificates are elsewhere; nothing else is wrong with it.
    assert [fault.what.partition(" ")[0] for fault in found.faults] == [
        "noc.example/w1",
        "tsa-root.pem",
    ]
