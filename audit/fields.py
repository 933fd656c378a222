"""Database defaults and types that the record needs and Django lacks."""

from django.db import models
from django.db.models import Func


class ClockTimestamp(Func):
    """The database's wall clock; `now()` would stand still inside a transaction."""

    function = "clock_timestamp"
    template = "%(function)s()"
    output_field = models.DateTimeField()


class RandomUuid(Func):
    """A random UUID made by the database."""

    function = "gen_random_uuid"
    template = "%(function)s()"
    output_field = models.UUIDField()


class LsnField(models.Field[str | None, str | None]):
    """A position in PostgreSQL's write-ahead log, read as text (`0/16B3748`)."""

    description = "WAL position"

    def db_type(self, connection: object) -> str:
        """Name the column type."""
        del connection
        return "pg_lsn"
