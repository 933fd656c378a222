"""Permits and outcomes belong together, also where retention took the bytes of some."""

import json

import pytest

from audit.ledger import entries, pairing
from tests.doubles.recording import write_down

ARCHIVE = "SELECT audit.declare_pruning(1, %s, 'a year', 0, repeat('ab', 32), 'ada', 'space')"


@pytest.fixture
def say(role, clean_db):
    """`say("action.outcome", "a", intent_seq=1)` has an entry written; returns its number."""
    owner, writer = role("owner"), role("audit_writer")

    def said(kind, subject, **body):
        owner.execute("SELECT audit.put_pending(%s, %s, '', %s)", [kind, subject, json.dumps(body)])
        write_down(writer)
        return entries.head().seq

    return said


@pytest.fixture
def prune(role, say):
    """`prune(3)` takes the bytes of the first three entries."""

    def gone(last):
        sign = (
            "INSERT INTO audit_treehead (size, root, note)"
            " SELECT seq, sha256(''), 'n' FROM audit_head ON CONFLICT DO NOTHING"
        )
        say("person.noted", "between")
        role("owner").execute(sign)
        role("app").execute(ARCHIVE, [last])
        say("person.noted", "after")
        role("owner").execute(sign)
        assert role("owner").execute("SELECT audit.prune(100)").fetchone()[0] == last

    return gone


def faults(kinds="action."):
    return [one for one in pairing.faults(since=0, upto=entries.head().seq) if kinds in one]


def test_an_outcome_whose_permit_was_pruned_is_no_fault(say, prune):
    intent = say("action.authorised", "a")
    prune(intent)
    say("action.outcome", "a", intent_seq=intent)
    assert faults() == []


@pytest.mark.parametrize("body", [{}, {"intent_seq": None}])
def test_an_outcome_that_does_not_say_which_permit_may_be_of_a_pruned_one(say, prune, body):
    prune(say("action.authorised", "a"))
    say("action.outcome", "a", **body)
    assert faults() == []


def test_an_outcome_of_nothing_shows_after_retention_too(say, prune):
    prune(say("action.authorised", "a"))
    seq = say("action.outcome", "b", intent_seq=3)
    assert faults() == [f"#{seq}: action.outcome of what no entry before it permits"]


def test_a_permit_that_is_there_twice_shows_after_retention_too(say, prune):
    prune(say("person.noted", "x"))
    first, again = say("action.authorised", "b"), say("action.authorised", "b")
    assert faults("permits") == [f"#{again}: permits again what #{first} permits"]


def test_an_outcome_before_its_permit_shows(say):
    seq = say("action.outcome", "b")
    say("action.authorised", "b")
    assert faults() == [f"#{seq}: action.outcome of what no entry before it permits"]
