"""Database defaults and types that the record needs and Django lacks."""

from django.contrib.postgres.fields import ArrayField
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


class PersonaOf(Func):
    """The persona that the bytes of an entry name."""

    function = "audit.persona_of"
    output_field = models.TextField()


class RunOf(Func):
    """The run that the bytes of an entry name."""

    function = "audit.run_of"
    output_field = models.TextField()


class CisOf(Func):
    """The CIs that the bytes of an entry name."""

    function = "audit.cis_of"
    output_field = ArrayField(models.TextField())


class LsnField(models.Field[str | None, str | None]):
    """A position in PostgreSQL's write-ahead log, read as text (`0/16B3748`)."""

    description = "WAL position"

    def db_type(self, connection: object) -> str:
        """Name the column type."""
        del connection
        return "pg_lsn"
