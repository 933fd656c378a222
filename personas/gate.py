"""The gate's doors, typed: one keyword-only function per SQL function, no decision of its own.

Which of them a process may call is decided by its database role, not here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from django.db import connection

from audit.canonical import JSON, canonical
from audit.commitments import commitment, new_salt
from audit.work.rows import Parameter, holder
from personas.incarnation import Incarnation

Outcome: TypeAlias = Literal["done", "failed"]
Finding: TypeAlias = Literal["done", "failed", "absent", "unknown"]
Next: TypeAlias = Literal["continue", "done", "failed"]


@dataclass(frozen=True, slots=True)
class StepClaim:
    """A step that this worker takes: `token` is good until the step is finished or re-claimed."""

    work_id: UUID
    fence: int
    run_id: UUID
    number: int
    token: str
    card: str
    ticket_ref: str
    scope: list[str]
    joined: str
    inputs: dict[str, Any]
    checkpoint: dict[str, Any]
    started_at: datetime
    deadline: datetime
    history: list[dict[str, Any]]
    signer: Incarnation

    def said(self, kind: str) -> dict[str, JSON]:
        """Return what every statement of this step begins with."""
        return {"kind": kind, "run": str(self.run_id), "step": self.number, "card": self.card}


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the gate decided about one proposal; `guard` names the guard that spoke."""

    action_id: UUID
    verdict: str
    guard: str
    reason: str
    level: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a model: the state of its work, and the answer once it is `done`."""

    state: str
    question: dict[str, Any]
    answer: dict[str, Any] | None
    error_code: str
    slot: str

    @property
    def over(self) -> bool:
        """True once no answer will come that is not there."""
        return self.state in ("done", "failed", "cancelled", "dead")


@dataclass(frozen=True, slots=True)
class Claim:
    """An authorised and recorded effect that this executor carries out."""

    action_id: UUID
    fence: int
    verb: str
    entry: str
    target: str
    args: dict[str, str]
    ticket_ref: str
    card: str
    run_id: UUID | None
    principal: str
    tree_hash: str
    entry_seq: int
    attempts: int
    timeout_s: int
    parameters: dict[str, Any]
    document: dict[str, Any]
    holder: str
    """Who acts, or in doubt who acted: host:pid."""
    signed: dict[str, Any] | None
    """Key, statement and signature of who asked; None where no run did."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The bytes of an effect's entry, and the value that its arguments are committed to by."""

    body: bytes
    salt: bytes | None
    value: str | None


# ---------------------------------------------------------------- the agent's doors
def claim_step(*, lease_seconds: float, signer: Incarnation) -> StepClaim | None:
    """Take the next step of any run for this incarnation, which is born with it; or None."""
    row = _row(
        "SELECT * FROM gate.claim_step(%s, %s, %s, %s)",
        [holder(), lease_seconds, signer.id, signer.public_key],
    )
    return None if row is None else StepClaim(**row, signer=signer)


def propose(
    *,
    claim: StepClaim,
    key: str,
    verb: str,
    entry: str = "",
    target: str = "",
    args: Mapping[str, str] | None = None,
) -> Proposed:
    """Sign and ask for one action; the same (step, key) again returns the first verdict."""
    asked, salt = canonical(dict(args or {})).decode("utf-8"), new_salt()
    signed = claim.signer.sign(
        {
            **claim.said("propose"),
            "key": key,
            "verb": verb,
            "entry": entry,
            "target": target,
            "asked_digest": commitment(salt, asked),
        }
    )
    row = _present(
        _row(
            "SELECT * FROM gate.propose(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(claim.run_id, claim.token, claim.number, key, verb, entry, target),
                *(asked, salt.hex(), signed.statement, signed.signature),
            ],
        )
    )
    # An answer from before, or one that is only told, is no link of this chain.
    if row.pop("counted"):
        claim.signer.counted(signed)
    return Proposed(**row)


