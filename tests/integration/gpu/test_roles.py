"""What each role of the database may do with the queue: its own doors, and nothing beside them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from gpu import rows
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier

Connect = Callable[[str], psycopg.Connection[Any]]

SLOT = """
    INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s, tokens_per_s,
                          prefill_per_s, tiers)
    VALUES ('code', 'coder', 'chat', '{}', 8192, 11000, 9, 26, 800, '["ops", "research"]')
"""
CARD = "INSERT INTO gpu_card (name, url, vram_mb, reserve_mb) VALUES ('card0', 'http://x', 1, 0)"


@pytest.fixture
def job(role: Connect) -> UUID:
    """A job that waits, for a slot and a card that are declared."""
    owner = role("owner")
    owner.execute(SLOT)
    owner.execute(CARD)
    body: dict[str, Any] = {"messages": []}
    return rows.submit(Request(Tier.RESEARCH, "code", JobKind.CHAT, "person:ada", body))


def refused(role: Connect, name: str, statement: str, job: UUID) -> str:
    """Execute a statement as a role; the SQLSTATE of its refusal."""
    with pytest.raises(psycopg.Error) as raised:
        role(name).execute(statement, {"job": job})
    return str(raised.value.sqlstate)


SUBMIT = (
    "SELECT gpu.submit('ops', 'code', 'chat', 'run:x', '', '', NULL, NULL, '', '{}', false, false,"
    " false, 0, 60, NULL, false, 512)"
)
AGENT = (
    SUBMIT,
    "SELECT gpu.cancel(%(job)s, 'mine')",
    "SELECT gpu.waiting()",
    "SELECT gpu.ready_jobs(0)",
    "SELECT gpu.end_overdue()",
    "SELECT gpu.unpin('code', 'me')",
    "SELECT gpu.foreign_beat(%(job)s)",
    "SELECT gpu.foreign_over(%(job)s, 0)",
    "SELECT gpu.take_card('card0', 'me', 60, '')",
    "SELECT gpu.claim_job('card0', 1, %(job)s, 60)",
    "SELECT gpu.finish_job(%(job)s, 1, 'finished', '{}', '', '', 1, 1, 1)",
    "SELECT gpu.hasten(%(job)s)",
    "SELECT gpu.bury(%(job)s)",
    "SELECT * FROM gpu_job",
    "SELECT * FROM gpu_client",
    "SELECT * FROM gpu_piece",
    "INSERT INTO gpu_job SELECT * FROM gpu_job",
    "UPDATE gpu_slot SET digest = 'mine'",
    "UPDATE gpu_card SET url = 'http://elsewhere'",
    "DELETE FROM gpu_card",
    "TRUNCATE gpu_slot",
)


@pytest.mark.parametrize("statement", AGENT)
def test_an_agent_has_no_door_of_the_queue(role: Connect, job: UUID, statement: str) -> None:
    assert refused(role, "agent", statement, job) == "42501"


def test_an_agent_sees_which_slots_and_cards_there_are(role: Connect, job: UUID) -> None:
    assert role("agent").execute("SELECT name FROM gpu_slot").fetchall() == [("code",)]
    assert role("agent").execute("SELECT name FROM gpu_card").fetchall() == [("card0",)]


def test_an_agent_asks_a_model_for_its_own_step_alone(role: Connect, job: UUID) -> None:
    said = (
        role("agent")
        .execute("SELECT gate.ask_model(%s, 1, 'token', 'code', '{}', 10, 60, '', '')", [job])
        .fetchone()
    )
    assert said == ("late",)
    assert role("app").execute("SELECT count(*) FROM gpu_job").fetchone() == (1,)


def test_an_agent_reads_no_answer_but_its_own(role: Connect, job: UUID) -> None:
    found = role("agent").execute("SELECT * FROM gate.asked_model(%s, 1, 'token')", [job])
    assert found.fetchall() == []


WORKER = (
    SUBMIT,
    "SELECT gpu.cancel(%(job)s, 'mine')",
    "SELECT gpu.unpin('code', 'me')",
    "SELECT gpu.end_overdue()",
    "SELECT gpu.foreign_over(%(job)s, 0)",
    "SELECT gpu.record_end(j, 'inference.done', '') FROM gpu_job j",
    "SELECT gpu.hasten(%(job)s)",
    "SELECT * FROM gpu_job",
    "SELECT * FROM gpu_client",
    "SELECT * FROM audit_work",
    "SELECT * FROM audit_entry",
    "SELECT * FROM tickets_ticket",
    "SELECT * FROM personas_run",
    "SELECT * FROM auth_user",
    "UPDATE gpu_slot SET digest = 'mine'",
    "UPDATE gpu_card SET fence = 99",
    "UPDATE gpu_job SET answer = '{}'",
    "DELETE FROM gpu_piece",
    "INSERT INTO audit_pending (kind, subject, body) VALUES ('x', 'y', '{}')",
    "SELECT audit.note('ticket.forged', 'x', '', '{}')",
    "SELECT audit.put_pending('inference.done', 'x', '', '{}')",
    "SELECT audit.enqueue('sweep', 'control', 'x', '{}')",
    "SELECT gate.claim_step('me', 60, gen_random_uuid(), ''::bytea)",
    "SELECT gate.claim_effect('executor.light', 'me', 60)",
    "SELECT gate.dispatch('triage', 'x', 1, '[]', 'none', '{}', 'x')",
    "SELECT gate.ask_model(%(job)s, 1, 't', 'code', '{}', 1, 1, '', '')",
    "SELECT gate.press_stop('me', 'why')",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION gpu.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE gpu_job ADD COLUMN mine int",
    "SET ROLE ethops_owner",
    "COPY gpu_slot TO PROGRAM 'cat'",
    "DROP SCHEMA gpu CASCADE",
)


@pytest.mark.parametrize("statement", WORKER)
def test_a_worker_touches_nothing_but_its_doors(role: Connect, job: UUID, statement: str) -> None:
    assert refused(role, "gpu", statement, job) == "42501"


def test_a_worker_ends_no_work_of_others(role: Connect, job: UUID) -> None:
    app, gpu = role("app"), role("gpu")
    app.execute("SELECT audit.enqueue('sweep', 'control', 'x', '{}')")
    row = app.execute("SELECT id, fence FROM audit.claim('control', 'me', 60)").fetchone()
    assert row is not None
    for call in (
        "gpu.finish_job(%s, %s, 'finished', '{}', '', '', 1, 1, 1)",
        "gpu.try_again(%s, %s, '', '', 0, 0, '{}', 0)",
        "gpu.put_back(%s, %s, '{}', 0, 0)",
    ):
        gpu.execute(f"SELECT {call}", row)
    state = app.execute("SELECT state FROM audit_work WHERE id = %s", [row[0]]).fetchone()
    assert state == ("leased",)


def test_a_worker_claims_nothing_without_a_card(role: Connect, job: UUID) -> None:
    found = refused(role, "gpu", "SELECT * FROM gpu.claim_job('card0', 0, %(job)s, 60)", job)
    assert found == "GQ004"


def test_a_worker_claims_no_work_of_another_kind(role: Connect, job: UUID) -> None:
    app, gpu = role("app"), role("gpu")
    app.execute("SELECT audit.enqueue('sweep', 'control', 'x', '{}')")
    (sweep,) = app.execute("SELECT id FROM audit_work WHERE kind = 'sweep'").fetchone() or ("",)
    (fence,) = gpu.execute("SELECT gpu.take_card('card0', 'me', 60, '')").fetchone() or (0,)
    claim = "SELECT * FROM gpu.claim_job('card0', %s, %s, 60)"
    assert gpu.execute(claim, [fence, sweep]).fetchone() is None


APP = (
    "SELECT gpu.finish_job(%(job)s, 1, 'finished', '{\"x\": 1}', '', '', 1, 1, 1)",
    "SELECT gpu.claim_job('card0', 1, %(job)s, 60)",
    "SELECT gpu.take_card('card0', 'me', 60, '')",
    "SELECT gpu.begin_job(%(job)s, 1, 1, true, 'd')",
    "SELECT gpu.put_back(%(job)s, 1, '{}', 0, 0)",
    "SELECT gpu.try_again(%(job)s, 1, '', '', 0, 0, '{}', 0)",
    "SELECT gpu.show_card('card0', 1, '{}')",
    "SELECT gpu.note_piece('card0', 1, 'run', 'ops', 'code', NULL, 1, 'finished', 1)",
    "SELECT gpu.measure('code', 1, 1, 1, 1)",
    "SELECT gpu.see_digest('code', 'mine')",
    "SELECT gpu.record_end(j, 'inference.done', '') FROM gpu_job j",
    "SELECT gpu.bury(%(job)s)",
    "SELECT gpu.hasten(%(job)s)",
    "UPDATE gpu_job SET answer = '{}'",
    "INSERT INTO gpu_job (id) VALUES (%(job)s)",
    "DELETE FROM gpu_job",
    "UPDATE gpu_slot SET digest = 'mine'",
    "UPDATE gpu_card SET url = 'http://elsewhere'",
    "DELETE FROM gpu_piece",
    "UPDATE audit_work SET state = 'done'",
)


@pytest.mark.parametrize("statement", APP)
def test_the_desk_asks_and_cancels_and_answers_nothing(
    role: Connect, job: UUID, statement: str
) -> None:
    assert refused(role, "app", statement, job) == "42501"


@pytest.mark.parametrize("name", ["executor", "audit_writer"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT gpu.waiting()",
        "SELECT gpu.cancel(%(job)s, 'mine')",
        "SELECT gpu.take_card('card0', 'me', 60, '')",
        "SELECT * FROM gpu_job",
        "UPDATE gpu_card SET fence = 99",
    ],
)
def test_others_have_no_part_in_it(role: Connect, job: UUID, name: str, statement: str) -> None:
    assert refused(role, name, statement, job) == "42501"
