"""Roots first: in a room that is known, and for any graph that somebody may declare."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.desk.related import Told, family, told
from ethops.desk.roots import ORDER, Symptom, layer_of, rank
from tests.unit.desk import cluster
from tests.unit.desk.cluster import ci, room

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = room()


def symptoms(*places: str, name: str = "Down") -> list[Symptom]:
    """One alert at each place, a second apart."""
    return [Symptom(at, name, ZERO + timedelta(seconds=n)) for n, at in enumerate(places)]


def first(*places: str) -> str:
    """The likeliest root of these."""
    return rank(symptoms(*places), ROOM)[0].place


def test_power_goes_before_what_it_feeds_however_late_it_is_heard_of():
    assert first("app-1-1", "node-1", "switch-1", "node-2", "ups-1") == "ups-1"


def test_a_host_goes_before_its_services():
    (root,) = rank(symptoms("app-3-1", "app-3-2", "node-3"), ROOM)
    assert (root.place, set(root.explains)) == ("node-3", {"app-3-1", "app-3-2"})


def test_power_that_says_nothing_itself_is_found_by_what_stands_on_it():
    root = rank(symptoms("switch-1", *(f"node-{n}" for n in range(1, 8))), ROOM)[0]
    assert (root.place, root.layer, root.alertname) == ("switch-1", "network", "Down")


def test_what_is_silent_and_carries_nearly_all_is_the_candidate():
    root = rank(symptoms(*(f"node-{n}" for n in range(1, 8))), ROOM)[0]
    assert (root.place, root.alertname, len(root.explains)) == ("switch-1", "", 7)


def test_three_of_seven_do_not_accuse_the_switch():
    assert {root.place for root in rank(symptoms("node-1", "node-2", "node-3"), ROOM)} == {
        *("node-1", "node-2", "node-3"),
    }


def test_two_troubles_are_two_roots_the_lower_layer_first():
    found = rank(symptoms("app-1-1", "app-1-2", "node-5", "app-5-1"), ROOM)
    assert found[0].place == "node-5"
    assert {root.place for root in found} == {"node-5", "app-1-1", "app-1-2"}


def test_of_what_nobody_knows_the_words_say_what_it_is():
    assert [layer_of("x", name, ROOM) for name in ("UPSOnBattery", "SwitchPortDown", "Slow")] == [
        *("power", "network", "service"),
    ]


graphs = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=8
)
alerting = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=10)


@given(graphs, alerting)
def test_every_place_is_a_root_or_explained_by_one(graph, places):
    """Circles and things that are declared nowhere among them."""
    found = rank(
        symptoms(*places), cluster.known([ci(r, "x", depends_on=o) for r, o in graph.items()])
    )
    assert {one for root in found for one in (root.place, *root.explains)} >= set(places)


@given(graphs, alerting)
def test_no_root_that_alerts_stands_on_another_where_there_is_no_circle(graph, places):
    """Edges lead down the alphabet here."""
    known = cluster.known(
        [ci(ref, "x", depends_on=[one for one in on if one < ref]) for ref, on in graph.items()]
    )
    found = rank(symptoms(*places), known)
    said = {root.place for root in found if root.alertname}
    assert not any(said & known.above(place) for place in said)


@given(graphs, alerting)
def test_lower_layers_go_first(graph, places):
    known = cluster.known(
        [ci(r, "node" if r < "d" else "ups", depends_on=o) for r, o in graph.items()]
    )
    layers = [ORDER[root.layer] for root in rank(symptoms(*places), known)]
    assert layers == sorted(layers)


@given(graphs, alerting, st.randoms())
def test_the_order_in_which_they_arrive_names_no_other_roots(graph, places, chance):
    known = cluster.known([ci(ref, "x", depends_on=on) for ref, on in graph.items()])
    said = symptoms(*places)
    shuffled = list(said)
    chance.shuffle(shuffled)
    assert rank(said, known) == rank(shuffled, known)


# ---------------------------------------------------------------- what belongs together


def one(cause: str, ci_ref: str = "", **labels: str) -> Told:
    return told(cause, labels, ci_ref, ROOM)


@pytest.mark.parametrize(
    ("first_", "second", "together"),
    [
        (one("a", "app-1-1"), one("b", "node-1"), True),
        (one("a", "app-1-1"), one("b", "app-1-2"), True),
        (one("a", rack="r1"), one("b", rack="r1"), True),
        (one("a", rack="r1"), one("b", rack="r2"), False),
        (one("a", alertname="Down"), one("b", alertname="Down"), True),
        (one("a", alertname="Down"), one("b", alertname="Slow"), False),
        (one("a", instance="node-1:9100"), one("b", "app-1-1"), True),
        (one("a", job="x", namespace="y"), one("b", job="x", namespace="y"), False),
    ],
)
def test_time_alone_is_no_reason(first_, second, together):
    assert (second.cause in family(first_, [second])) == together


tolds = st.lists(
    st.builds(
        Told,
        st.sampled_from("abcdefgh"),
        st.frozensets(st.sampled_from(["on x", "on y", "rack=1", "says z"]), max_size=2),
    ),
    min_size=1,
    max_size=12,
)


@given(tolds)
def test_a_family_is_the_same_from_each_of_its_members(said):
    whole = family(said[0], said[1:])
    for number, other in enumerate(said):
        if other.cause in whole:
            assert family(other, said[:number] + said[number + 1 :]) == whole


@given(st.lists(st.sampled_from("abc"), max_size=4), st.sampled_from("abcd"))
def test_a_circle_ends_where_it_began(chain, start):
    known = cluster.known([ci(ref, "x", depends_on=chain) for ref in "abc"])
    assert start not in known.above(start)
