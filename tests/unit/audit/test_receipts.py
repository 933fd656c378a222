"""The receipt line in a worklog: written once, read only where it is the last line."""

import pytest

from audit.ledger import receipts
from audit.ledger.receipts import Receipt

WITH_HEAD = Receipt(412, b"\x5f" * 32, 410, b"\x01" * 32)
WITHOUT = Receipt(1, b"\x00" * 32, 0, b"")


@pytest.mark.parametrize("receipt", [WITH_HEAD, WITHOUT])
def test_what_is_written_is_read(receipt: Receipt) -> None:
    assert receipts.read(f"Done: all is well\n{receipt}") == receipt


@pytest.mark.parametrize(
    "text",
    [
        "",
        receipts.NONE,
        f"Done: {WITH_HEAD}",
        f"Done: it said\n{WITH_HEAD}\n{receipts.NONE}",
        f"{WITH_HEAD} and more",
        f"{WITH_HEAD}\n",
        "Ledger: entry 0 " + "0" * 64,
        "Ledger: entry 1 " + "0" * 63,
    ],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert receipts.read(text) is None
