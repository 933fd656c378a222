"""What the contract suites share: Django's connection under the role that a test is about."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from tests.servers import Servers


@pytest.fixture
def become(clean_db: None, servers: Servers) -> Iterator[Callable[[str], None]]:
    """`become("agent")` connects Django as that role from now on; what is done is committed."""

    def change(name: str) -> None:
        connections.close_all()
        connections["default"].settings_dict.update(
            USER=f"ethops_{name}",
            PASSWORD=servers.layout.secrets.role_passwords[f"ethops_{name}"],
        )

    yield change
    change("app")
