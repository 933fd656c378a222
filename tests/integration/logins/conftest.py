"""Groups of the roles, as `site load` makes them."""

import pytest

from ethops.logins import people


@pytest.fixture
def roles_loaded(clean_db: None) -> list[str]:
    """The groups of the table, and what was made."""
    return people.load()
