"""Facts about what people and rules did, on their way into the ledger."""

import json
from collections.abc import Mapping

from django.db import connection

from audit.canonical import JSON, canonical


def note(*, kind: str, subject: str, body: Mapping[str, JSON], ticket_ref: str = "") -> None:
    """Write one fact in the caller's transaction; kinds are ticket, event, person, work, site.

    Raises:
        NotCanonicalError: names the path of a float, a huge number or a key that is not ASCII.
    """
    canonical(body)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.note(%s, %s, %s, %s::jsonb)",
            [kind, subject, ticket_ref, json.dumps(body)],
        )
