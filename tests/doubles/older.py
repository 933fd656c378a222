"""What was done to a ticket, done earlier: for tests of what time brings."""

from datetime import timedelta
from typing import Any

import psycopg


def older(owner: psycopg.Connection[Any], ref: str, by: timedelta) -> None:
    """Let the deeds of a ticket be older; the one guard in the way stands again afterwards."""
    owner.execute("ALTER TABLE tickets_deed DISABLE TRIGGER tickets_deed_append_only")
    owner.execute("UPDATE tickets_deed SET at = at - %s WHERE ticket_id = %s", [by, ref])
    owner.execute("ALTER TABLE tickets_deed ENABLE ALWAYS TRIGGER tickets_deed_append_only")
