"""What the contract suites share: Django's connection under the role that a test is about."""

from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from django.db import connections

from tests.doubles.itop.house import House, housed
from tests.servers import Servers

EMBEDDED = "adapters.tickets.embedded"
ITOP = "adapters.tickets.itop.desk"


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


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    """A fake iTop with somebody in it, that the settings name."""
    with housed() as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        yield one


@pytest.fixture(params=[EMBEDDED, ITOP], ids=["embedded", "itop"])
def tickets(request: pytest.FixtureRequest) -> ModuleType:
    """Each adapter of the tickets contract in turn; an iTop is served beside its own."""
    if request.param == ITOP:
        request.getfixturevalue("house")
    return import_module(request.param)
