"""What the chaos tests share."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker by which these tests are chosen or left out."""
    config.addinivalue_line("markers", "chaos: kills real processes and looks what is left")
