"""One PostgreSQL and one Redis for all workers of a test run, and the database by real roles."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.core.management import call_command
from django.db import connections
from filelock import FileLock
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from audit.ledger import verification
from audit.verify import Report
from ethops.env import CLONE
from ethops.stack import roles
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from ethops.stack.spawn import spawn
from tests.servers import Servers

TEMPLATE = "ethops_template"
LONG = frozenset({"chaos", "acceptance"})
# How fast a machine makes examples is no property of ours: timing belongs to the benches.
settings.register_profile("ethops", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ethops")

SERVERS = pytest.StashKey[Servers]()


# ---------------------------------------------------------------- servers of the run


@pytest.hookimpl(optionalhook=True)
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, or one worker would wait for the other at the end."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


def pytest_configure_node(node: Any) -> None:
    """In xdist's controller, which outlives every worker: start the servers and pass them on."""
    node.workerinput["servers"] = _servers_of(node.config).describe()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started, and leave nothing behind."""
    servers = config.stash.get(SERVERS, None)
    if servers is not None:
        servers.stop()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """PostgreSQL and Redis of this run."""
    return _servers_of(request.config)


def _servers_of(config: pytest.Config) -> Servers:
    found = config.stash.get(SERVERS, None)
    if found is None:
        described = getattr(config, "workerinput", {}).get("servers")
        found = Servers.joined(described) if described else Servers.started()
        config.stash[SERVERS] = found
    return found


# ---------------------------------------------------------------- the database of this worker


@pytest.fixture(scope="session")
def database_name(worker_id: str) -> str:
    """The database that this worker has to itself."""
    return f"ethops_{worker_id}"


@pytest.fixture(scope="session")
def django_db_setup(
    servers: Servers, database_name: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Migrate a template as owner, once per run; clone it; meet the clone as the app."""
    with django_db_blocker.unblock():
        with FileLock(servers.layout.state / "template.lock"):
            if not servers.has_database(TEMPLATE):
                _make_template(servers)
        servers.clone(TEMPLATE, database_name)
        point_django(servers, database_name, "ethops_app")
        yield
        connections.close_all()
        servers.drop(database_name)


def _make_template(servers: Servers) -> None:
    half = f"{TEMPLATE}_half"
    servers.drop(half)
    roles.bootstrap(servers.superuser_dsn(), half, servers.layout.secrets.role_passwords)
    # One server holds the products of all workers, and what a test left takes a moment to go.
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as link:
        for role in roles.ROLES:
            link.execute(f"ALTER ROLE {role.name} CONNECTION LIMIT 60")
    point_django(servers, half, "ethops_owner")
    call_command("migrate", interactive=False, verbosity=0)
    connections.close_all()
    servers.rename(half, TEMPLATE)


def point_django(servers: Servers, database: str, role: str) -> None:
    connections.close_all()
    connections["default"].settings_dict.update(
        NAME=database,
        USER=role,
        PASSWORD=servers.layout.secrets.role_passwords[role],
        HOST="127.0.0.1",
        PORT=str(servers.layout.ports.postgres),
    )


@pytest.fixture
def clean_db(
    django_db_setup: None,
    servers: Servers,
    database_name: str,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """A database that this test may commit to: as migrated before, thrown away after."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        servers.empty(database_name)


@pytest.fixture
def role(
    clean_db: None, servers: Servers, database_name: str
) -> Iterator[Callable[[str], psycopg.Connection]]:
    """`role("agent")` is an autocommitting connection as that role; closed after the test."""
    links: list[psycopg.Connection] = []

    def connect(name: str) -> psycopg.Connection:
        link = psycopg.connect(servers.dsn(f"ethops_{name}", database_name), autocommit=True)
        links.append(link)
        return link

    yield connect
    for link in links:
        link.close()


@pytest.fixture
def verify(clean_db: None, servers: Servers, database_name: str) -> Callable[..., Report]:
    """`verify()` verifies the ledger and keeps what was found, as who alone may say it.

    Another function of `audit.ledger.verification` may be named.
    """

    def run(how: Callable[[], Report] = verification.check_and_keep) -> Report:
        before = connections["default"].settings_dict["USER"]
        point_django(servers, database_name, "ethops_verifier")
        try:
            return how()
        finally:
            point_django(servers, database_name, before)

    return run


# ---------------------------------------------------------------- Redis and processes


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> Iterator[str]:
    """An empty Redis database of this worker."""
    # The GPU's messages have the next database.
    number = 2 * int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    url = servers.redis_url(number)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def start_process(
    clean_db: None, servers: Servers, database_name: str, redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """`start_process("recorder")` starts one process of the matrix on this worker's database.

    Further keyword arguments are variables for it; its log is `tmp_path / "log" / NAME.log`.
    """
    layout = Layout(
        state=servers.layout.state,
        database_url=servers.dsn("ethops_app", database_name),
        redis_url=redis_url,
    )
    commands = {process.name: process.command for process in processes(layout.ports)}
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, **variables: str) -> subprocess.Popen[bytes]:
        process = spawn(
            commands[name],
            environment={
                **layout.environment(name),
                "ETHOPS_STATE": str(tmp_path),
                "ETHOPS_SITE": str(tmp_path / "site.yaml"),
                "ETHOPS_DATABASE_POOL": "1",
                **variables,
            },
            folder=CLONE,
            log=tmp_path / "log" / f"{name}.log",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