def finish_step(
    *,
    claim: StepClaim,
    question: Mapping[str, JSON],
    answer: Mapping[str, JSON],
    checkpoint: Mapping[str, JSON],
    next_: Next,
    wait_seconds: float = 0,
    summary: str = "",
) -> str:
    """Sign and write question, answer and checkpoint; this incarnation ends with it.

    Returns `ok`, or `late` where the step was lost.
    """
    asked, answered = _json(question), _json(answer)
    signed = claim.signer.sign(
        {
            **claim.said("finish"),
            "question_sha256": _sha256(asked),
            "answer_sha256": _sha256(answered),
            "next": next_,
        }
    )
    return str(
        _value(
            "SELECT gate.finish_step(%s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
            [
                *(claim.work_id, claim.fence, claim.token, asked, answered, _json(checkpoint)),
                *(next_, wait_seconds, summary, signed.statement, signed.signature),
            ],
        )
    )


def ask_model(
    *,
    claim: StepClaim,
    slot: str,
    question: Mapping[str, JSON],
    tokens: int,
    deadline_seconds: float,
) -> str:
    """Sign the step's question, put it into the GPU's queue and end; `parked`, or `late`."""
    asked = _json(question)
    signed = claim.signer.sign(
        {**claim.said("ask"), "slot": slot, "question_sha256": _sha256(asked)}
    )
    return str(
        _value(
            "SELECT gate.ask_model(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(claim.work_id, claim.fence, claim.token, slot, asked, tokens),
                *(deadline_seconds, signed.statement, signed.signature),
            ],
        )
    )


def asked_model(*, claim: StepClaim) -> Asked | None:
    """Return what came of the question that this step has asked, None where it asked none."""
    row = _row(
        "SELECT * FROM gate.asked_model(%s, %s, %s)", [claim.work_id, claim.fence, claim.token]
    )
    return None if row is None else Asked(**row)


def release_step(*, work_id: UUID, fence: int, error: str) -> str:
    """Give a step back after an error; returns `ready`, `dead` or `late`."""
    return str(_value("SELECT gate.release_step(%s, %s, %s)", [work_id, fence, error]))


# ---------------------------------------------------------------- the executor's doors
def claim_effect(*, queue: str, holder: str, lease_seconds: float) -> Claim | None:
    """Take the next effect that is authorised, in the ledger and flushed, or None."""
    row = _row("SELECT * FROM gate.claim_effect(%s, %s, %s)", [queue, holder, lease_seconds])
    return None if row is None else Claim(**row)


def recorded(*, action_id: UUID) -> Recorded | None:
    """Return what the ledger says of an effect that is in our hands."""
    row = _row("SELECT * FROM gate.recorded(%s)", [action_id])
    return None if row is None else Recorded(**row)


def behind_action(*, action_id: UUID) -> tuple[str, ...]:
    """Return who is behind the run that asked for an effect: nobody else's word is another's."""
    return tuple(json.loads(str(_value("SELECT gate.behind_action(%s)::text", [action_id]))))


def settle(*, action_id: UUID, fence: int, outcome: Outcome, result: Mapping[str, JSON]) -> str:
    """Report what came of an effect; returns `settled`, or `late` where the fence has moved."""
    return str(
        _value(
            "SELECT gate.settle(%s, %s, %s, %s::jsonb)",
            [action_id, fence, outcome, _json(result)],
        )
    )


def claim_doubt(
    *, queue: str, lease_seconds: float, except_ids: Sequence[UUID] = ()
) -> Claim | None:
    """Take the next effect in doubt, to probe the world about it, or None.

    `except_ids` are effects that this process is still carrying out.
    """
    row = _row(
        "SELECT * FROM gate.claim_doubt(%s, %s, %s::uuid[])",
        [queue, lease_seconds, "{" + ",".join(map(str, except_ids)) + "}"],
    )
    return None if row is None else Claim(**row)


def resolve_doubt(
    *, action_id: UUID, fence: int, finding: Finding, result: Mapping[str, JSON]
) -> str:
    """Report what the probe found; returns the finding, or `late`."""
    return str(
        _value(
            "SELECT gate.resolve_doubt(%s, %s, %s, %s::jsonb)",
            [action_id, fence, finding, _json(result)],
        )
    )


