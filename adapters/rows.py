"""Reading views by SQL, under whatever role this process has."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def select(query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query as mappings from column name to value; jsonb comes as text."""
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
