"""Who may import whom: the contracts of pyproject.toml, as a test."""

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from ethops.env import CLONE


@pytest.mark.timeout(120)
def test_every_import_contract_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CLONE)
    status = lint_imports(no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
