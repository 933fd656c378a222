"""From raw bytes to incidents, without workers: each kind of work is drained by hand."""

import json
from uuid import uuid4

import pytest
from django.db import connection

from adapters import registry
from adapters.tickets.port import Vouched
from ethops.desk import dispatch, events, intake, reconciler, senders, work
from ethops.desk.errors import RejectedError
from ethops.desk.models import Delivery, Event
from ethops.executor import tickets

OPERATOR = Vouched(frozenset({"operator"}))


def body(name="DiskFull", *, status="firing", start="2026-11-21T04:56:36Z", **labels):
    labels = {"alertname": name, "severity": "critical", **labels}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f"{name} on a host"},
        "startsAt": start,
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{abs(hash(json.dumps(labels))):016x}",
    }
    return json.dumps({"version": "4", "alerts": [alert]}).encode()


def take_in(raw):
    return events.read_delivery(intake.accept(sender="am", raw=raw).delivery_id)


def rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def states():
    return [state for (state,) in rows("SELECT state FROM tickets_ticket ORDER BY ref")]


@pytest.fixture(autouse=True)
def _database(clean_db):
    """Every test here commits."""


@pytest.fixture(autouse=True)
def _owner(role):
    OWNER[:] = [role("owner")]


OWNER: list = []


def hurry():
    """Let no work wait for its next try."""
    OWNER[0].execute("UPDATE audit_work SET not_before = now() WHERE state = 'ready'")


def test_the_bytes_are_kept_as_they_came():
    raw = body()
    accepted = intake.accept(sender="am", raw=raw)
    assert bytes(Delivery.objects.get(pk=accepted.delivery_id).raw) == raw


def test_the_same_bytes_again_are_a_repeat():
    intake.accept(sender="am", raw=body())
    assert intake.accept(sender="am", raw=body()).repeated


def test_a_bad_body_is_kept_with_its_reason():
    with pytest.raises(RejectedError) as refused:
        intake.accept(sender="am", raw=b"\x00\xff")
    kept = Delivery.objects.get(pk=refused.value.delivery_id or 0)
    assert (kept.state, bytes(kept.raw)) == ("rejected", b"\x00\xff")


def test_an_alert_opens_an_incident():
    take_in(body())
    assert states() == ["new"]


def test_repeats_fold_into_the_open_incident():
    take_in(body(pod="a"))
    take_in(body(pod="b"))
    assert [e.decision for e in Event.objects.order_by("at")] == ["opened", "folded"]


def test_a_repeated_alert_is_counted_and_not_stored_again():
    for _ in range(3):
        take_in(body())
    assert Event.objects.get().repeats == 2


def test_a_delivery_read_twice_changes_nothing():
    take_in(body())
    events.read_delivery(Delivery.objects.get().pk)
    assert len(states()) == 1


def test_a_watchdog_is_dropped_with_a_reason():
    take_in(body("Watchdog"))
    assert (Event.objects.get().decision, states()) == ("dropped", [])


def test_an_end_without_a_beginning_opens_nothing():
    take_in(body(status="resolved"))
    assert (Event.objects.get().decision, states()) == ("ended", [])


def test_an_alert_that_ends_before_anybody_acted_settles_its_incident():
    take_in(body())
    take_in(body(status="resolved"))
    ref = Event.objects.first().ticket_ref
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert states() == ["resolved"]


def test_the_end_of_a_later_beginning_is_that_of_the_alert():
    take_in(body(start="2026-11-21T04:56:36Z"))
    take_in(body(start="2026-11-21T05:10:00Z"))
    take_in(body(start="2026-11-21T05:10:00Z", status="resolved"))
    assert events.all_ended(Event.objects.first().ticket_ref)


def test_the_end_of_an_earlier_beginning_is_not():
    take_in(body(start="2026-11-21T04:56:36Z"))
    take_in(body(start="2026-11-21T05:10:00Z"))
    take_in(body(start="2026-11-21T04:56:36Z", status="resolved"))
    assert not events.all_ended(Event.objects.first().ticket_ref)


def test_an_end_that_is_read_before_its_beginning_opens_nothing():
    take_in(body(status="resolved"))
    take_in(body())
    assert states() == []


def test_odd_spaces_in_a_label_lose_no_alert():
    take_in(body("Disk  full\u00a0 "))
    assert states() == ["new"]


def test_one_alert_that_fails_does_not_take_the_others_with_it():
    both = json.loads(body("One"))
    both["alerts"] += json.loads(body("Other"))["alerts"]
    refuse = "ALTER TABLE tickets_ticket ADD CONSTRAINT refused CHECK (title <> 'One on a host')"
    OWNER[0].execute(refuse)
    try:
        with pytest.raises(ExceptionGroup):
            take_in(json.dumps(both).encode())
    finally:
        OWNER[0].execute("ALTER TABLE tickets_ticket DROP CONSTRAINT refused")
    assert states() == ["new"]


@pytest.mark.parametrize("start", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
def test_a_time_beyond_all_calendars_leaves_the_ticket_readable(start):
    take_in(body(start=start))
    assert registry.reader("tickets").open_tickets()[0].first_bad_at is None


def test_work_that_dies_is_given_to_a_person():
    take_in(body())
    for _ in range(3):
        # No card is loaded here, so the dispatcher fails each time.
        hurry()
        work.drain()
    reconciler.reconcile_once()
    assert "escalated" in states()


def test_dead_work_is_given_to_a_person_once():
    take_in(body())
    for _ in range(3):
        hurry()
        work.drain()
    for _ in range(2):
        reconciler.reconcile_once()
    assert states().count("escalated") == 1


def test_a_ticket_that_a_person_moves_is_looked_at_again():
    take_in(body())
    ref = Event.objects.get().ticket_ref
    tickets.move_by_person(
        key=uuid4(),
        ref=ref,
        person="ada",
        stimulus="ev_escalate",
        fields={"team": "people"},
        vouched=OPERATOR,
    )
    found = rows(f"SELECT payload->>'why' FROM audit_work WHERE subject = '{ref}'")
    assert ("ada: ev_escalate",) in found


def test_a_sender_is_known_by_its_token():
    assert senders.authenticate(senders.create("am")) == "am"


def test_an_unknown_token_is_nobody():
    senders.create("am")
    assert senders.authenticate("guess") is None


def test_only_a_digest_of_a_token_is_stored():
    token = senders.create("am")
    assert token not in str(rows("SELECT * FROM desk_sender"))


def test_draining_the_queue_reads_deliveries():
    intake.accept(sender="am", raw=body())
    work.drain()
    assert Delivery.objects.get().state == "read"


def test_incidents_by_rule_are_on_record():
    take_in(body())
    assert ("ticket.opened",) in rows("SELECT kind FROM audit_pending")
