"""The CMDB contract, held by every adapter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module

import pytest
from django.db.utils import ProgrammingError

from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.port import (
    CI,
    Applied,
    Condition,
    Host,
    Inventory,
    JoinRule,
    Reader,
    Writer,
)

HERE = Host("here", "local", "", "", 22, "")
SHOP = CI(
    ref="shop",
    name="The shop",
    ci_class="web_service",
    attributes={"unit": "shop", "ports": [80, 443], "address": "10.0.0.1:80"},
    impact=1,
    urgency=2,
    user_facing=True,
    lifeline=False,
    host="here",
    source="site",
    managed_by="declaration",
)
BANK = replace(SHOP, ref="bank", name="The bank", host="", attributes={}, lifeline=True)
RULE = JoinRule("by-address", (Condition("instance", "address", attribute=True),))
INVENTORY = Inventory((HERE,), (SHOP, BANK), (RULE,))


@dataclass
class Mirror:
    """One adapter under test, holding INVENTORY."""

    reader: Reader
    writer: Writer

    def apply(self, inventory: Inventory) -> Applied:
        return self.writer.apply(inventory, source="site")


@pytest.fixture(params=["adapters.cmdb.embedded"])
def mirror(request: pytest.FixtureRequest, become: Callable[[str], None]) -> Iterator[Mirror]:
    module = import_module(request.param)
    made = Mirror(module.Reader(), module.Writer())
    become("owner")
    made.apply(INVENTORY)
    yield made


def test_what_was_declared_reads_back(mirror: Mirror) -> None:
    assert mirror.reader.get("shop") == SHOP
    assert mirror.reader.by_refs(["shop", "absent", "bank"]) == (BANK, SHOP)
    assert mirror.reader.host_of("shop") == HERE
    assert mirror.reader.host_of("bank") is None


def test_search_looks_at_ref_name_and_class(mirror: Mirror) -> None:
    assert mirror.reader.search("BANK") == (BANK,)
    assert mirror.reader.search("web_") == (BANK, SHOP)
    assert mirror.reader.search("", limit=1) == (BANK,)
    assert mirror.reader.search("100%") == ()


def test_an_unknown_ci_is_an_error(mirror: Mirror) -> None:
    with pytest.raises(CINotFoundError):
        mirror.reader.get("absent")


def test_a_repeat_changes_nothing(mirror: Mirror) -> None:
    assert mirror.apply(INVENTORY) == Applied((), (), ())


def test_changes_are_named(mirror: Mirror) -> None:
    applied = mirror.apply(Inventory((HERE,), (replace(SHOP, impact=3),), ()))
    assert applied == Applied((), ("CI shop", "join rules"), ("CI bank",))


def test_a_retired_ci_can_still_be_read_but_not_found(mirror: Mirror) -> None:
    mirror.apply(Inventory((HERE,), (SHOP,), (RULE,)))
    assert mirror.reader.get("bank").retired is True
    assert mirror.reader.search("bank") == ()
    mirror.apply(INVENTORY)
    assert mirror.reader.get("bank") == BANK


def test_another_sources_cis_are_left_alone(mirror: Mirror) -> None:
    mirror.writer.apply(
        Inventory(cis=(replace(SHOP, ref="other", host=""),)), source="import:other"
    )
    assert mirror.apply(INVENTORY) == Applied((), (), ())
    assert mirror.reader.get("other").source == "import:other"


def test_an_alert_is_joined_by_the_declared_rules(mirror: Mirror) -> None:
    found = mirror.reader.join({"instance": "10.0.0.1:80"})
    assert (found.result, found.ci_ref, found.host) == ("joined", "shop", "here")
    assert mirror.reader.join({"instance": "10.0.0.2:80"}).result == "none"


@pytest.mark.parametrize("name", ["agent", "app", "executor"])
def test_only_the_owner_writes(mirror: Mirror, become: Callable[[str], None], name: str) -> None:
    become(name)
    assert mirror.reader.get("shop") == SHOP
    assert mirror.reader.join({"instance": "10.0.0.1:80"}).ci_ref == "shop"
    with pytest.raises(ProgrammingError, match="permission denied"):
        mirror.apply(Inventory())
