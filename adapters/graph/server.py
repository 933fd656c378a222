"""A Neo4j through its official driver: one statement, or several in one transaction."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from neo4j import Auth, Driver, GraphDatabase, Query, Session, basic_auth
from neo4j.auth_management import AuthManager
from neo4j.exceptions import DriverError, Neo4jError
from neo4j.time import DateTime

from adapters import conf
from adapters.graph.errors import GraphAwayError

SECONDS: Final = 10.0
"""As long as one statement may take; what is copied is written in one of its own."""
COPY_SECONDS: Final = 300.0
OLDEST_S: Final = 900
ALL_AT_ONCE: Final = -1
"""Rows come in one answer; else the driver asks for each thousand."""
Statement: TypeAlias = tuple[str, dict[str, Any]]


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
        """Return the rows of one statement, which is a transaction; times in lists as they come.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        with self._session() as session:
            found = session.run(Query(query, timeout=seconds), site=self.site, **said)
            names = found.keys()
            return [dict(zip(names, map(native, row), strict=True)) for row in found]

    def write(self, statements: Sequence[Statement], *, then: Statement | None = None) -> bool:
        """Run all statements in one transaction: whoever reads sees the state before or after.

        Returns:
            Whether it is written: not where the last, `then`, finds no row.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        with (
            self._session() as session,
            session.begin_transaction(timeout=COPY_SECONDS) as transaction,
        ):
            for query, said in statements:
                transaction.run(query, site=self.site, **said).consume()
            if then and not list(transaction.run(then[0], site=self.site, **then[1])):
                # The driver commits at the end of the block where nobody has said otherwise.
                transaction.rollback()
                return False
            transaction.commit()
            return True

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with _driver(self).session(database=self.database, fetch_size=ALL_AT_ONCE) as session:
                yield session
        except (DriverError, Neo4jError, OSError) as error:
            raise GraphAwayError(f"{self.uri}: {error}") from error


@cache
def _driver(server: Server) -> Driver:
    """Return the process's one driver, which keeps connections, and opens none before it must."""
    made = GraphDatabase.driver(
        server.uri,
        auth=Login(server.user, Path(server.password_file)) if server.user else None,
        connection_timeout=SECONDS,
        connection_acquisition_timeout=SECONDS,
        notifications_min_severity="OFF",
        # It would tell the server, with each statement, which of its functions we call.
        telemetry_disabled=True,
    )
    atexit.register(made.close)
    return made


class Login(AuthManager):
    """Who we are there: the password's file is read for each question, since it may change."""

    def __init__(self, user: str, file: Path) -> None:
        self._user = user
        self._file = file

    def get_auth(self) -> Auth:
        """Return what the file holds now."""
        return basic_auth(self._user, self._file.read_text("utf-8").strip())

    def handle_security_exception(self, auth: Any, error: Neo4jError) -> bool:
        """Say that asking again by the same word is of no use."""
        del auth, error
        return False


def native(value: Any) -> Any:
    """Return a value as Python has it: times come as the driver's own."""
    return value.to_native() if isinstance(value, DateTime) else value
