"""What every run-time role is kept from, whatever tables there are."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors

Connect = Callable[[str], psycopg.Connection]

RUN_TIME_ROLES = (
    *("app", "agent", "executor", "gpu"),
    *("audit_writer", "audit_signer", "witness", "verifier"),
)

FORBIDDEN = (
    "CREATE TEMPORARY TABLE t (i int)",
    "CREATE TABLE public.t (i int)",
    "CREATE SCHEMA s",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mallory",
    "ALTER ROLE ethops_agent SUPERUSER",
    "SET ROLE ethops_owner",
    "SET SESSION AUTHORIZATION ethops_owner",
    "SELECT * FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/ethops-role-test'",
    "SELECT pg_read_file('/etc/passwd')",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_reload_conf()",
    "DROP TABLE public.django_migrations",
    "TRUNCATE public.auth_user",
)


@pytest.mark.parametrize("name", RUN_TIME_ROLES)
def test_no_run_time_role_can_reach_beyond_its_grants(role: Connect, name: str) -> None:
    link = role(name)
    for statement in FORBIDDEN:
        with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
            link.execute(statement)


@pytest.mark.parametrize("name", RUN_TIME_ROLES[1:])
def test_logins_and_sessions_are_the_desks_alone(role: Connect, name: str) -> None:
    link = role(name)
    for table in ("auth_user", "django_session", "authtoken_token"):
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute(f"SELECT * FROM public.{table}")


@pytest.mark.django_db
def test_the_app_may_write_every_table_that_came_with_django(role: Connect) -> None:
    from django.apps import apps

    theirs = {"auth", "sessions", "authtoken", "admin", "django_celery_beat"}
    link = role("app")
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in theirs and model._meta.managed and not model._meta.proxy:
            table = model._meta.db_table
            if table == "auth_permission":
                continue
            row = link.execute(
                "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE, SELECT')", [table]
            ).fetchone()
            assert row == (True,), f"ethops_app may not write {table}"


TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("app", ("20s", "30s", "15s")),
        ("agent", ("5s", "10s", "4s")),
        ("executor", ("5s", "10s", "4s")),
        ("gpu", ("5s", "10s", "4s")),
    ],
)
def test_statements_locks_and_open_transactions_have_a_time(role: Connect, name, bounds) -> None:
    link = role(name)
    assert tuple(link.execute(f"SHOW {each}").fetchone()[0] for each in TIMEOUTS) == bounds


def test_each_role_is_told_apart_by_its_password(role: Connect) -> None:
    link = role("agent")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1",
            port=link.info.port,
            dbname=link.info.dbname,
            user="ethops_owner",
            password=link.info.password,
        )


def test_the_superuser_is_refused_over_tcp(role: Connect) -> None:
    link = role("agent")
    with pytest.raises(psycopg.OperationalError, match="reject"):
        psycopg.connect(
            host="127.0.0.1", port=link.info.port, dbname=link.info.dbname, user="postgres"
        )