# ---------------------------------------------------------------- rules' and people's doors
def dispatch(
    *,
    card: str,
    ticket_ref: str,
    priority: int,
    scope: Sequence[str],
    joined: str,
    inputs: Mapping[str, JSON],
    dedup: str,
) -> UUID | None:
    """Bear a run of the house's own; None where one lives already or this occasion had its run.

    Raises:
        DatabaseError: the queue is full, or the card isolated; `intents.submit` says so in words.
    """
    value = _value(
        "SELECT gate.dispatch(%s, %s, %s, %s::jsonb, %s, %s::jsonb, %s)",
        [card, ticket_ref, priority, _json(list(scope)), joined, _json(inputs), dedup],
    )
    return None if value is None else UUID(str(value))


def order_notice(*, rule: str, key: str, ticket_ref: str, args: Mapping[str, str]) -> UUID | None:
    """Have a person told, once per (rule, key); None where that was ordered before."""
    value = _value(
        "SELECT gate.order_notice(%s, %s, %s, %s::jsonb)",
        [rule, key, ticket_ref, _json(dict(args))],
    )
    return None if value is None else UUID(str(value))


def take_over(*, ticket_ref: str, person: str, why: str) -> int:
    """End the ticket's runs and void its permits; returns how many runs ended."""
    return int(str(_value("SELECT gate.take_over(%s, %s, %s)", [ticket_ref, person, why])))


def press_stop(*, by: str, why: str, via: str = "command") -> None:
    """Stop: nothing new is claimed from now on; `via` says by which door."""
    _value("SELECT gate.press_stop(%s, %s, %s)", [by, why, via])


def lift_stop(*, by: str, why: str) -> None:
    """Resume; only a named person does."""
    _value("SELECT gate.lift_stop(%s, %s)", [by, why])


def stopped() -> bool:
    """Tell whether the stop is pressed."""
    return bool(_value("SELECT gate.stopped()", []))


def set_autonomy(
    *,
    card: str,
    entry: str,
    ci_class: str,
    level: str,
    by: str,
    why: str,
    against_the_figures: bool = False,
    ci: str = "",
) -> None:
    """Set how far a card may go with an entry on a class of CI, or on one of its CIs alone.

    Raises:
        DatabaseError: nobody is named, the figures do not carry it and nobody said so, or it is
            further than on the class.
    """
    _value(
        "SELECT gate.set_autonomy(%s, %s, %s, %s, %s, %s, %s, %s)",
        [card, entry, ci_class, level, by, why, against_the_figures, ci],
    )


def person_settles(*, action_id: UUID, person: str, finding: Outcome, why: str) -> str:
    """Let a named person say what came of an effect in doubt."""
    return str(
        _value("SELECT gate.person_settles(%s, %s, %s, %s)", [action_id, person, finding, why])
    )


@dataclass(frozen=True, slots=True)
class Overdue:
    """A permit whose deadline is over and whose outcome nobody has reported."""

    id: UUID
    ticket_ref: str
    sentence: str
    state: str


def overdue() -> list[Overdue]:
    """Return permits that nobody settled in time and no person was given yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ticket_ref, sentence, state FROM gate.overdue()")
        return [Overdue(*row) for row in cursor.fetchall()]


def abandon(action_id: UUID) -> bool:
    """Say, in the caller's transaction, that a person has this permit now; False if it is not."""
    return bool(_value("SELECT gate.abandon(%s)", [action_id]))


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Work that the reconciler moved, and where to."""

    id: UUID
    kind: str
    subject: str
    state: str
    error: str


def reconcile() -> list[Reconciled]:
    """Free leases that ran out, cancel what expired, end runs that cannot go on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, kind, subject, state, error FROM gate.reconcile()")
        return [Reconciled(*row) for row in cursor.fetchall()]


_JSON_COLUMNS = frozenset(
    {
        *("scope", "inputs", "checkpoint", "history", "args", "parameters", "document"),
        *("question", "answer", "signed"),
    }
)


def _row(statement: str, parameters: Sequence[Parameter]) -> dict[str, Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
        names = [column.name for column in cursor.description or ()]
    if row is None:
        return None
    # Django's cursors leave jsonb as text.
    return {
        name: json.loads(value) if name in _JSON_COLUMNS and isinstance(value, str) else value
        for name, value in zip(names, row, strict=True)
    }


def _json(value: Mapping[str, JSON] | Sequence[str]) -> str:
    """Return the value as jsonb takes it; ValueError where it holds a NaN or an infinity."""
    return json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _present(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise LookupError("the gate answered nothing: its migrations are missing")
    return row


def _value(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
