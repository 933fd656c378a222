"""How numbers, times and states are said."""

from datetime import UTC, datetime, timedelta

import pytest

from ethops.pages import words

NOW = datetime(2026, 11, 21, 3, 12, 4, 412000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (89, "89 s"),
        (90, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (11_400, "3 h 10"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_span_has_at_most_two_units(seconds, said):
    assert words.span(timedelta(seconds=seconds)).replace(words.NARROW, " ") == said


def test_a_short_span_keeps_its_tenths():
    assert words.short_span(timedelta(seconds=3.81)) == f"3.8{words.NARROW}s"


def test_an_entry_number_is_in_groups_of_three():
    assert words.entry(48211) == f"#48{words.THIN}211"


def test_a_moment_is_said_in_utc_however_it_came():
    moment = words.Moment(NOW.astimezone(), NOW)
    assert (moment.clock, moment.full) == ("03:12:04", "21 November 2026 03:12:04.412 UTC")


@pytest.mark.parametrize(
    ("parts", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_a_list_ends_with_and(parts, said):
    assert words.listed(parts) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "yes"), (False, "no"), (None, "none"), ([], "none"), ("", "none"), (["a", 1], "a, 1")],
)
def test_json_is_said_as_people_say_it(value, said):
    assert words.plain(value) == said


def test_nested_facts_get_dotted_paths():
    assert words.flat({"ci": {"ref": "web-01", "up": False}, "n": 3}) == [
        ("ci.ref", "web-01"),
        ("ci.up", "no"),
        ("n", "3"),
    ]


def test_a_long_fact_is_cut():
    assert len(words.flat({"text": "x" * 9999})[0][1]) == words.LONGEST + 1


@pytest.mark.parametrize(
    ("verdict", "outcome", "work", "word"),
    [
        ("denied", "", "", "denied"),
        ("observed", "", "", "would have"),
        ("authorised", "", "waiting", "authorised"),
        ("authorised", "", "leased", "acting"),
        ("authorised", "", "in_doubt", "in doubt"),
        ("authorised", "done", "done", "done"),
        ("authorised", "failed", "failed", "failed"),
        ("authorised", "void", "cancelled", "void"),
    ],
)
def test_every_stand_of_an_action_has_its_word(verdict, outcome, work, word):
    assert words.action_state(verdict, outcome, work).word == word


def test_no_state_is_told_by_colour_alone():
    tables = (words.TICKET_STATES, words.RUN_STATES, words.WORK_STATES, words.OUTCOMES)
    assert all(state.glyph and state.word for table in tables for state in table.values())


def test_an_unknown_state_is_said_by_its_own_name():
    assert words.ticket_state("on_hold").word == "on hold"
