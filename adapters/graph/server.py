"""A Neo4j through its official driver: one statement, or several in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from neo4j import Driver, GraphDatabase, Query
from neo4j.exceptions import DriverError, Neo4jError

from adapters import conf
from adapters.graph.errors import GraphAwayError

SECONDS: Final = 10.0
"""As long as one statement may take; what is copied is written in one of its own."""
COPY_SECONDS: Final = 300.0
OLDEST_S: Final = 900


@dataclass(frozen=True, slots=True)
class Server:
    """Where the Neo4j is, and what is ours in it; an empty user is none."""

    uri: str
    user: str = ""
    password_file: str = ""
    database: str = "neo4j"
    site: str = "ethops"
    oldest_s: int = OLDEST_S
    """So old the copy may be; then no question is answered from it."""

    @classmethod
    def of_settings(cls) -> "Server":
        """Return what the settings say for the contract `graph`."""
        said = {name: str(value) for name, value in conf.options("graph").items()}
        oldest = int(said.pop("oldest_s", OLDEST_S))
        return cls(**said, oldest_s=oldest)

    def ask(self, query: str, *, seconds: float = SECONDS, **said: Any) -> list[dict[str, Any]]:
        """Return the rows of one statement, which is a transaction.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        try:
            with _driver(self).session(database=self.database) as session:
                found = session.run(Query(query, timeout=seconds), site=self.site, **said)
                return [_native(record.data()) for record in found]
        except (DriverError, Neo4jError, OSError) as error:
            raise GraphAwayError(f"{self.uri}: {error}") from error

    def write(self, statements: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Run all statements in one transaction: whoever reads sees the state before or after.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        try:
            with (
                _driver(self).session(database=self.database) as session,
                session.begin_transaction(timeout=COPY_SECONDS) as transaction,
            ):
                for query, said in statements:
                    transaction.run(query, site=self.site, **said).consume()
                transaction.commit()
        except (DriverError, Neo4jError, OSError) as error:
            raise GraphAwayError(f"{self.uri}: {error}") from error


@cache
def _driver(server: Server) -> Driver:
    """Return the process's one driver, which keeps connections, and opens none before it must."""
    password = Path(server.password_file).read_text("utf-8").strip() if server.user else ""
    return GraphDatabase.driver(
        server.uri,
        auth=(server.user, password) if server.user else None,
        connection_timeout=SECONDS,
        connection_acquisition_timeout=SECONDS,
        notifications_min_severity="OFF",
    )


def _native(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.to_native() if hasattr(value, "to_native") else value
        for name, value in row.items()
    }
