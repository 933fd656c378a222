"""A person at the desk with a second factor, who approves what he is shown."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.doubles import authenticator

NAME = "grace"


def approve(
    owner: psycopg.Connection[Any], app: psycopg.Connection[Any], action: object
) -> tuple[str, str]:
    """Approve a proposal as somebody who may; returns what the gate has said."""
    secret = _enrolled(owner)
    shown = (
        app.cursor(row_factory=dict_row)
        .execute(
            "SELECT n.sha256, p.facts ->> 'diff_sha256' AS diff FROM approvals_approval p,"
            " gate.shown_now(p.action_id) n WHERE p.action_id = %s",
            [action],
        )
        .fetchone()
    )
    found = (
        app.cursor(row_factory=dict_row)
        .execute(
            "SELECT code, reason FROM gate.approve(%s, %s, %s, %s, %s, 'as shown')",
            [action, NAME, shown["sha256"], shown["diff"], authenticator.code(secret)],
        )
        .fetchone()
    )
    return found["code"], found["reason"]


def _enrolled(owner: psycopg.Connection[Any]) -> bytes:
    owner.execute(
        "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email,"
        " is_staff, is_active, date_joined) VALUES (%s, '!', true, '', '', '', true, true, now())"
        " ON CONFLICT (username) DO NOTHING",
        [NAME],
    )
    link = owner.cursor(row_factory=dict_row)
    link.execute("SELECT gate.enrol_factor(%s, 'root') AS secret", [NAME])
    secret = bytes(link.fetchone()["secret"])
    # Confirmed by no code, so that the one of now is left.
    owner.execute("UPDATE approvals_factor SET confirmed_at = now() WHERE person = %s", [NAME])
    return secret
