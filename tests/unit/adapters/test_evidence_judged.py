"""The list of safeguards, and how observations become findings: order, time, contradiction."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.compliance.canonical import identity
from adapters.compliance.judgement import RANK, judge
from adapters.compliance.kinds import ASSESSED, ATTESTED, KINDS, LAPSES, WORDS
from adapters.compliance.port import WHOLE, Exemption, Finding, Observation
from adapters.compliance.safeguards import COUNTS, IG1, number

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAIRS = [(kind, safeguard) for kind, one in KINDS.items() for safeguard in one.speaks]


def look(
    kind: str = "host.managed", safeguard: str = "4.6", scope: str = "web-01", *, met: bool = True,
    ago_h: float = 1, lasts_h: float | None = None, source: str = "cmdb",
) -> Observation:  # fmt: skip
    at = NOW - ago_h * HOUR
    lasts = KINDS[kind].lasts if lasts_h is None else lasts_h * HOUR
    return Observation(
        kind, safeguard, scope, "met" if met else "unmet", "It was looked at.", source, at,
        at + lasts, "0" * 64,
    )  # fmt: skip


def judged(*looks: Observation, exempt: tuple[Exemption, ...] = (), at: datetime = NOW):
    found = judge(looks, exempt, safeguards=IG1, at=at)
    return {(one.safeguard, one.scope): one for one in found}


def stands(*looks: Observation, scope: str = "web-01", at: datetime = NOW) -> tuple[str, str]:
    found = judged(*looks, at=at)["4.6", scope]
    return found.strength, found.ground


# ---------------------------------------------------------------- the list
def test_there_are_56_safeguards_as_many_of_each_control_as_there_are() -> None:
    assert len(IG1) == 56
    counted = Counter(one.control for one in IG1.values())
    said = "1:2 2:3 3:6 4:7 5:4 6:5 7:4 8:3 9:2 10:3 11:4 12:1 14:8 15:1 17:3"
    assert " ".join(f"{control}:{n}" for control, n in sorted(counted.items())) == said
    assert counted == COUNTS


def test_they_stand_in_the_order_of_their_numbers() -> None:
    assert all(number(one) < number(other) for one, other in pairwise(IG1))
    assert list(IG1)[-1] == "17.3"


@pytest.mark.parametrize("one", IG1.values(), ids=list(IG1))
def test_each_has_a_short_title_of_ours(one) -> None:
    assert 10 < len(one.title) < 80
    assert not one.title.startswith(("Establish", "Maintain", "Ensure", "Deploy", "Perform"))


def test_every_kind_speaks_for_safeguards_that_there_are_and_only_people_for_what_they_learn():
    assert {IG1[safeguard].mode for kind, safeguard in PAIRS if kind not in WORDS} == {
        "machine", "ticket", "document",
    }  # fmt: skip
    assert {kind for kind, safeguard in PAIRS if IG1[safeguard].mode == "person"} == WORDS
    for kind in WORDS:
        assert set(KINDS[kind].speaks.items()) == {(name, "partial") for name in IG1}
    assert all(one.lasts > timedelta(0) for one in KINDS.values())
    assert {s for one in KINDS.values() for s in one.speaks.values()} <= {"strong", "partial"}


# ---------------------------------------------------------------- findings
def test_without_observations_every_safeguard_honestly_has_none() -> None:
    found = judge((), (), safeguards=IG1, at=NOW)
    assert [(one.safeguard, one.scope) for one in found] == [(name, WHOLE) for name in IG1]
    assert {(one.strength, one.ground, one.expires_at) for one in found} == {
        ("none", "nothing", None)
    }


def test_an_observation_carries_until_it_expires() -> None:
    one = look()
    found = judged(one)["4.6", "web-01"]
    assert (found.strength, found.collected_at, found.expires_at) == (
        "partial", one.collected_at, one.expires_at,
    )  # fmt: skip
    assert found.observations == (identity(one),)
    assert stands(one, at=one.expires_at - timedelta(microseconds=1)) == ("partial", "evidence")
    assert stands(one, at=one.expires_at) == ("none", "expired")


def test_no_observation_counts_longer_than_its_kind_allows() -> None:
    one = look(lasts_h=10_000)
    assert stands(one, at=NOW + timedelta(days=2)) == ("none", "expired")


def test_what_was_found_unmet_counts_until_a_later_look() -> None:
    bad = look(met=False, ago_h=900)
    assert stands(bad) == ("none", "contradicted"), "not forgotten by age"
    assert stands(bad, look(ago_h=1)) == ("partial", "evidence")
    assert stands(bad, look(ago_h=1), at=NOW + timedelta(days=9)) == ("none", "contradicted")
    assert stands(look(ago_h=3), look(met=False, ago_h=2)) == ("none", "contradicted")


LONG = 24 * 30


@pytest.mark.parametrize(("kind", "safeguard"), PAIRS)
def test_an_unmet_ends_by_its_expiry_where_the_whole_list_is_read_again(kind, safeguard) -> None:
    bad = look(kind, safeguard, WHOLE, met=False)
    assert judged(bad)[safeguard, WHOLE].ground == "contradicted"
    after = judged(bad, at=NOW + KINDS[kind].lasts)[safeguard, WHOLE]
    assert after.ground == ("expired" if kind in LAPSES else "contradicted")
    assert (after.strength, bool(after.observations)) == ("none", True)


def test_what_was_taken_off_a_list_leaves_the_rest_to_carry() -> None:
    gone = look("contacts.kept", "17.2", WHOLE, met=False, ago_h=LONG)
    written = look("documents.kept", "17.2", WHOLE)
    assert judged(gone, written)["17.2", WHOLE].ground == "evidence"
    again = replace(gone, collected_at=NOW - HOUR, expires_at=NOW + HOUR)
    assert judged(gone, again, written)["17.2", WHOLE].ground == "contradicted"
    old, new = (replace(look(ASSESSED, "17.2", WHOLE), source=f"ciso-assistant:{n}") for n in "ab")
    old = replace(old, outcome="unmet")
    assert judged(old, new)["17.2", WHOLE].ground == "contradicted"
    old = replace(old, collected_at=NOW - LONG * HOUR)
    assert judged(old, new)["17.2", WHOLE].ground == "evidence"


def test_another_source_does_not_take_back_what_one_found() -> None:
    assert stands(look(met=False), look(source="elsewhere", ago_h=0.5))[1] == "contradicted"


def test_a_kind_speaks_for_nothing_that_its_row_does_not_name() -> None:
    odd = replace(look(), safeguard="11.2")
    assert judged(odd, replace(look(), kind="of my own"))["11.2", WHOLE].ground == "nothing"


def test_what_was_seen_later_does_not_count_yet() -> None:
    assert judged(look(ago_h=-1))["4.6", WHOLE].ground == "nothing"


def test_everything_is_as_weak_as_its_weakest_scope_and_never_strong_by_its_scopes() -> None:
    two = (look(), look(scope="db-01", ago_h=2))
    found = judged(*two)["4.6", WHOLE]
    assert (found.strength, found.expires_at) == ("partial", two[1].expires_at)
    assert found.because[0] == "2 of 2: evidence."
    assert stands(*two, look(scope="dns", met=False), scope=WHOLE) == ("none", "contradicted")
    assert stands(look(), look(scope="db-01", ago_h=90), scope=WHOLE) == ("none", "expired")
    own = look("inventory.compared", "1.1", WHOLE)
    assert judged(own)["1.1", WHOLE].strength == "strong"
    part = replace(own, scope="web-01")
    assert judged(own, part)["1.1", WHOLE].strength == "partial"


def test_what_does_not_apply_says_why_and_until_when() -> None:
    word = Exemption("4.6", "web-01", "it has no network", "ada", NOW - HOUR, NOW + HOUR)
    found = judged(look(met=False), exempt=(word,))["4.6", "web-01"]
    assert (found.strength, found.ground) == ("none", "exempt")
    assert "ada: it has no network" in found.because[0]
    after = judged(look(met=False), exempt=(word,), at=NOW + HOUR)
    assert after["4.6", "web-01"].ground == "contradicted"


def test_the_newest_word_about_a_place_counts_and_may_take_the_others_back() -> None:
    word = Exemption("4.6", WHOLE, "nobody administers", "ada", NOW - 3 * HOUR, NOW + HOUR)
    assert judged(look(), exempt=(word,))["4.6", "web-01"].ground == "exempt"
    back = replace(word, reason="somebody does", said_at=NOW - HOUR, until=NOW - HOUR)
    assert judged(look(), exempt=(word, back))["4.6", "web-01"].ground == "evidence"


# ---------------------------------------------------------------- what people say
def word(safeguard: str = "4.6", scope: str = "web-01", **more: Any) -> Observation:
    return look(ATTESTED, safeguard, scope, source="people", **more)


def known(*looks: Observation, scope: str = "web-01", at: datetime = NOW) -> tuple[str, str, str]:
    found = judged(*looks, at=at)["4.6", scope]
    return found.strength, found.ground, found.known


def test_a_word_carries_where_nothing_was_measured_and_is_called_one() -> None:
    assert known(word()) == ("partial", "evidence", "attested")
    assert known(look()) == ("partial", "evidence", "measured")
    assert known(look(), word()) == ("partial", "evidence", "measured")
    assert known(look(ago_h=90), word()) == ("partial", "evidence", "attested")
    assert known(word(), at=NOW + timedelta(days=400)) == ("none", "expired", "none")


def test_a_word_lasts_no_longer_than_the_measured_that_it_stands_beside_says() -> None:
    found = judged(look(), word())["4.6", "web-01"]
    assert found.expires_at == look().expires_at
    assert len(found.observations) == 2


def test_no_word_hides_what_was_found_unmet() -> None:
    assert known(look(met=False), word(ago_h=0.1)) == ("none", "contradicted", "measured")
    assert known(word(met=False), look(ago_h=0.1)) == ("none", "contradicted", "attested")
    assert known(word(met=False), word(ago_h=0.5)) == ("partial", "evidence", "attested")


def test_a_word_for_everything_carries_nothing_beside_what_was_looked_at() -> None:
    everything = word(scope=WHOLE)
    assert known(everything, scope=WHOLE) == ("partial", "evidence", "attested")
    assert known(everything, look(), scope=WHOLE) == ("partial", "evidence", "measured")
    assert known(everything, look(ago_h=90), scope=WHOLE) == ("none", "expired", "none")
    assert known(replace(everything, outcome="unmet"), look(), scope=WHOLE) == (
        "none", "contradicted", "attested",
    )  # fmt: skip


def test_a_word_for_one_ci_carries_that_ci_alone() -> None:
    nothing = ("none", "nothing", "none")
    assert known(word()) == ("partial", "evidence", "attested")
    assert known(word(), scope=WHOLE) == nothing
    assert known(look(), word(scope="db-01"), scope=WHOLE) == ("partial", "evidence", "measured")
    assert known(look(met=False), word(scope="db-01"), scope=WHOLE)[2] == "measured"
    assert known(look(ago_h=90), word(), scope=WHOLE) == ("none", "expired", "none")


def test_a_ci_of_which_only_words_are_known_was_not_looked_at_unless_one_is_against_it() -> None:
    everything = word(scope=WHOLE)
    for ago in (1, 10_000):
        assert known(everything, word(ago_h=ago), scope=WHOLE) == (
            "partial",
            "evidence",
            "attested",
        )
    assert known(everything, word(met=False), scope=WHOLE) == ("none", "contradicted", "attested")


# ---------------------------------------------------------------- whatever is observed
@st.composite
def observations(draw: st.DrawFn) -> Observation:
    kind, safeguard = draw(st.sampled_from(PAIRS))
    return look(
        kind, safeguard, draw(st.sampled_from(["", "a", "b"])), met=draw(st.booleans()),
        ago_h=draw(st.integers(-5, 1_000)), lasts_h=draw(st.sampled_from([None, 1, 30, 9_000])),
        source=draw(st.sampled_from(["one", "two"])),
    )  # fmt: skip


looks = st.lists(observations(), max_size=12)


def ranks(found: tuple[Finding, ...]) -> dict[tuple[str, str], int]:
    return {(one.safeguard, one.scope): RANK[one.strength] for one in found}


@given(looks, st.randoms())
def test_the_order_of_observations_does_not_matter(seen, dice) -> None:
    turned = [*seen, *seen[:2]]
    dice.shuffle(turned)
    assert judge(seen, (), safeguards=IG1, at=NOW) == judge(turned, (), safeguards=IG1, at=NOW)


@given(looks, observations())
def test_an_expired_observation_never_strengthens(seen, one) -> None:
    stale = replace(one, collected_at=NOW - 2_000 * HOUR, expires_at=NOW - HOUR)
    for extra in (stale, replace(one, collected_at=NOW - HOUR, expires_at=NOW)):
        before = ranks(judge(seen, (), safeguards=IG1, at=NOW))
        after = ranks(judge([*seen, extra], (), safeguards=IG1, at=NOW))
        assert all(rank <= before.get(place, 0) for place, rank in after.items())


@given(looks, st.integers(0, 3_000), st.integers(0, 3_000))
def test_time_alone_never_strengthens(seen, first, second) -> None:
    seen = [one for one in seen if one.collected_at <= NOW]
    # That what lapses ends is the exception.
    seen = [one for one in seen if one.outcome == "met" or one.kind not in LAPSES]
    before, after = (
        ranks(judge(seen, (), safeguards=IG1, at=NOW + hours * HOUR))
        for hours in sorted((first, second))
    )
    assert before.keys() == after.keys()
    assert all(after[place] <= before[place] for place in before)


@given(looks)
def test_no_finding_is_a_bare_pass(seen) -> None:
    for one in judge(seen, (), safeguards=IG1, at=NOW):
        carried = one.strength != "none"
        assert one.because
        assert carried == (one.ground == "evidence") == (one.collected_at is not None)
        assert not carried or (one.expires_at is not None and one.expires_at > NOW)


@given(looks)
def test_what_is_called_measured_is_so_strong_without_any_word(seen) -> None:
    without = [one for one in seen if one.kind not in WORDS or one.outcome == "unmet"]
    bare = ranks(judge(without, (), safeguards=IG1, at=NOW))
    for one in judge(seen, (), safeguards=IG1, at=NOW):
        carried = one.ground in {"evidence", "contradicted"}
        assert carried == (one.known != "none")
        if one.known == "measured":
            assert RANK[one.strength] <= bare[one.safeguard, one.scope]
