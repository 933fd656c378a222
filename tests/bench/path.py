"""From a proposal to its settled effect: recorder, relay, Redis, Celery, executor.

The proposals come from a run of our own making, so that no step of an agent is measured with it;
each is a real comment on a real ticket.
"""

import hashlib
import json
import secrets
import time
import uuid
from dataclasses import dataclass

import psycopg

from personas.incarnation import Incarnation
from tests.bench.stack import Stack
from tests.doubles.agent import propose

TICKETS = 20
CARD = "incident_responder"
"""A card as it is declared and loaded, with its document, its rules and its limits."""
DRAIN_SECONDS = 30.0

SPANS = """
    SELECT extract(epoch FROM w.claimed_at - a.decided_at)::float8 * 1000,
           extract(epoch FROM a.settled_at - a.decided_at)::float8 * 1000
    FROM public.personas_action a JOIN public.audit_work w ON w.id = a.id
    WHERE a.id = ANY(%s) AND a.outcome = 'done'
"""


@dataclass(frozen=True, slots=True)
class Spans:
    """Milliseconds since each proposal was decided, and how long the proposer waited."""

    proposed: list[float]
    claimed: list[float]
    settled: list[float]
    lost: int


@dataclass(frozen=True, slots=True)
class Asker:
    """A run that may comment as often as it likes."""

    run: uuid.UUID
    ticket: str
    token: str
    signer: Incarnation
    ci: str


def measure(stack: Stack, *, per_second: float, seconds: float) -> Spans:
    """Propose at an even pace, wait until all is settled, and read the database's own times."""
    with stack.connect("owner") as owner, stack.connect("agent") as agent:
        askers = [asker(owner) for _ in range(TICKETS)]
        ids, waited = [], []
        began = time.monotonic()
        for number in range(int(per_second * seconds)):
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            at = time.monotonic()
            ids.append(_propose(agent, askers[number % TICKETS], number))
            waited.append((time.monotonic() - at) * 1000)
        spans = _settled(owner, ids)
        _end(owner)
    claimed, settled = zip(*spans, strict=True)
    return Spans(waited, [*claimed], [*settled], len(ids) - len(spans))


def asker(owner: psycopg.Connection, ci: str = "") -> Asker:
    """Make a ticket and a run in the midst of a step that lasts until the end."""
    token, ref = secrets.token_hex(16), f"B-{secrets.token_hex(4)}"
    owner.execute(
        "INSERT INTO public.tickets_ticket (ref, ticket_class, title, priority, impact, urgency)"
        " VALUES (%s, 'incident', 'bench', 'P4', 3, 3)",
        [ref],
    )
    run = owner.execute(
        "WITH i AS (INSERT INTO public.personas_agentintent"
        " (card_id, ticket_ref, priority, scope, joined, inputs, dedup)"
        " VALUES (%(card)s, %(ref)s, 3, %(scope)s, %(joined)s, '{}', %(ref)s) RETURNING id)"
        " INSERT INTO public.personas_run (intent_id, card_id, ticket_ref, state, max_steps,"
        " max_actions, deadline, token_hash) SELECT id, %(card)s, %(ref)s, 'running', 1000000,"
        " 1000000, clock_timestamp() + interval '1 hour', %(token)s FROM i RETURNING id",
        {
            "card": CARD,
            "ref": ref,
            "scope": json.dumps([ci] if ci else []),
            "joined": "joined" if ci else "none",
            "token": hashlib.sha256(token.encode()).digest(),
        },
    ).fetchone()
    assert run is not None
    signer = Incarnation.mint()
    owner.execute(
        "WITH w AS (INSERT INTO public.audit_work (kind, queue, state, subject, payload,"
        " lease_until, holder, fence, attempts) VALUES ('step', 'agent', 'leased', %(run)s,"
        " %(payload)s, clock_timestamp() + interval '1 hour', 'bench', 1, 1) RETURNING id)"
        " INSERT INTO public.personas_incarnation (id, run_id, step, work_id, public_key, holder)"
        " SELECT %(signer)s, %(run)s::uuid, 1, id, %(key)s, 'bench' FROM w",
        {
            "run": str(run[0]),
            "payload": json.dumps({"run": str(run[0]), "number": 1}),
            "signer": signer.id,
            "key": signer.public_key,
        },
    )
    return Asker(run[0], ref, token, signer, ci)


def step_of(asker: Asker) -> dict[str, object]:
    """The step that its run is in the midst of."""
    return {
        "run_id": asker.run,
        "token": asker.token,
        "number": 1,
        "card": CARD,
        "signer": asker.signer,
    }


def _propose(agent: psycopg.Connection, asker: Asker, number: int) -> uuid.UUID:
    args = {"text": f"Comment {number}."}
    row = propose(
        agent,
        step_of(asker),
        secrets.token_hex(8),
        "ticket.comment",
        target=asker.ticket,
        args=args,
    )
    assert row["verdict"] == "authorised", row
    found: uuid.UUID = row["action_id"]
    return found


def _settled(owner: psycopg.Connection, ids: list[uuid.UUID]) -> list[tuple[float, float]]:
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        spans = owner.execute(SPANS, [ids]).fetchall()
        if len(spans) == len(ids) or time.monotonic() > deadline:
            return spans
        time.sleep(0.2)


def _end(owner: psycopg.Connection) -> None:
    owner.execute(
        "UPDATE public.audit_work SET state = 'done', lease_until = NULL"
        " WHERE holder = 'bench' AND state = 'leased'"
    )
    owner.execute(
        "UPDATE public.personas_run SET state = 'cancelled', ended_at = clock_timestamp()"
        " WHERE ticket_ref LIKE 'B-%' AND state IN ('running', 'waiting')"
    )
