"""Doors at which the time stands: what is counted there falls into one slot, whenever it comes."""

from types import SimpleNamespace

import pytest

from ethops.guests import knocks


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """No slot of a door ends between the first knock of a test and its last."""
    monkeypatch.setattr(knocks, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))
