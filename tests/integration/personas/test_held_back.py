"""Risky effects wait for a witness of another administrator; harmless ones do not."""

import psycopg
import pytest

WITNESSES = (("w1", "ada"), ("w2", "Grace"), ("w3", "us"), ("w4", "grace "))


@pytest.fixture
def risky(world):
    """The world with a risky entry and four witnesses, one of our own administrator's."""
    owner = world.as_role("owner")
    owner.execute("UPDATE personas_catalogueentry SET risk = 'high' WHERE name = 'restart'")
    for name, administrator in WITNESSES:
        owner.execute(
            "INSERT INTO audit_witness (name, vkey, url, administrator) VALUES (%s, '', '', %s)",
            [name, administrator.strip()],
        )
    ask_for(world, 1)
    return world


def ask_for(world, quorum):
    world.as_role("owner").execute(
        "UPDATE audit_witnessing SET quorum = %s, administrator = 'Us'", [quorum]
    )


def cosigned(world, witness, size):
    world.as_role("owner").execute(
        "INSERT INTO audit_treehead (size, root, note) VALUES (%s, sha256(''), 'n')"
        " ON CONFLICT DO NOTHING",
        [size],
    )
    world.value("witness", "SELECT audit.cosigned(%s, %s, 'line', now())", witness, size)


def recorded(world):
    action = world.authorised()["action_id"]
    world.record()
    return action, world.work(action)["entry_seq"]


def test_a_risky_effect_waits_until_a_witness_has_signed_over_it(risky):
    action, seq = recorded(risky)
    assert risky.claim() is None
    cosigned(risky, "w1", seq)
    assert risky.claim()["action_id"] == action


def test_it_says_what_it_waits_for(risky):
    action, seq = recorded(risky)
    held = risky.one("app", "SELECT * FROM gate.held_effects()")
    assert (held["action_id"], held["entry_seq"], held["why"]) == (
        action, seq, "waits for a witness",
    )  # fmt: skip


def test_a_head_before_it_is_not_enough(risky):
    _, seq = recorded(risky)
    cosigned(risky, "w1", seq - 1)
    assert risky.claim() is None


def test_a_head_that_there_is_not_yet_is_cosigned_by_nobody(risky):
    with pytest.raises(psycopg.errors.CheckViolation):
        risky.value("witness", "SELECT audit.cosigned('w1', 1000000, 'line', now())")


def test_a_witness_of_our_own_administrator_counts_as_none(risky):
    _, seq = recorded(risky)
    cosigned(risky, "w3", seq)
    assert risky.claim() is None


def test_two_witnesses_of_one_administrator_count_as_one(risky):
    ask_for(risky, 2)
    _, seq = recorded(risky)
    cosigned(risky, "w2", seq)
    cosigned(risky, "w4", seq)
    assert risky.claim() is None
    cosigned(risky, "w1", seq + 7)
    assert risky.claim() is not None


def test_a_witness_that_was_taken_out_counts_no_more(risky):
    _, seq = recorded(risky)
    cosigned(risky, "w1", seq)
    risky.as_role("owner").execute("UPDATE audit_witness SET enabled = false WHERE name = 'w1'")
    assert risky.claim() is None


def test_without_a_quorum_nothing_is_held_back(risky):
    ask_for(risky, 0)
    recorded(risky)
    assert risky.claim() is not None


@pytest.mark.parametrize("risk", ["none", "low"])
def test_a_harmless_effect_goes_on_without_a_witness(risky, risk):
    risky.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = %s", [risk])
    recorded(risky)
    assert risky.claim() is not None


@pytest.mark.parametrize("risk", ["medium", "high", "a risk that nobody knows"])
def test_every_other_risk_waits(risky, risk):
    recorded(risky)
    # Of a risk that nobody knows nothing would be permitted; this one came to be known too late.
    risky.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = %s", [risk[:20]])
    assert risky.claim() is None


def test_a_comment_is_never_held_back(risky):
    risky.run("web-01")
    step = risky.step()
    risky.propose(step, "ticket.comment", "", step["ticket_ref"], text="hello")
    risky.record()
    assert risky.claim("executor.light") is not None


