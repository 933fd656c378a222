"""Asking the database by SQL, under whatever role this process has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection


def select(query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query as mappings from column name to value; jsonb comes as text."""
    with connection.cursor() as cursor:
        cursor.execute(query, [_fit(param) for param in params])
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def now() -> datetime:
    """Return the time by the database's clock, which goes on within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        said: datetime = cursor.fetchone()[0]
    return said


def _fit(param: Any) -> Any:
    """Replace NUL, which PostgreSQL refuses in text: such a text is nowhere to be found."""
    if isinstance(param, list):
        return [_fit(one) for one in param]
    return param.replace("\x00", "\ufffd") if isinstance(param, str) else param
