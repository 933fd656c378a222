"""What an import would make new, change and take away."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.cmdb.comparison import BELIEVED, compare

NAMES = st.sampled_from([f"n{number}" for number in range(12)])
VALUES = st.sampled_from([1, True, "1", None, ["a"], {"b": 1}])
FIELDS = st.sampled_from(["name", "impact", "attributes.x"])
SAID = st.dictionaries(NAMES, st.dictionaries(FIELDS, VALUES))
BOTH = st.tuples(SAID, SAID)


def names(hosts, cis) -> set[str]:
    return {f"host {name}" for name in hosts} | {f"CI {name}" for name in cis}


@given(SAID, SAID)
def test_the_same_again_is_nothing(hosts, cis) -> None:
    plan = compare((hosts, hosts), (cis, cis))
    assert plan.nothing
    assert not plan.asks


@given(BOTH, BOTH)
def test_every_thing_is_new_gone_changed_or_as_it_was(hosts, cis) -> None:
    plan = compare(hosts, cis)
    live, wanted = names(hosts[0], cis[0]), names(hosts[1], cis[1])
    assert set(plan.new) == wanted - live
    assert set(plan.gone) == live - wanted
    assert {change.what for change in plan.changed} <= wanted & live
    assert all(change.before != change.after for change in plan.changed)


@given(BOTH, BOTH)
def test_what_goes_one_way_comes_back_the_other(hosts, cis) -> None:
    there, back = compare(hosts, cis), compare(hosts[::-1], cis[::-1])
    assert (there.new, there.gone) == (back.gone, back.new)
    assert [(one.what, one.field, one.after, one.before) for one in there.changed] == [
        (one.what, one.field, one.before, one.after) for one in back.changed
    ]


@given(BOTH, BOTH)
def test_more_than_one_in_twenty_of_a_kind_asks(hosts, cis) -> None:
    plan = compare(hosts, cis)
    for live, wanted in (hosts, cis):
        if len(live.keys() - wanted.keys()) * BELIEVED > len(live):
            assert plan.asks
    assert plan.gone or not plan.asks
