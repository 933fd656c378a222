"""Have the stack's own PostgreSQL answer, whether or not the stack runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ethops.env import Env
from ethops.stack.errors import NotRunningError, ServerFailedError
from ethops.stack.layout import from_environment
from ethops.stack.places import locked, make
from ethops.stack.postgres import stop


@contextmanager
def running(said: Env) -> Iterator[None]:
    """Start PostgreSQL for the length of this block, unless it runs already.

    Raises:
        NotRunningError: if this state folder has never had a database.
    """
    if said.external_database or answers(said.database_url):
        yield
        return
    layout = from_environment(said)
    server = layout.postgres
    if server is None or not server.is_made():
        raise NotRunningError(
            f"there is no database in {said.state} yet", hint="Make one with `make up`."
        )
    with locked(said.state):
        make(layout.where)
        process, _ = server.start()
        try:
            yield
        finally:
            stop(process, seconds=30)


def outside_version(dsn: str) -> str:
    """The version of a server that we do not run; ServerFailedError if it does not let us in."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as link:
            return str(link.info.parameter_status("server_version") or "").split(" ")[0]
    except psycopg.OperationalError as fault:
        raise ServerFailedError(
            f"the PostgreSQL of DATABASE_URL does not let us in: {str(fault).splitlines()[0]}",
            hint="Is it up, and was `manage.py db bootstrap` run on it?",
        ) from fault


def answers(dsn: str) -> bool:
    """True if this server lets us in now."""
    try:
        psycopg.connect(dsn, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
