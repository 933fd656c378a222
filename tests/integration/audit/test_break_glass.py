"""What people did while the ledger was down: marked, a debt, paid by somebody else."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connections

from audit.ledger import breakglass
from audit.ledger.breakglass import Deed
from audit.models import BreakGlass, Entry
from audit.recorder import Recorder

DEED = Deed("bob", "Restarted the database by hand.", datetime(2026, 1, 2, tzinfo=UTC), "ab" * 32)


@pytest.fixture
def brought_in(clean_db):
    """One deed, brought in by bob himself."""
    yield breakglass.bring_in(DEED, by="bob", single_operator=False)
    connections.close_all()


def test_it_is_on_record_as_told_afterwards(role, brought_in):
    link = role("audit_writer")
    Recorder("").record(link, "o")
    said = json.loads(bytes(Entry.objects.get(kind="person.break_glass").body))["body"]
    assert (said["person"], said["claimed_at"], said["after_the_fact"]) == (
        "bob",
        "2026-01-02T00:00:00.000000Z",
        True,
    )


def test_it_is_brought_in_once(brought_in):
    assert breakglass.bring_in(DEED, by="bob", single_operator=False) is None


def test_it_is_a_debt(brought_in):
    assert [one.id for one in breakglass.debts()] == [brought_in]


@pytest.mark.parametrize("by", ["bob", " Bob "])
def test_the_doer_does_not_pay_it(brought_in, by):
    with pytest.raises(DatabaseError, match="another person"):
        breakglass.acknowledge(brought_in, by=by, why="x", single_operator=False)


def test_somebody_else_pays_it(brought_in):
    breakglass.acknowledge(brought_in, by="ada", why="looked at the logs", single_operator=False)
    one = BreakGlass.objects.get()
    assert (one.independent, list(breakglass.debts())) == (True, [])


def test_a_single_operator_pays_it_and_it_is_marked(brought_in):
    breakglass.acknowledge(brought_in, by="bob", why="alone here", single_operator=True)
    assert BreakGlass.objects.get().independent is False


def test_it_is_paid_once(brought_in):
    said = [
        breakglass.acknowledge(brought_in, by=by, why="x", single_operator=False)
        for by in ("ada", "eve")
    ]
    assert said == ["acknowledged", "acknowledged before"]


@pytest.mark.parametrize(
    "change",
    [
        {"who": " "},
        {"what": ""},
        {"evidence_sha256": "x"},
        {"claimed_at": datetime.now(UTC) + timedelta(days=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_deed_that_cannot_be_is_refused(clean_db, change):
    said = {name: getattr(DEED, name) for name in DEED.__slots__} | change
    with pytest.raises(DatabaseError):
        breakglass.bring_in(Deed(**said), by="bob", single_operator=False)
