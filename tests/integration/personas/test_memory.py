"""Memory out of real runs: only from what was verified, given by name, measured, and forgotten."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.tickets.port import TicketDraft
from ethops.executor import tickets
from personas.memory import learning, recall
from personas.memory.giving import given
from personas.memory.models import Evidence, Item, Learned

LATER = timedelta(minutes=11)


def incident(cause="ci:web-01:WebHangs"):
    deed = tickets.open_incident(
        key=uuid4(),
        draft=TicketDraft(
            ticket_class="incident", title="It hangs", description="", impact=2, urgency=2,
            author="test", author_kind="rule", cause_key=cause, detected_at=datetime.now(UTC),
        ),
        facts={},
    )  # fmt: skip
    return deed.ref


def settle(world, queue, outcome="done"):
    world.record()
    claim = world.claim(queue)
    assert claim is not None
    world.settle(claim, outcome)


def mended(world, outcome="done", *, resolve=True):
    """A run that restarts a service and resolves its incident; returns run and ticket."""
    ref = incident()
    run = world.run("web-01", ticket=ref)
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    settle(world, "executor.plays", outcome)
    if resolve:
        world.propose(step, "ticket.resolve", "", ref, key="r", solution="Restarted.")
        settle(world, "executor.light")
    world.finish(step, "done")
    # The incident is over for the next one of its cause.
    tickets.move_by_rule(
        key=uuid4(), ref=ref, rule="test", stimulus="ev_resolve", fields={"solution": "x"}
    )
    world.record()
    return run, ref


def learn():
    return learning.learn_some(datetime.now(UTC) + LATER)


def known():
    return {(one.kind, one.subject): one for one in Item.objects.exclude(kind="episodic")}


def test_a_remedy_is_remembered_with_its_entry(world, verify):
    run, _ = mended(world)
    verify()
    assert learn() == 1
    item = known()["procedural", "restart"]
    assert (item.ci_class, item.alert) == ("service", "WebHangs")
    evidence = Evidence.objects.get(item=item)
    kind, about = world.as_role("app").execute(
        "SELECT kind, audit.run_of(body) AS run FROM audit_entry WHERE seq = %s",
        [evidence.source_seq],
    ).fetchone().values()  # fmt: skip
    assert (kind, about, evidence.held) == ("action.outcome", str(run), True)


def test_each_run_also_is_an_episode(world, verify):
    run, _ = mended(world)
    verify()
    learn()
    episode = Item.objects.get(kind="episodic")
    assert (episode.subject, episode.facts["entries"]) == (str(run), ["restart"])


def test_what_was_not_verified_is_not_learned(world):
    mended(world)
    assert learn() == 0
    assert not Item.objects.exists()


def test_it_is_learned_once_verified(world, verify):
    mended(world)
    learn()
    verify()
    assert learn() == 1


def test_a_run_is_learned_from_once(world, verify):
    mended(world)
    verify()
    assert (learn(), learn()) == (1, 0)


def test_a_run_that_just_ended_must_first_stay_quiet(world, verify):
    mended(world)
    verify()
    assert learning.learn_some(datetime.now(UTC)) == 0


def test_a_trouble_that_came_back_makes_no_remedy(world, verify):
    mended(world)
    incident()
    world.record()
    verify()
    learn()
    assert not Evidence.objects.get(item=known()["procedural", "restart"]).held
    assert Evidence.objects.get(item=known()["semantic", "comes back after restart"]).held


def test_nothing_is_learned_from_a_ledger_that_does_not_verify(world, verify, evil_entry):
    mended(world)
    evil_entry(1)
    verify()
    assert learn() == 0


def test_nothing_is_told_from_a_ledger_that_does_not_verify(world, verify, evil_entry):
    mended(world)
    verify()
    learn()
    assert recall.fitting("service", "WebHangs")
    evil_entry(1)
    verify()
    assert recall.fitting("service", "WebHangs") == []


def test_entries_that_were_changed_after_the_check_teach_nothing(world, verify, evil_entry):
    run, _ = mended(world)
    verify()
    seq = world.value(
        "app", "SELECT seq FROM audit_entry WHERE kind = 'run.ended' AND subject = %s", str(run)
    )
    evil_entry(seq)
    assert learn() == 0
    assert Learned.objects.get().said == "an entry's bytes do not give its hash"


def draft(world, **more):
    row = world.one(
        "app",
        "SELECT seq, encode(hash, 'hex') AS hash FROM audit_entry WHERE kind = 'action.outcome'"
        " AND audit.content_of(body) #>> '{body,verb}' = 'playbook.run'",
    )
    return {
        "kind": "procedural", "ci_class": "service", "alert": "WebHangs", "subject": "restart",
        "held": True, "source": "action.outcome", "at": datetime.now(UTC).isoformat(),
        "last": "restart", "done": True, "facts": {}, **row, **more,
    }  # fmt: skip


POISONS = {
    "another entry of the catalogue": {"last": "rm_rf", "subject": "rm_rf"},
    "an entry that is not there": {"seq": 999_999},
    "another hash": {"hash": "0" * 64},
    "another kind of entry": {"source": "ticket.opened"},
    "an end that it is not": {"source": "run.ended"},
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_what_no_entry_says_is_refused_even_from_the_app_itself(world, verify, poison):
    run, ref = mended(world)
    verify()
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "app", "SELECT memory.learn(%s, %s, %s, '')", run, ref,
            json.dumps([draft(world, **poison)]),
        )  # fmt: skip
    assert not Item.objects.exists()


def test_a_failed_play_cannot_be_called_a_remedy(world, verify):
    run, ref = mended(world, outcome="failed")
    verify()
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "app", "SELECT memory.learn(%s, %s, %s, '')", run, ref, json.dumps([draft(world)])
        )


def test_another_run_s_entry_is_no_evidence(world, verify):
    _, ref = mended(world)
    verify()
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "app", "SELECT memory.learn(%s, %s, %s, '')", uuid4(), ref, json.dumps([draft(world)])
        )


FORBIDDEN = [
    ("agent", "SELECT * FROM memory_item"),
    ("agent", "SELECT memory.learn(gen_random_uuid(), '', '[]', '')"),
    ("agent", "SELECT memory.forget(1)"),
    ("app", "INSERT INTO memory_item (kind, subject) VALUES ('procedural', 'x')"),
    ("app", "UPDATE memory_evidence SET held = true"),
    ("app", "DELETE FROM memory_item"),
    ("executor", "SELECT * FROM memory.recall('service', 'x')"),
]


@pytest.mark.parametrize(("who", "statement"), FORBIDDEN, ids=[f"{w}: {s}" for w, s in FORBIDDEN])
def test_nobody_writes_or_reads_past_the_doors(world, who, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role(who).execute(statement)


def test_an_agent_may_recall(world, verify):
    mended(world)
    verify()
    learn()
    rows = world.as_role("agent").execute("SELECT * FROM memory.recall('service', 'WebHangs')")
    assert ("restart", 1, 1) in {(r["subject"], r["held"], r["seen"]) for r in rows.fetchall()}


def test_memory_is_of_one_class_and_one_alert(world, verify):
    mended(world)
    verify()
    learn()
    assert recall.fitting("cache", "WebHangs") == []
    assert recall.fitting("service", "Other") == []
    assert recall.fitting("service", "") == []


def given_to(world, run, items):
    """Record a step whose question named these items."""
    owner = world.as_role("owner")
    owner.execute(
        "UPDATE personas_step SET question = %s WHERE run_id = %s",
        [json.dumps({"facts": {"memory.given": items}}), run],
    )


def test_what_helped_is_counted_with_and_without(world, verify):
    mended(world)
    verify()
    learn()
    item = known()["procedural", "restart"]
    second, _ = mended(world)
    given_to(world, second, [str(item.id)])
    verify()
    learn()
    mended(world, outcome="failed", resolve=False)
    verify()
    learn()
    assert learning.helped()[item.id] == (1, 1, 2, 1)


def test_a_person_takes_an_item_away_on_record(world, verify):
    mended(world)
    verify()
    learn()
    item = known()["procedural", "restart"]
    assert learning.forget_item(item=item.id, by="ada", why="it was luck")
    assert ("procedural", "restart") not in known()
    assert world.value("owner", "SELECT count(*) FROM audit_pending WHERE kind = 'person.forgot'")
    assert learning.forget_item(item=item.id, by="ada", why="again") is False


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", " ")])
def test_nobody_forgets_without_name_and_reason(world, by, why):
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("app", "SELECT memory.forget_item(%s, %s, %s)", uuid4(), by, why)


def test_evidence_goes_with_its_entry(world, verify, evil_entry):
    mended(world)
    verify()
    learn()
    for seq in Evidence.objects.values_list("source_seq", flat=True).distinct():
        evil_entry(seq, "kind = 'pruned'")
    learning.forget()
    assert not Item.objects.exists()


def test_evidence_stays_while_its_entry_does(world, verify):
    mended(world)
    verify()
    learn()
    assert learning.forget() == 0


def test_a_run_is_given_what_was_learned(world, verify):
    mended(world)
    verify()
    learn()
    items = recall.fitting("service", "WebHangs")
    assert [one.subject for one in given(UUID(int=1), items)] == ["restart"]
    assert given(UUID(int=5), items) == ()


@pytest.fixture
def evil_entry(servers, database_name):
    """`evil_entry(seq)`: what somebody with the superuser's login does to an entry."""

    def change(seq, how="body = body || ' '::bytea"):
        with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
            names = link.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entry'::regclass"
                " AND NOT tgisinternal"
            ).fetchall()
            link.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
            link.execute(f"UPDATE audit_entry SET {how} WHERE seq = {int(seq)}")
            for (name,) in names:
                link.execute(f"ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER {name}")

    return change
