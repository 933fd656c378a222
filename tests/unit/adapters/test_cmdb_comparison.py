"""What an import would make new, change and take away."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.cmdb.comparison import BELIEVED, compare
from adapters.cmdb.port import CI, Host, Inventory

NAMES = st.sampled_from([f"n{number}" for number in range(12)])
CIS = st.builds(
    CI,
    ref=NAMES,
    name=st.sampled_from(["a", "b"]),
    ci_class=st.just("server"),
    attributes=st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([1, "1", None])),
    impact=st.integers(1, 3),
    urgency=st.just(2),
    user_facing=st.booleans(),
    lifeline=st.booleans(),
    host=st.just(""),
    source=st.sampled_from(["import:a", "site"]),
    managed_by=st.just("import"),
)
HOSTS = st.builds(
    Host,
    name=NAMES,
    connection=st.just("ssh"),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    user=st.just(""),
    port=st.just(22),
    python=st.just(""),
)
INVENTORIES = st.builds(
    Inventory,
    hosts=st.lists(HOSTS, unique_by=lambda one: one.name).map(tuple),
    cis=st.lists(CIS, unique_by=lambda one: one.ref).map(tuple),
)


def names(inventory: Inventory) -> set[str]:
    return {f"host {one.name}" for one in inventory.hosts} | {
        f"CI {one.ref}" for one in inventory.cis
    }


@given(INVENTORIES)
def test_the_same_again_is_nothing(inventory: Inventory) -> None:
    plan = compare(inventory, inventory)
    assert plan.nothing
    assert not plan.asks


@given(INVENTORIES, INVENTORIES)
def test_every_row_is_new_gone_changed_or_as_it_was(live: Inventory, wanted: Inventory) -> None:
    plan = compare(live, wanted)
    assert set(plan.new) == names(wanted) - names(live)
    assert set(plan.gone) == names(live) - names(wanted)
    assert {change.what for change in plan.changed} <= names(wanted) & names(live)
    assert all(change.before != change.after for change in plan.changed)


@given(INVENTORIES, INVENTORIES)
def test_what_goes_one_way_comes_back_the_other(live: Inventory, wanted: Inventory) -> None:
    there, back = compare(live, wanted), compare(wanted, live)
    assert (there.new, there.gone) == (back.gone, back.new)
    assert [(one.what, one.field, one.after, one.before) for one in there.changed] == [
        (one.what, one.field, one.before, one.after) for one in back.changed
    ]


@given(INVENTORIES, INVENTORIES)
def test_more_than_one_in_twenty_of_a_kind_asks(live: Inventory, wanted: Inventory) -> None:
    plan = compare(live, wanted)
    for kind, rows in (("host ", live.hosts), ("CI ", live.cis)):
        gone = sum(name.startswith(kind) for name in plan.gone)
        if gone * BELIEVED > len(rows):
            assert plan.asks
    assert plan.gone or not plan.asks
