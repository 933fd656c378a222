"""Durable work and the ledger, with the rows and roles that they run with."""

import threading
from itertools import product

import psycopg
import pytest
from django.db import connection

from audit.ledger import entries, pending, verification
from audit.recorder import Recorder
from audit.rush import MANY
from audit.work import relay, rows
from audit.work.states import WorkState, may_move
from tests.waiting import eventually


def recorder(role):
    link = role("audit_writer")
    origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
    return Recorder(""), link, origin


def enqueue(**changes):
    return rows.enqueue(**{"kind": "dispatch", "subject": "INC-1", "payload": {}, **changes})


def state(work_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, attempts FROM audit_work WHERE id = %s", [work_id])
        return cursor.fetchone()


def test_the_database_knows_the_same_moves_as_the_table(role):
    link = role("owner")
    differ = [
        (str(old), str(new))
        for old, new in product(WorkState, repeat=2)
        if link.execute("SELECT audit.legal_move(%s, %s)", [str(old), str(new)]).fetchone()[0]
        != may_move(old, new)
    ]
    assert differ == []


def test_an_illegal_move_is_refused_even_to_the_owner(role, clean_db):
    work_id = enqueue()
    with pytest.raises(psycopg.errors.CheckViolation):
        role("owner").execute("UPDATE audit_work SET state = 'done' WHERE id = %s", [work_id])


def test_work_is_claimed_once(clean_db):
    enqueue()
    first = rows.claim(queue="control", lease_seconds=30)
    assert (first is not None, rows.claim(queue="control", lease_seconds=30)) == (True, None)


def test_urgent_work_goes_first(clean_db):
    enqueue(subject="later", priority=5)
    enqueue(subject="first", priority=0)
    assert rows.claim(queue="control", lease_seconds=30).subject == "first"


def test_delayed_work_is_not_claimed_early(clean_db):
    enqueue(delay_s=60)
    assert rows.claim(queue="control", lease_seconds=30) is None


def test_a_known_key_is_the_same_work(clean_db):
    assert enqueue(dedup="a") == enqueue(dedup="a")


def test_who_lost_the_lease_cannot_finish(clean_db):
    enqueue()
    work = rows.claim(queue="control", lease_seconds=30)
    assert rows.finish(work.id, work.fence - 1) is False


def test_work_that_fails_three_times_is_dead(role, clean_db):
    work_id = enqueue()
    for _ in range(3):
        role("owner").execute("UPDATE audit_work SET not_before = now()")
        work = rows.claim(queue="control", lease_seconds=30)
        last = rows.release(work.id, work.fence, "boom")
    assert (last, state(work_id)) == ("dead", ("dead", 3))


def test_the_relay_publishes_each_row_once(clean_db):
    enqueue()
    sent = []
    for _ in range(2):
        relay.relay_once(lambda queue, _: sent.append(queue))
    assert sent == ["control"]


def test_what_could_not_be_published_is_published_later(role, clean_db):
    enqueue()

    def lose(queue, work_id):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        relay.relay_once(lose)
    role("owner").execute("UPDATE audit_work SET published_at = now() - interval '6 s'")
    assert relay.relay_once(lambda *_: None) == 1


@pytest.mark.parametrize("name", ["agent", "executor"])
def test_a_role_renews_leases_of_its_own_kind_alone(role, clean_db, name):
    enqueue()
    work = rows.claim(queue="control", lease_seconds=30)
    link = role(name)
    assert link.execute("SELECT audit.beat(%s, %s, 60)", [work.id, work.fence]).fetchone() == (
        False,
    )


def test_a_lease_is_renewed_for_an_hour_at_most(role, clean_db):
    enqueue()
    work = rows.claim(queue="control", lease_seconds=30)
    rows.beat(work.id, work.fence, 10**9)
    left = "SELECT lease_until < now() + interval '2 h' FROM audit_work"
    assert role("owner").execute(left).fetchone() == (True,)


def test_a_lost_message_is_sent_again(role, clean_db):
    enqueue()
    relay.relay_once(lambda *_: None)
    role("owner").execute("UPDATE audit_work SET published_at = now() - interval '6 s'")
    assert relay.relay_once(lambda *_: None) == 1


def test_a_notice_wakes_the_relay_at_once(clean_db, role):
    sent, woken, stop = [], threading.Event(), threading.Event()

    def publish(queue, work_id):
        sent.append(work_id)
        woken.set()

    thread = threading.Thread(target=relay.run, args=(publish, stop))
    thread.start()
    try:
        work_id = enqueue()
        assert woken.wait(5)
    finally:
        stop.set()
        thread.join()
    assert sent == [str(work_id)]


def test_a_fact_becomes_an_entry(role, clean_db):
    pending.note(kind="person.noted", subject="x", body={"a": 1})
    found, link, origin = recorder(role)
    found.record(link, origin)
    assert entries.head().seq == 1


def test_what_is_recorded_verifies(role, clean_db):
    for number in range(300):
        pending.note(kind="person.noted", subject=str(number), body={"n": number})
    found, link, origin = recorder(role)
    while found.record(link, origin):
        pass
    report = verification.check()
    assert (report.whole, report.entries) == (True, 300)


@pytest.mark.parametrize(
    "body",
    ['{"n": 1e5000}', '{"deep": ' + "[" * 3000 + "]" * 3000 + "}"],
    ids=["huge number", "deep"],
)
def test_no_fact_stops_the_ledger(role, clean_db, body):
    role("owner").execute("SELECT audit.put_pending('step.taken', 'x', '', %s)", [body])
    pending.note(kind="person.noted", subject="after", body={})
    found, link, origin = recorder(role)
    found.record(link, origin)
    report = verification.check()
    assert (report.whole, report.entries) == (True, 2)


def test_two_recorders_at_once_do_no_harm(role, clean_db):
    for number in range(200):
        pending.note(kind="person.noted", subject=str(number), body={})
    pair = [recorder(role) for _ in range(2)]

    def drain(found, link, origin):
        while found.record(link, origin):
            pass

    threads = [threading.Thread(target=drain, args=each) for each in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verification.check()
    assert (report.whole, report.entries) == (True, 200)


def test_tampering_by_the_superuser_is_found(role, servers, database_name, clean_db):
    for number in range(5):
        pending.note(kind="person.noted", subject=str(number), body={})
    found, link, origin = recorder(role)
    found.record(link, origin)
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        evil.execute("UPDATE audit_entry SET subject = 'forged' WHERE seq = 3")
        evil.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    assert verification.check().findings == ["#3: shows subject 'forged', but its bytes say '2'"]


def hash_anew(tamper, *bodies):
    """Entries as somebody writes them who can hash, but not sign."""
    for seq, body in bodies:
        tamper(
            "audit_entry",
            "UPDATE audit_entry e SET body = b, hash = sha256('\\x01'::bytea || prev"
            " || sha256('\\x00'::bytea || b)) FROM (SELECT convert_to(" + body + ", 'UTF8') AS b) n"
            f" WHERE seq = {seq}",
        )


@pytest.mark.parametrize(
    "body",
    [
        "repeat('[', 60000)",
        """'{"body":{"values":' || repeat('[', 30000) || repeat(']', 30000) || '}}'""",
        """'{"at":"","body":{"signed":{"statement":"' || repeat('[', 50000) || '"}},"kind":""}'""",
    ],
    ids=["deep", "deep values", "deep statement"],
)
def test_what_breaks_a_reader_is_damage_and_no_silence(role, clean_db, tamper, body, verify):
    for number in range(3):
        pending.note(kind="person.noted", subject=str(number), body={})
    found, link, origin = recorder(role)
    found.record(link, origin)
    hash_anew(tamper, (2, body))
    tamper("audit_entry", "UPDATE audit_entry SET kind = 'step.taken' WHERE seq = 2")
    verify()
    assert not trusted(role)


def trusted(role):
    return role("owner").execute("SELECT audit.trusted()").fetchone()[0]


def test_who_acknowledged_much_has_not_acknowledged_more(role, clean_db, tamper, verify):
    for number in range(20):
        pending.note(kind="person.noted", subject=str(number), body={})
    found, link, origin = recorder(role)
    found.record(link, origin)
    tamper("audit_entry", "UPDATE audit_entry SET subject = 'forged' WHERE seq < 15")
    verify()
    role("app").execute("SELECT audit.acknowledge('ada', 'seen')")
    before = trusted(role)
    tamper("audit_entry", "UPDATE audit_entry SET subject = 'forged' WHERE seq = 20")
    verify()
    assert (before, trusted(role)) == (True, False)


def test_verification_since_an_entry_reads_the_rest_alone(role, clean_db):
    for number in range(5):
        pending.note(kind="person.noted", subject=str(number), body={})
    found, link, origin = recorder(role)
    found.record(link, origin)
    report = verification.check(since=3)
    assert (report.whole, report.entries) == (True, 2)


def waiting_effect(owner):
    owner.execute(
        "INSERT INTO audit_work (kind, queue, state) VALUES ('effect', 'executor.light', 'waiting')"
    )
    owner.execute(
        "SELECT audit.put_pending('action.authorised', 'x', '', '{}', (SELECT id FROM audit_work))"
    )


def test_a_stamped_row_is_flushed_whatever_the_session_does(role, clean_db):
    owner = role("owner")
    waiting_effect(owner)
    found, link, origin = recorder(role)
    link.execute("SET synchronous_commit = off")
    found.record(link, origin)
    flushed = owner.execute(
        "SELECT entry_lsn <= pg_current_wal_flush_lsn(), state FROM audit_work"
    ).fetchone()
    assert flushed == (True, "ready")


def test_a_recorder_killed_between_append_and_stamp_is_made_good(role, clean_db):
    owner, writer = role("owner"), role("audit_writer")
    waiting_effect(owner)
    writer.execute("SELECT audit.append(array_agg(n), array_agg('{}'::bytea)) FROM audit_pending")
    writer.execute("CALL audit.record(%s::bigint[], %s::bytea[])", ([], []))
    assert owner.execute("SELECT state FROM audit_work").fetchone() == ("ready",)


def calls(link, first_s=0.2):
    """Which calls have come: the first within so long, and what came with it."""
    heard = [*link.notifies(timeout=first_s, stop_after=1), *link.notifies(timeout=0.2)]
    return [call.channel for call in heard]


def called_for(role, looking, first_s=0.2, kept="0"):
    """Which calls a fact makes when the recorder looks by itself as this statement says.

    A promise is `kept` for longer where a machine may stand still between the two.
    """
    link = role("owner")
    link.execute("LISTEN ethops_pending")
    writer = role("audit_writer")
    connection.ensure_connection()
    writer.execute(looking)
    link.execute("UPDATE audit_looking SET until = until + %s::interval", [kept])
    pending.note(kind="person.noted", subject="x", body={})
    return calls(link, first_s)


def test_a_recorder_that_looks_by_itself_is_not_called(role, clean_db):
    assert called_for(role, "SELECT audit.look(1)", kept="1 h") == []


@pytest.mark.parametrize("looking", ["SELECT 1", "SELECT audit.look(0.05)", "SELECT audit.look(0)"])
def test_a_recorder_that_does_not_look_long_enough_is_called(role, clean_db, looking):
    assert called_for(role, looking, first_s=20) == ["ethops_pending"]


def test_looking_is_promised_for_a_second_at_most(role, clean_db):
    role("audit_writer").execute("SELECT audit.look(3600)")
    (left,) = (
        role("owner")
        .execute("SELECT until - clock_timestamp() <= interval '1 s' FROM audit_looking")
        .fetchone()
    )
    assert left


def test_batches_left_without_a_stamp_each_get_the_number_of_their_own_entry(role, clean_db):
    owner, writer = role("owner"), role("audit_writer")
    works = [
        owner.execute(
            "INSERT INTO audit_work (kind, queue, state)"
            " VALUES ('effect', 'executor.light', 'waiting') RETURNING id"
        ).fetchone()[0]
        for _ in range(3)
    ]
    for n, batch in enumerate([[None, works[0]], [works[1], None, works[2], works[1]]]):
        for i, work in enumerate(batch):
            owner.execute("SELECT audit.put_pending('action.authorised', %s, '', '{}', %s)",
                          [f"{n}.{i}", work])  # fmt: skip
        writer.execute(
            "SELECT audit.append(array_agg(n ORDER BY n), array_agg('{}'::bytea))"
            " FROM audit_pending"
        )
    writer.execute("SELECT audit.stamp()")
    stamped = owner.execute(
        "SELECT e.subject FROM unnest(%s::uuid[]) WITH ORDINALITY AS x (id, i)"
        " JOIN audit_work w ON w.id = x.id JOIN audit_entry e ON e.seq = w.entry_seq ORDER BY i",
        [works],
    ).fetchall()
    assert [subject for (subject,) in stamped] == ["0.1", "1.0", "1.2"]


def test_what_is_stamped_lies_behind_the_commit_of_its_entry(role, clean_db):
    owner, writer = role("owner"), role("audit_writer")
    waiting_effect(owner)
    writer.execute("SELECT audit.append(array_agg(n), array_agg('{}'::bytea)) FROM audit_pending")
    (appended,) = owner.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    writer.execute("SELECT audit.stamp()")
    (behind,) = owner.execute(
        "SELECT entry_lsn >= %s::pg_lsn FROM audit_work", [appended]
    ).fetchone()
    assert behind


@pytest.mark.processes
def test_in_a_rush_nothing_is_left_lying(role, clean_db, start_process):
    """More at once than make a rush, several times, with pauses as long as its promise."""
    start_process("recorder")
    owner = role("owner")

    def holds(query, *values):
        return lambda: owner.execute(query, values).fetchone()[0]

    for burst in (1, 2, 3):
        owner.execute(
            "SELECT audit.put_pending('person.noted', i::text, '', '{}')"
            " FROM generate_series(1, %s) AS i",
            [3 * MANY],
        )
        eventually(
            holds("SELECT count(*) = %s FROM audit_entry", 3 * MANY * burst),
            told="all of the burst in the ledger",
        )
        eventually(
            holds("SELECT coalesce(max(until) < clock_timestamp(), true) FROM audit_looking"),
            told="the promise to end",
        )
    pending.note(kind="person.noted", subject="last", body={})
    eventually(
        holds("SELECT EXISTS (SELECT 1 FROM audit_entry WHERE subject = 'last')"),
        told="the one after it",
    )
