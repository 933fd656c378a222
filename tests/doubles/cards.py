"""Cards that a person has approved as they are loaded, as far as a test needs them to be."""

from typing import Any

import psycopg


def approve_all(owner: psycopg.Connection[Any]) -> None:
    """Approve whatever is loaded, as the owner of the tables."""
    owner.execute(
        "INSERT INTO guardrails_cardapproval (card, digest, prompt_digest, by, why)"
        " SELECT name, digest, coalesce(document ->> 'prompt_digest', ''), 'ada', 'a test'"
        " FROM personas_card ON CONFLICT DO NOTHING"
    )