def test_the_effect_that_waited_is_published_again_when_it_may_go(risky):
    action, seq = recorded(risky)
    risky.value("app", "SELECT count(*) FROM audit.unpublished(10, 1000)")
    assert risky.work(action)["published_at"] is not None
    cosigned(risky, "w1", seq)
    assert risky.value("app", "SELECT id FROM audit.unpublished(10, 1000)") == action


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_witnessing SET quorum = 0",
        "INSERT INTO audit_witness (name, vkey, url, administrator) VALUES ('x', '', '', 'x')",
        "UPDATE audit_witness SET size = 1000000",
        (
            "INSERT INTO audit_cosignature (size, witness, administrator, line, at)"
            " VALUES (1, 'w1', 'ada', '', now())"
        ),
    ],
)
@pytest.mark.parametrize("name", ["app", "agent", "executor", "audit_writer", "witness"])
def test_no_process_lowers_what_is_asked_for(risky, name, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        risky.as_role(name).execute(statement)


@pytest.mark.parametrize("name", ["app", "agent", "executor", "audit_writer"])
def test_only_who_asks_the_witnesses_stores_what_they_signed(risky, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        risky.as_role(name).execute("SELECT audit.cosigned('w1', 1, 'line', now())")


@pytest.mark.parametrize("table", ["audit_cosignature", "audit_anchor"])
def test_what_was_signed_is_never_taken_back(risky, table):
    cosigned(risky, "w1", 1)
    risky.value("witness", "SELECT audit.anchored(1, 'git', 'x')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        risky.as_role("owner").execute(f"DELETE FROM {table}")


def test_the_desk_says_what_an_action_waits_for(risky, client, admin_user):
    action = risky.authorised(ticket="INC-00001")["action_id"]
    risky.record()
    client.force_login(admin_user)
    assert "waits for a witness" in client.get(f"/actions/{action}/").content.decode()
    cosigned(risky, "w1", risky.work(action)["entry_seq"])
    assert "waits for an executor" in client.get(f"/actions/{action}/").content.decode()


# ---------------------------------------------------------------- when it waited too long


def expire(world, action):
    world.as_role("owner").execute(
        "UPDATE audit_work SET expires_at = clock_timestamp() - interval '1 s' WHERE id = %s",
        [action],
    )
    world.as_role("app").execute("SELECT * FROM gate.reconcile()")
    return world.one("app", "SELECT outcome, result FROM personas_action WHERE id = %s", action)


def test_a_permit_that_expires_says_that_it_waited_for_a_witness(risky):
    action, _ = recorded(risky)
    assert expire(risky, action) == {
        "outcome": "expired",
        "result": {"said": "the permit expired: it waited for a witness"},
    }


def test_one_that_was_not_written_down_says_so(risky):
    action = risky.authorised()["action_id"]
    assert expire(risky, action)["result"]["said"] == (
        "the permit expired: it waited to be written into the ledger"
    )


def test_one_that_the_stop_held_says_so(risky):
    action, seq = recorded(risky)
    cosigned(risky, "w1", seq)
    risky.value("app", "SELECT gate.press_stop('ada', 'test')")
    assert expire(risky, action)["result"]["said"] == "the permit expired: the stop was pressed"


def test_one_that_nothing_held_only_expired(risky):
    action, seq = recorded(risky)
    cosigned(risky, "w1", seq)
    assert expire(risky, action)["result"]["said"] == "the permit expired"


def test_what_expired_is_never_handed_out(risky):
    action, seq = recorded(risky)
    expire(risky, action)
    cosigned(risky, "w1", seq)
    assert risky.claim() is None
    assert risky.work(action)["state"] == "cancelled"


def test_its_ticket_is_told_once(risky):
    action, _ = recorded(risky)
    for _ in range(2):
        expire(risky, action)
    count = risky.value("app", "SELECT count(*) FROM audit_work WHERE dedup LIKE 'expired:%%'")
    assert count == 1


def test_what_expired_is_on_record(risky):
    action, _ = recorded(risky)
    expire(risky, action)
    risky.record()
    kinds = risky.as_role("app").execute(
        "SELECT kind FROM audit_entry WHERE subject = %s ORDER BY seq", [str(action)]
    )
    assert [row["kind"] for row in kinds.fetchall()][-2:] == ["action.authorised", "action.expired"]
