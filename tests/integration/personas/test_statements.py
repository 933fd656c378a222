"""The second level of chains: who re-chains the whole ledger still cannot change what was asked."""

import json

import pytest

from audit.canonical import canonical
from audit.ledger import instances
from audit.statements import KINDS, Statements, in_stdlib
from personas.incarnation import Incarnation


@pytest.fixture
def entries(world):
    """What two incarnations left in the ledger, as (kind, body)."""
    for _ in range(2):
        world.run("web-01")
        step = world.step()
        for key in ("a", "b"):
            world.propose(step, "ticket.comment", "", step["ticket_ref"], key=key, text=key)
        world.propose(step, "playbook.run", "restart", "db-01", key="c")
        world.finish(step)
    world.record()
    rows = world.as_role("app").execute("SELECT kind, body FROM audit_entry ORDER BY seq")
    return [(row["kind"], json.loads(row["body"])["body"]) for row in rows if row["kind"] in KINDS]


def findings(entries):
    walk = Statements(in_stdlib)
    return [what for kind, body in entries for what in walk.take(kind, body)]


def position(entries, kind, nth=0):
    return [n for n, (each, _) in enumerate(entries) if each == kind][nth]


def changed(entries, kind, nth=0, **fields):
    at = position(entries, kind, nth)
    body = {**entries[at][1], **fields}
    return [*entries[:at], (kind, body), *entries[at + 1 :]]


def test_what_is_recorded_is_whole(entries):
    assert findings(entries) == []


def test_the_database_says_the_same(world, entries):
    assert list(instances.faults(since=0, upto=10_000)) == []


@pytest.mark.parametrize("since", range(1, 12))
def test_a_later_beginning_raises_no_false_alarm(world, entries, since):
    assert list(instances.faults(since=since, upto=10_000)) == []


@pytest.mark.parametrize("since", range(1, 12))
def test_nor_does_one_that_looks_back_at_births_alone(world, entries, monkeypatch, since):
    monkeypatch.setattr(instances, "OVERLAP", 0)
    assert list(instances.faults(since=since, upto=10_000)) == []


def test_who_was_never_born_shows_from_any_beginning(world, entries, monkeypatch):
    # Who holds the log's key and the database can write what verifies by chain and tree.
    monkeypatch.setattr(instances, "OVERLAP", 0)
    signer = Incarnation.mint()
    signed = signer.sign({"kind": "propose", "verb": "playbook.run"})
    sealed = {"key": signer.public_key.hex(), "statement": signed.statement,
              "signature": signed.signature}  # fmt: skip
    body = {"instance": str(signer.id), "verb": "playbook.run", "signed": sealed}
    since = world.value("app", "SELECT max(seq) FROM audit_entry")
    world.value("owner", "SELECT audit.put_pending('action.authorised', 'x', '', %s)",
                json.dumps(body))  # fmt: skip
    world.record()
    found = list(instances.faults(since=since, upto=since + 1))
    assert found == [f"#{since + 1}: its incarnation was never born"]


def test_another_verb_shows(entries):
    found = findings(changed(entries, "action.authorised", verb="ticket.resolve"))
    assert found == ["shows verb 'ticket.resolve', but 'ticket.comment' was signed"]


def test_other_arguments_show(entries):
    assert len(findings(changed(entries, "action.authorised", asked_digest="00" * 32))) == 1


def test_a_statement_put_right_shows_by_its_signature(entries):
    at = position(entries, "action.authorised")
    body = entries[at][1]
    said = {**json.loads(body["signed"]["statement"]), "verb": "ticket.resolve"}
    sealed = {**body["signed"], "statement": canonical(said).decode()}
    found = findings(changed(entries, "action.authorised", verb="ticket.resolve", signed=sealed))
    assert "its signature is not by the key of its incarnation" in found


def test_a_statement_signed_by_a_forger_shows_by_its_key(entries):
    at = position(entries, "action.authorised")
    body = entries[at][1]
    forger = Incarnation.mint()
    text = body["signed"]["statement"]
    sealed = {
        **body["signed"],
        "key": forger.public_key.hex(),
        "signature": forger.key.sign(text.encode()).hex(),
    }
    assert findings(changed(entries, "action.authorised", signed=sealed)) == [
        "it is signed by another than its incarnation, or after the end of that"
    ]


def test_a_statement_that_is_gone_shows(entries):
    at = position(entries, "action.denied")
    found = findings([*entries[:at], *entries[at + 1 :]])
    assert any("does not follow" in what for what in found)


def test_cutting_off_the_last_ones_shows_by_the_count(entries):
    at = position(entries, "step.taken", 1)
    found = findings([*entries[:at], *entries[at + 1 :]])
    assert found == ["its incarnation has signed 4 statements, not 3"]


def test_a_permit_that_nobody_signed_shows(entries):
    at = position(entries, "action.authorised", 1)
    body = {name: value for name, value in entries[at][1].items() if name != "signed"}
    found = findings([*entries[:at], ("action.authorised", body), *entries[at + 1 :]])
    assert found[0] == "nobody has signed it"


def test_a_permit_told_twice_shows(entries):
    at = position(entries, "action.authorised")
    assert any("does not follow" in what for what in findings([*entries[: at + 1], *entries[at:]]))


def test_an_incarnation_that_was_never_born_shows(entries):
    assert "its incarnation was never born" in findings(entries[1:])


def test_who_signed_badly_is_no_damage(entries):
    at = position(entries, "action.denied")
    sealed = {**entries[at][1]["signed"], "signature": "00" * 64, "holds": False}
    assert findings(changed(entries, "action.denied", signed=sealed)) == []
