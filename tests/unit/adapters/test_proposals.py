"""What sightings come to: the same whatever the order, declined for good, bounded, and fit."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cmdb.precedence import ATTRIBUTE, EXISTS
from adapters.cmdb.proposals import (
    LONGEST_SAID,
    MOST,
    MOST_OF_SOURCE,
    MOST_SOURCES,
    MOVES,
    STATES,
    Proposal,
    Sighting,
    Thing,
    fold,
    moved,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
REF = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")


def host(name="web-09", source="bus", minute=0, said="publishes"):
    thing = Thing("host", name, "server", attributes={"hostname": name})
    return Sighting(source, thing, NOON + timedelta(minutes=minute), said)


def service(name="nginx.service", about="web-01", minute=0, **attributes):
    thing = Thing("service", name, "service", about, {"runs_on": [about], **attributes})
    return Sighting(f"osquery:{about}", thing, NOON + timedelta(minutes=minute), "runs")


def by_key(folded):
    return {one.thing.key: one for one in folded.proposals}


SIGHTINGS = st.lists(
    st.builds(
        host,
        st.sampled_from(["web-09", "db-09", "a.example", "LOUD", "x;y"]),
        st.sampled_from(["bus", "observer", "alerts:prom"]),
        st.integers(0, 50),
        st.sampled_from(["publishes", "is named"]),
    )
    | st.builds(
        service,
        st.sampled_from(["nginx.service", "a b"]),
        st.sampled_from(["web-01", "web-02"]),
        st.integers(0, 50),
        port=st.integers(1, 3),
    ),
    max_size=40,
)


@given(SIGHTINGS, st.randoms())
def test_the_same_sightings_in_any_order_are_the_same_proposals(seen, chance):
    others = [*seen, *seen]
    chance.shuffle(others)
    assert fold(seen, {}) == fold(others, {})


@given(SIGHTINGS)
def test_what_is_told_again_changes_nothing(seen):
    once = fold(seen, {})
    again = fold(seen, by_key(once))
    assert by_key(again) == by_key(once)


@given(SIGHTINGS)
def test_what_is_proposed_is_fit_and_gives_nobody_a_right(seen):
    for one in fold(seen, {}).proposals:
        assert one.thing.is_fit
        assert REF.fullmatch(one.ref)
        fields = {name for name in one.words if not name.startswith(ATTRIBUTE)}
        assert fields == {EXISTS, "name", "ci_class", "managed_by"}


@given(SIGHTINGS)
def test_what_was_declined_stays_so_until_it_is_seen_otherwise(seen):
    declined = {k: replace(one, state="declined") for k, one in by_key(fold(seen, {})).items()}
    assert {one.state for one in fold(seen, declined).proposals} <= {"declined"}
    # A service on another port is another one; a host of the same name is the same.
    otherwise = {k: replace(one, words={"name": "x"}) for k, one in declined.items()}
    assert {one.state for one in fold(seen, otherwise).proposals} <= {"proposed"}


def test_a_flood_is_bounded_and_counted():
    seen = [host(f"h{number}") for number in range(1_000)]
    folded = fold(seen, {})
    assert len(folded.proposals) == MOST_OF_SOURCE
    assert folded.left_out == {"bus": 1_000 - MOST_OF_SOURCE}


def test_a_flood_takes_no_place_from_others_and_none_from_what_waits():
    first = by_key(fold([host("zz")], {}))
    seen = [host("zz", minute=1), host("db-09", "observer"), *(host(f"h{n}") for n in range(100))]
    found = by_key(fold(seen, first))
    assert {"host:zz", "host:db-09"} <= found.keys()
    assert len(found) == MOST_OF_SOURCE + 1


def test_many_sources_together_are_bounded():
    seen = [host(f"h{n}-{each}", f"alerts:{n}") for n in range(60) for each in range(20)]
    folded = fold(seen, {})
    assert len(folded.proposals) == MOST
    assert folded.left_out == {}, "none of them has filled its own share"
    assert sum(folded.crowded.values()) == 1_200 - MOST


def test_a_full_share_is_told_as_such_however_much_waits_of_all():
    waits = {
        f"host:w{n}-{each}": Proposal(host().thing, "w", "proposed", f"alerts:{n}", {}, ())
        for n in range(MOST // MOST_OF_SOURCE) for each in range(MOST_OF_SOURCE)
    }  # fmt: skip
    folded = fold([host("a", "alerts:0"), host("b", "bus")], waits)
    assert (folded.left_out, folded.crowded) == ({"alerts:0": 1}, {"bus": 1})


def test_what_another_source_sees_as_well_is_proposed_once_with_both():
    folded = fold([host(), host(source="observer", minute=3), host(minute=5, said="still")], {})
    (one,) = folded.proposals
    assert [(each.source, each.times, each.said) for each in one.seen] == [
        ("bus", 2, "still"), ("observer", 1, "publishes"),
    ]  # fmt: skip


def test_it_counts_to_the_first_who_saw_it_and_had_room():
    seen = [host(source="alerts:a", minute=3), host(source="observer", minute=1), host(minute=2)]
    (one,) = fold(seen, {}).proposals
    assert one.source == "observer"
    full = {
        f"host:w{n}": Proposal(host(f"w{n}").thing, f"w{n}", "proposed", "observer", {}, ())
        for n in range(MOST_OF_SOURCE)
    }
    (one,) = fold(seen, full).proposals
    assert one.source == "bus"


def test_of_very_many_sources_the_newest_are_kept():
    seen = [host(source=f"alerts:{n}", minute=n, said="x" * 999) for n in range(30)]
    (one,) = fold(seen, {}).proposals
    assert len(one.seen) == MOST_SOURCES
    assert {each.source for each in one.seen} == {f"alerts:{n}" for n in range(22, 30)}
    assert all(len(each.said) <= LONGEST_SAID for each in one.seen)


HOSTILE = {
    "markup": "<script>", "a space": "web 09", "a shell": "x;reboot", "a path": "../x",
    "nothing": "", "itself": "localhost", "its loop": "127.0.0.1", "capitals": "WEB-09",
    "a line": "a\nb", "hidden": "web\u200b09", "too long": "a" * 121, "a dash": "-x",
    "another script": "w\u0435b-09",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_name_that_is_none_is_no_proposal(name):
    folded = fold([host(name)], {})
    assert (folded.proposals, folded.unfit) == ((), {"bus": 1})


VALUES = {
    "a substitution": "$(reboot)", "an option": "--upload", "markup": "<b>", "a quote": "a'b",
    "a line": "a\nb", "a mapping": {"a": "b"}, "truth": True, "a list of more": [["a"]],
    "very many": ["a"] * 9,
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_value_that_a_playbook_should_not_get_is_no_proposal(value):
    assert fold([service(unit=value)], {}).proposals == ()


def test_two_hosts_may_have_a_service_of_one_name_and_a_ref_that_is_taken_gets_another():
    one, other = fold([service(), service(about="web-02")], {}).proposals
    assert (one.ref, other.ref) == ("web-01-nginx", "web-02-nginx")
    (again,) = fold([service()], {}, ["web-01-nginx"]).proposals
    assert re.fullmatch(r"web-01-nginx-[0-9a-f]{8}", again.ref)


def test_an_attribute_is_said_of_the_ci_alone():
    thing = Thing("attribute", "os", "", "web-01", {"os": "Debian GNU/Linux 12"})
    (one,) = fold([Sighting("osquery:web-01", thing, NOON, "runs it")], {}).proposals
    assert (one.ref, one.words) == ("web-01", {"attributes.os": "Debian GNU/Linux 12"})


def test_no_attribute_but_a_measured_one_is_proposed():
    thing = Thing("attribute", "pidfile", "", "web-01", {"pidfile": "/x"})
    assert fold([Sighting("osquery:web-01", thing, NOON, "x")], {}).proposals == ()


@pytest.mark.parametrize("state", STATES)
def test_only_a_person_leads_to_accepted_and_declined(state):
    alone = {moved(state, one) for one in ("seen", "seen otherwise", "gone")} - {state}
    assert alone <= {"proposed", "withdrawn"}
    assert set(MOVES) == set(STATES)


def test_a_proposal_that_is_full_by_what_waits_has_no_room_for_more():
    waits = {
        f"host:w{n}": Proposal(host(f"w{n}").thing, f"w{n}", "proposed", "bus", {}, ())
        for n in range(MOST_OF_SOURCE)
    }
    folded = fold([host()], waits)
    assert (folded.proposals, folded.left_out) == ((), {"bus": 1})
