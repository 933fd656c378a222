"""The one type of column that Django has not: PostgreSQL's number of four bytes."""

from typing import Any

from django.db import models


class Real(models.FloatField[float, float]):
    """A number of four bytes, as pgvector keeps them too."""

    def db_type(self, connection: Any) -> str:
        """Return PostgreSQL's name of it."""
        del connection
        return "real"
