"""A claim looks at what waits in its order, and no further than it must."""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.integration.personas.conftest import World

WAITING = 30
ORDER = """
    SELECT gate.order_notice('told', %s, '', '{"kind": "http", "target": "http://127.0.0.1:9",
                             "title": "t", "text": "t"}')
"""
# What the guard says is kept; that it was asked is told.
TOLD = """
    CREATE OR REPLACE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
        RAISE NOTICE 'asked';
        RETURN CASE WHEN p_entry_seq <= %s THEN 'held for this test' END;
    END $$
"""


@pytest.fixture
def waiting(world: "World") -> "World":
    """So many notices authorised, recorded and ready."""
    for _ in range(WAITING):
        world.value("app", ORDER, uuid4().hex)
    world.record()
    return world


def claimed(world: "World", *, held: int) -> tuple[int, int]:
    """Claim once; returns which of those that wait was taken, and how many were asked about."""
    owner, asked = world.as_role("owner"), []
    owner.add_notice_handler(lambda told: asked.append(told.message_primary))
    seqs = [
        row["entry_seq"]
        for row in owner.execute(
            "SELECT entry_seq FROM public.audit_work WHERE queue = 'executor.light'"
            " AND state = 'ready' ORDER BY priority, created_at"
        ).fetchall()
    ]
    with owner.transaction(force_rollback=True):
        owner.execute(TOLD.replace("%s", str(seqs[held - 1] if held else 0)))
        found = owner.execute(
            "SELECT * FROM gate.claim_effect('executor.light', 'test', 30)"
        ).fetchone()
    return seqs.index(found["entry_seq"]), asked.count("asked")


def test_the_first_is_taken_and_no_other_is_asked_about(waiting):
    assert claimed(waiting, held=0) == (0, 1)


def test_what_is_held_back_does_not_hold_those_behind_it(waiting):
    assert claimed(waiting, held=3) == (3, 4)
