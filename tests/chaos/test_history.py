"""The checker sees each kind of damage, and nothing in a history that is whole."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.history import (
    Action,
    Effect,
    Entry,
    Event,
    History,
    Ticket,
    check,
    first_of,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
TOO_LATE = NOW + timedelta(seconds=2)

ESCALATE = Action(
    id="a1", principal="run:r", ticket_ref="INC-1", verb="ticket.escalate", entry="",
    target="INC-1", verdict="authorised", outcome="done", work_state="done", entry_seq=7,
)  # fmt: skip
NOTIFY = replace(
    ESCALATE, id="a2", principal="rule:escalation", verb="notify", target="sink", entry_seq=9
)
PLAY = replace(
    ESCALATE, id="a3", ticket_ref="INC-2", verb="playbook.run", entry="restart_service",
    target="web", entry_seq=11,
)  # fmt: skip

WHOLE = History(
    accepted=("f1", "f2"),
    events=(
        Event("f1", "opened", "", "INC-1"),
        Event("f2", "opened", "", "INC-2"),
        Event("f3", "dropped", "only says that monitoring lives", ""),
    ),
    tickets=(
        Ticket("INC-1", "incident", "escalated"),
        Ticket("INC-2", "incident", "resolved"),
        Ticket("CHG-1", "change", "implemented"),
    ),
    actions=(ESCALATE, NOTIFY, PLAY),
    entries=(
        Entry(7, "action.authorised", "a1", NOW),
        Entry(8, "action.outcome", "a1", LATER),
        Entry(9, "action.authorised", "a2", NOW),
        Entry(11, "action.authorised", "a3", NOW),
    ),
    effects=(Effect("line", "a1", LATER), Effect("notice", "a2", LATER), Effect("play", "a3", NOW)),
    restarts={"web": 1},
)


def with_action(action):
    kept = [old for old in WHOLE.actions if old.id != action.id]
    return replace(WHOLE, actions=(*kept, action))


def test_a_whole_history_shows_nothing():
    found = check(WHOLE)
    assert (found.wrong, found.in_doubt) == ((), ())


LOST = {
    "an alert without an event": replace(WHOLE, accepted=("f9",)),
    "an event whose ticket is gone": replace(WHOLE, tickets=WHOLE.tickets[1:]),
    "a drop without a reason": replace(
        WHOLE, accepted=("f1",), events=(Event("f1", "dropped", "", ""),)
    ),
    "an incident that nobody has": replace(
        WHOLE, tickets=(*WHOLE.tickets, Ticket("INC-3", "incident", "assigned"))
    ),
    "an escalation that nobody heard of": replace(WHOLE, actions=(ESCALATE, PLAY)),
    "a permit that was never used": with_action(replace(PLAY, outcome="", work_state="ready")),
}

TWICE = {
    "one id twice": replace(WHOLE, effects=(*WHOLE.effects, Effect("line", "a1", LATER))),
    "one effect under two ids": replace(
        WHOLE,
        actions=(*WHOLE.actions, replace(ESCALATE, id="a4", entry_seq=12)),
        entries=(*WHOLE.entries, Entry(12, "action.authorised", "a4", NOW)),
        effects=(*WHOLE.effects, Effect("line", "a4", LATER)),
    ),
    "a restart too many": replace(WHOLE, restarts={"web": 2}),
}

UNRECORDED = {
    "an effect of no action": replace(
        WHOLE, effects=(*WHOLE.effects, Effect("line", "a9", LATER))
    ),
    "an effect that was denied": with_action(replace(PLAY, verdict="denied", outcome="")),
    "a permit outside the ledger": replace(WHOLE, entries=WHOLE.entries[1:]),
    "another entry than the claim says": with_action(replace(ESCALATE, entry_seq=8)),
    "an entry that came too late": replace(
        WHOLE, entries=(Entry(7, "action.authorised", "a1", TOO_LATE), *WHOLE.entries[1:])
    ),
}  # fmt: skip

UNTRUE = {
    "done and not in the world": replace(WHOLE, effects=WHOLE.effects[1:]),
    "failed and in the world": with_action(replace(NOTIFY, outcome="failed", work_state="failed")),
}


@pytest.mark.parametrize("damaged", LOST.values(), ids=LOST)
def test_what_is_lost_is_seen(damaged):
    assert check(damaged).lost


@pytest.mark.parametrize("damaged", TWICE.values(), ids=TWICE)
def test_what_happened_twice_is_seen(damaged):
    assert check(damaged).twice


@pytest.mark.parametrize("damaged", UNRECORDED.values(), ids=UNRECORDED)
def test_what_was_not_recorded_is_seen(damaged):
    assert check(damaged).unrecorded


@pytest.mark.parametrize("damaged", UNTRUE.values(), ids=UNTRUE)
def test_a_record_that_is_not_true_is_seen(damaged):
    assert check(damaged).untrue


def test_a_doubt_is_shown_and_is_no_damage():
    doubtful = with_action(replace(PLAY, outcome="", work_state="in_doubt"))
    open_ticket = Ticket("INC-2", "incident", "assigned")
    found = check(replace(doubtful, tickets=(WHOLE.tickets[0], open_ticket)))
    assert (found.wrong, len(found.in_doubt)) == ((), 1)


def test_a_receiver_drops_repeats_of_a_key():
    posts = [Effect("notice", "a2", NOW), Effect("notice", "a2", LATER)]
    assert first_of(posts) == ((posts[0],), 1)
