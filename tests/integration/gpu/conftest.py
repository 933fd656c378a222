"""What tests of the card share: a simulated server, and a house with real workers."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from gpu.profile import Profile, read_profile
from gpu.simulated.card import card_of
from gpu.simulated.serve import Simulated
from gpu.simulated.serve import simulated as running
from tests.integration.gpu.house import House, furnished
from tests.servers import Servers


@cache
def _profile() -> Profile:
    profile = read_profile("simulated").value
    assert profile is not None
    return profile


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    """The profile `simulated`, one model at a time, at scale 0.01, on a free port."""
    with running(card_of(_profile(), scale=0.01)) as server:
        yield server


@pytest.fixture(scope="module")
def house(
    django_db_setup: None,
    servers: Servers,
    database_name: str,
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[House]:
    """A house without cards, for all tests of a module; its database is emptied at the end."""
    number = 2 * int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    folder: Path = tmp_path_factory.mktemp("house")
    with django_db_blocker.unblock():
        try:
            with furnished(servers, database_name, number, folder) as made:
                yield made
        finally:
            connections.close_all()
            servers.empty(database_name)


@pytest.fixture(scope="module")
def served(house: House) -> House:
    """A house with one card, which a real worker serves."""
    house.add_card()
    house.declare()
    house.worker()
    return house


@pytest.fixture
def calm(served: House) -> Iterator[House]:
    """The served house, left as it was found: nothing asked, no fault, the card idle."""
    yield served
    served.calm()
