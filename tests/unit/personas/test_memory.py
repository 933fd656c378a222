"""What a run has shown, by what the ledger says of it; and which of it a run is given."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from personas.memory.episodes import Said, alert_of, drafts, episode
from personas.memory.giving import HELD_BACK, MOST_GIVEN, Item, facts, given, is_held_back

AT = datetime(2026, 11, 26, tzinfo=UTC)
RUN = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
OPENED = ("ticket.opened", "INC-1", {"cause": "ci:web-01:WebHangs"})
BORN = ("run.born", RUN, {"card": "responder", "scope": ["web-01"], "joined": "joined"})
ENDED = ("run.ended", RUN, {"state": "succeeded"})
RESOLVED = ("action.outcome", "r", {"run": RUN, "verb": "ticket.resolve", "outcome": "done"})


def play(entry, outcome="done", run=RUN, **more):
    body = {"run": run, "verb": "playbook.run", "entry": entry, "target": "web-01"}
    return ("action.outcome", entry, {**body, "outcome": outcome, "risk": "low", **more})


def told(*entries):
    return [
        Said(seq, f"{seq:064x}", kind, subject, AT, body)
        for seq, (kind, subject, body) in enumerate(entries, 1)
    ]


def shown(*entries, came_back=False):
    found = episode(RUN, told(OPENED, BORN, *entries, ENDED))
    assert found is not None
    return {
        (one.kind, one.subject): one.held
        for one in drafts(found, ci_class="service", came_back=came_back)
        if one.kind != "episodic"
    }


def test_a_remedy_that_worked_is_known_and_what_it_does_not_do():
    assert shown(play("restart"), RESOLVED) == {
        ("procedural", "restart"): True,
        ("semantic", "restart fails"): False,
        ("semantic", "comes back after restart"): False,
    }


def test_the_order_of_entries_is_what_is_known():
    assert ("procedural", "clean > restart") in shown(play("clean"), play("restart"), RESOLVED)


def test_what_nobody_resolved_has_not_worked():
    assert shown(play("restart")) == {
        ("procedural", "restart"): False,
        ("semantic", "restart fails"): False,
    }


def test_a_play_that_failed_is_a_sign():
    assert shown(play("restart", "failed"))["semantic", "restart fails"]


def test_a_trouble_that_came_back_was_not_mended():
    found = shown(play("restart"), RESOLVED, came_back=True)
    assert found["procedural", "restart"] is False
    assert found["semantic", "comes back after restart"] is True


def test_who_only_looks_teaches_nothing_about_remedies():
    assert shown(play("collect", risk="none"), RESOLVED) == {}


def test_what_another_run_did_is_not_this_one_s():
    assert shown(play("restart", run=OTHER)) == {}


@pytest.mark.parametrize("missing", [BORN, ENDED], ids=["birth", "end"])
def test_a_run_that_is_not_told_whole_teaches_nothing(missing):
    entries = [one for one in (OPENED, BORN, ENDED) if one is not missing]
    assert episode(RUN, told(*entries)) is None


def test_a_run_that_was_joined_to_no_ci_knows_of_none():
    born = ("run.born", RUN, {"scope": ["web-01"], "joined": "ambiguous"})
    assert episode(RUN, told(OPENED, born, ENDED)).ci == ""


@pytest.mark.parametrize(
    ("cause", "alert"),
    [
        ("ci:web-01:WebHangs", "WebHangs"),
        ("alert:WebHangs:site=a", "WebHangs"),
        ("ci:web-01:a:b", "a:b"),
        ("", ""),
        ("nothing", ""),
        ("ci:web-01:" + "x" * 300, "x" * 80),
    ],
)
def test_the_alert_is_read_from_its_cause(cause, alert):
    assert alert_of(cause) == alert


def test_every_draft_names_the_entry_it_rests_on():
    found = episode(RUN, told(OPENED, BORN, play("restart"), RESOLVED, ENDED))
    assert found is not None
    sources = {one.source.kind for one in drafts(found, ci_class="service", came_back=False)}
    assert sources == {"run.ended", "action.outcome"}


ITEMS = st.lists(
    st.builds(
        lambda n, kind, held, more: Item(f"{n}", kind, f"s{n}", held, held + more),
        st.integers(0, 99),
        st.sampled_from(["procedural", "semantic"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=12,
)
RUNS = st.integers(1, 2**128 - 1).map(lambda n: UUID(int=n))


@examples(RUNS, ITEMS)
def test_a_run_is_given_few_and_the_most_trusted(run, items):
    found = given(run, items)
    assert len(found) <= MOST_GIVEN
    left = [one for one in items if one not in found]
    for one in found:
        assert one.held > 0
        assert is_held_back(run) is False
    if found and len(found) < MOST_GIVEN:
        assert not [o for o in left if o.kind == "procedural" and o.held > 0]


@examples(RUNS, ITEMS)
def test_what_is_named_is_what_is_told(run, items):
    found = given(run, items)
    said = facts(found)
    assert said.get("memory.given", []) == [one.id for one in found]
    says = [f"{one.subject}: {one.held} of {one.seen} times" for one in found]
    assert said.get("memory.says", []) == says


def test_one_run_in_five_goes_without():
    held = sum(is_held_back(UUID(int=n)) for n in range(1, 10_001))
    assert held == 10_000 // HELD_BACK


def test_once_is_not_always():
    assert Item("a", "procedural", "x", 1, 1).trust < Item("b", "procedural", "y", 9, 10).trust


def test_a_sign_that_was_seen_once_is_not_told():
    run = UUID(int=1)
    assert given(run, [Item("a", "semantic", "restart fails", 1, 1)]) == ()
    assert given(run, [Item("a", "semantic", "restart fails", 2, 2)]) != ()
