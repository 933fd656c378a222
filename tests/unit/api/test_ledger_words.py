"""How the state of the ledger is said: calm where all is well, loud where it does not verify."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit.ledger import witnesses
from audit.ledger.trust import Damage
from ethops.pages import ledger_words
from ethops.pages.words import NARROW, THIN
from ethops.world.ledger_state import Checked, SignedHead, Standing

NOW = datetime(2026, 11, 21, 3, 12, 4, tzinfo=UTC)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def witness(name="north", **more):
    plain = witnesses.One(
        name, f"admin of {name}", independent=True, state="well", said="", size=48200,
        signed_at=ago(15),
    )  # fmt: skip
    return replace(plain, **more)


WELL = Standing(
    seq=48211,
    waiting=0,
    oldest=None,
    checked=Checked(48211, ago(40), ""),
    head=SignedHead(48200, ago(22)),
    unsigned_since=ago(3),
    witnesses=(witness(), witness("south")),
    quorum=1,
    unwitnessed_since=ago(3),
)


def said(standing):
    return ledger_words.shown(standing, NOW)


def plain(text):
    return text.replace(NARROW, " ").replace(THIN, " ")


def test_all_well_is_one_calm_line():
    shown = said(WELL)
    assert shown.loud == ()
    assert (shown.tone, shown.glyph) == ("ok", "proven")
    assert plain(shown.checked) == "Whole to #48 211, checked 40 s ago"
    assert plain(shown.signed) == (
        "head of #48 200 signed 22 s ago; 2 of 2 witnesses, last 15 s ago"
    )


BROKEN = Damage(ago(40), 7, ["#7: its bytes do not give its hash"])


@pytest.mark.parametrize(
    ("change", "code", "tone"),
    [
        ({"damage": BROKEN}, "broken", "no"),
        ({"damage": replace(BROKEN, acknowledged_by="ada")}, "acknowledged", "doubt"),
        ({"witnesses": (witness(state="ahead"),)}, "cut", "no"),
        ({"refused": "entry #7 does not continue the chain"}, "unsigned", "no"),
        ({"waiting": 3, "oldest": ago(11)}, "unwritten", "doubt"),
        ({"unsigned_since": ago(61)}, "head_late", "doubt"),
        ({"witnesses": (witness(state="away"),)}, "witness_away", "doubt"),
        ({"unwitnessed_since": ago(301)}, "unwitnessed", "doubt"),
        ({"checked": Checked(48211, ago(301), "")}, "check_late", "doubt"),
    ],
)
def test_each_fault_is_said_with_what_to_do(change, code, tone):
    shown = said(replace(WELL, **change))
    assert [(one.code, one.tone) for one in shown.loud] == [(code, tone)]
    assert shown.tone == tone
    assert shown.loud[0].do


@pytest.mark.parametrize(
    ("debts", "words"),
    [(0, ""), (1, "1 act past it, not looked at yet"), (3, "3 acts past it, not looked at yet")],
)
def test_what_was_done_past_it_is_said_calmly(debts, words):
    shown = said(replace(WELL, debts=debts))
    assert (plain(shown.owed), shown.loud, shown.tone) == (words, (), "ok")


def test_everything_broken_is_loud_and_of_the_late_only_the_first():
    shown = said(replace(WELL, damage=BROKEN, refused="it is broken", waiting=3, oldest=ago(60)))
    assert [one.code for one in shown.loud] == ["broken", "unsigned"]
    shown = said(replace(WELL, waiting=3, oldest=ago(60), unsigned_since=ago(90)))
    assert [one.code for one in shown.loud] == ["unwritten"]
    assert [one.code for one in shown.faults] == ["unwritten", "head_late"]


def test_without_a_check_it_is_never_called_whole():
    shown = said(replace(WELL, checked=None))
    assert (shown.says, shown.tone) == ("Not checked yet", "quiet")


def test_an_empty_ledger_is_no_fault():
    shown = said(Standing(0, 0, None, None))
    assert (shown.says, shown.tone, shown.faults) == ("Empty", "quiet", ())


def test_a_witness_of_the_same_administrator_counts_as_none():
    shown = said(replace(WELL, witnesses=(witness(independent=False),)))
    assert "no witness" in shown.signed


def test_who_waits_for_a_silent_witness_is_said():
    short = replace(WELL, witnesses=(witness(state="away"),), quorum=1)
    assert said(short).loud[0].do == "Risky actions wait for it."
    enough = replace(WELL, witnesses=(witness(), witness("south", state="away")), quorum=1)
    assert said(enough).loud[0].do == "The others are enough to go on."
