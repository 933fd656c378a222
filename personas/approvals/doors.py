"""The gate's doors about approvals, typed; who may pass which is decided in PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

from audit.canonical import JSON
from audit.work.rows import Parameter
from personas.approvals.errors import ApprovalRefusedError, EnrolmentError


@dataclass(frozen=True, slots=True)
class ShownNow:
    """What whoever decides now must have read: the facts' bytes and their hash."""

    shown: str
    sha256: str
    changed: tuple[str, ...]
    """Names of facts that are not as they were proposed."""
    unseen: str
    """Probes of the CI that have gone silent; while there are some nobody can approve."""


@dataclass(frozen=True, slots=True)
class Attested:
    """A person's word about a safeguard: what was done, where that is written, and how long."""

    safeguard: str
    ci: str
    """Empty: of everything."""
    what: str
    document: str
    until: date
    holds: bool = True
    """False takes back what people have said of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the code that goes with a ticket's approval."""

    factor: str
    """Empty where none was asked for."""
    refused: ApprovalRefusedError | None


def shown_now(action_id: UUID) -> ShownNow | None:
    """Return it as it is at this moment; None where no person has to decide."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT shown, sha256, changed, unseen FROM gate.shown_now(%s)", [action_id])
        row = cursor.fetchone()
    return row and ShownNow(row[0], row[1], tuple(row[2]), row[3])


def approve(
    *, action_id: UUID, person: str, shown_sha256: str, diff_sha256: str, code: str, why: str
) -> None:
    """Approve what was shown, in a person's name; `code` is that of the second factor or "".

    `shown_sha256` is that of `shown_now`: what has changed since is to be read again.

    Raises:
        ApprovalRefusedError: nothing was approved; `code` of the error says why.
    """
    _rule(
        "SELECT code, reason FROM gate.approve(%s, %s, %s, %s, %s, %s)",
        [action_id, person, shown_sha256, diff_sha256, code, why],
    )


def reject(*, action_id: UUID, person: str, why: str) -> None:
    """Reject what waits, or object to what is about to happen, in a person's name.

    Raises:
        ApprovalRefusedError: it no longer waits, or nobody of the desk says so.
    """
    _rule("SELECT code, reason FROM gate.reject(%s, %s, %s)", [action_id, person, why])


def may_approve(person: str) -> bool:
    """Tell whether somebody is an approver of the desk."""
    return bool(_value("SELECT gate.may_approve(%s)", [person]))


def may_declare(person: str) -> bool:
    """Tell whether somebody may say at the desk what is so of a CI."""
    return bool(_value("SELECT gate.may_declare(%s)", [person]))


def declare_ci(
    *, person: str, ref: str, said: Mapping[str, JSON], why: str, code: str, shown: str
) -> None:
    """Make what the desk says of a CI exactly this, in a person's name.

    `shown` is the digest of what was said of it when he looked.

    Raises:
        ApprovalRefusedError: it is not his to say, his code is not right, or it fits no CI.
    """
    _rule(
        "SELECT code, reason FROM gate.declare_ci(%s, %s, %s::jsonb, %s, %s, %s)",
        [person, ref, json.dumps(said), why, code, shown],
    )


def accept_proposal(*, person: str, proposal: int, why: str, code: str, shown: str) -> None:
    """Say at the desk, in a person's name, the CI that discovery proposes.

    `shown` is the digest of the proposal as he was shown it.

    Raises:
        ApprovalRefusedError: it is not his to say, his code is not right, or it waits no longer.
    """
    _rule(
        "SELECT code, reason FROM gate.accept_proposal(%s, %s, %s, %s, %s)",
        [person, proposal, why, code, shown],
    )


def decline_proposal(*, person: str, proposal: int, why: str, shown: str) -> None:
    """Say in a person's name that what discovery proposes is to be no CI.

    Raises:
        ApprovalRefusedError: it is not his to say, nobody says why, or it waits no longer.
    """
    _rule(
        "SELECT code, reason FROM gate.decline_proposal(%s, %s, %s, %s)",
        [person, proposal, why, shown],
    )


def may_attest(person: str) -> bool:
    """Tell whether somebody may say what is so of a safeguard."""
    return bool(_value("SELECT gate.may_attest(%s)", [person]))


def attest(*, person: str, said: Attested, code: str) -> None:
    """Keep a person's word about a safeguard, by the code of his second factor.

    Raises:
        ApprovalRefusedError: it is not his to say, his code is not right, or it is no whole word.
    """
    _rule(
        "SELECT code, reason FROM gate.attest(%s, %s, %s, %s, %s, %s, %s::date, %s)",
        [
            *(person, said.safeguard, said.ci, said.holds, said.what, said.document),
            *(said.until.isoformat(), code),
        ],
    )


def take_ticket_code(*, person: str, ref: str, code: str) -> Taken:
    """Take the code of whoever approves a ticket as an approver of the desk.

    Nothing is raised: let this commit, so that a wrong code stays counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, reason, factor FROM gate.take_ticket_code(%s, %s, %s)",
            [person, ref, code],
        )
        said, reason, factor = cursor.fetchone()
    return Taken(factor, None if said == "ok" else _refusal(said, reason))


def stands(action_id: UUID) -> bool:
    """Tell whether an action needs no person's approval, or has one that still holds."""
    return bool(_value("SELECT gate.approval_stands(%s)", [action_id]))


def sweep() -> int:
    """End proposals that wait no longer: expired, withdrawn, void; returns how many."""
    return int(str(_value("SELECT gate.sweep_approvals()", [])))


def alert_ended(ticket_ref: str) -> int:
    """Void what waits for a person on a ticket whose alerts have all ended; returns how many."""
    return int(str(_value("SELECT gate.alert_ended(%s)", [ticket_ref])))


def told_of_veto(*, action_id: UUID, notices: Sequence[str]) -> None:
    """Say which notices tell people of something they may object to."""
    for key in notices:
        _value("SELECT gate.told_of_veto(%s, %s)", [action_id, key])


def enrol(*, person: str, by: str) -> bytes:
    """Make a person a new secret, as the owner of the tables; it is shown this once."""
    secret = _value("SELECT gate.enrol_factor(%s, %s)", [person, by])
    if not isinstance(secret, bytes | memoryview):
        raise EnrolmentError("the gate made no secret")
    return bytes(secret)


def confirm(*, person: str, code: str) -> str:
    """Confirm a secret by its first code; returns `ok`, `wrong`, `used`, `locked` or `none`."""
    return str(_value("SELECT gate.confirm_factor(%s, %s)", [person, code]))


def revoke(*, person: str, by: str) -> bool:
    """Take a person's second factor away; False where there was none."""
    return bool(_value("SELECT gate.revoke_factor(%s, %s)", [person, by]))


def _rule(statement: str, parameters: Sequence[Parameter]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        code, reason = cursor.fetchone() or ("approvals.not_found", "the gate answered nothing")
    if code != "ok":
        raise _refusal(code, reason)


def _refusal(code: str, reason: str) -> ApprovalRefusedError:
    return ApprovalRefusedError(code, f"{reason[:1].upper()}{reason[1:]}.")


def _value(statement: str, parameters: Sequence[Parameter]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        row = cursor.fetchone()
    return None if row is None else row[0]
