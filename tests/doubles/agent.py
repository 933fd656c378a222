"""An agent that goes through the gate's doors by itself: signs as a worker does, or badly."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from audit.canonical import canonical
from audit.commitments import commitment, new_salt
from personas.incarnation import Incarnation, Signed

PROPOSE = "SELECT * FROM gate.propose(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
FINISH = "SELECT gate.finish_step(%s, %s, %s, %s, %s, '{}', %s, 0, 'over', %s, %s) AS said"


def said(step: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What every statement of a step begins with."""
    return {
        "kind": kind,
        "run": str(step["run_id"]),
        "step": step["number"],
        "card": step.get("card", ""),
    }


def propose(
    link: psycopg.Connection[Any],
    step: Mapping[str, Any],
    key: str,
    verb: str,
    entry: str = "",
    target: str = "",
    args: Mapping[str, Any] | None = None,
    signed: Signed | None = None,
) -> Any:
    """Ask for something; `signed` is sent in place of a true signature."""
    signer = step.get("signer") or Incarnation.mint()
    asked, salt = canonical(dict(args or {})).decode(), new_salt()
    true = signer.sign(
        {
            **said(step, "propose"),
            "key": key,
            "verb": verb,
            "entry": entry,
            "target": target,
            "asked_digest": commitment(salt, asked),
        }
    )
    sent = signed or true
    found = (
        link.cursor(row_factory=dict_row)
        .execute(
            PROPOSE,
            [
                *(step["run_id"], step["token"], step["number"], key, verb, entry, target),
                *(asked, salt.hex(), sent.statement, sent.signature),
            ],
        )
        .fetchone()
    )
    if found["counted"]:
        signer.counted(sent)
    return found


def finish(
    link: psycopg.Connection[Any],
    step: Mapping[str, Any],
    next_: str = "continue",
    question: object = None,
    answer: object = None,
) -> str:
    """End a step."""
    asked, answered = (json.dumps(each or {}) for each in (question, answer))
    signed = step["signer"].sign(
        {
            **said(step, "finish"),
            "question_sha256": hashlib.sha256(asked.encode()).hexdigest(),
            "answer_sha256": hashlib.sha256(answered.encode()).hexdigest(),
            "next": next_,
        }
    )
    row = (
        link.cursor(row_factory=dict_row)
        .execute(
            FINISH,
            [
                *(step["work_id"], step["fence"], step["token"], asked, answered, next_),
                *(signed.statement, signed.signature),
            ],
        )
        .fetchone()
    )
    return str(row["said"])
