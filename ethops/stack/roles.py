"""The database, its roles and its extension: what only a superuser may make."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from ethops.stack.errors import ServerFailedError

Statement = sql.SQL | sql.Composed

OLDEST_SERVER = 160000
SCRAM_ROUNDS = 4096


@dataclass(frozen=True, slots=True)
class Role:
    """Limits of one database role; a hostile process of it reaches no further."""

    name: str
    connections: int
    statement_timeout: str
    idle_in_transaction: str
    lock_timeout: str = "0"
    """Shorter than a statement may take, so that who waits for a lock is told that it was one."""
    longest_idle_s: int = 0
    """So long a session may sit in a transaction, whatever it has set for itself; 0: no matter."""
    longest_transaction_s: int = 0


ROLES = (
    Role("ethops_owner", 5, "0", "0"),
    # People's commands with this login read a whole ledger.
    Role("ethops_app", 80, "20s", "30s", "15s", 35, 900),
    Role("ethops_agent", 24, "5s", "10s", "4s", 12, 30),
    Role("ethops_executor", 24, "5s", "10s", "4s", 12, 30),
    Role("ethops_gpu", 64, "5s", "10s", "4s", 12, 30),
    Role("ethops_audit_writer", 6, "30s", "30s"),
    Role("ethops_audit_signer", 4, "30s", "30s"),
    Role("ethops_witness", 6, "10s", "10s", "8s", 12, 60),
    # Its statements read a whole ledger.
    Role("ethops_verifier", 6, "300s", "0"),
)
"""Owner migrates; the others are the run-time roles of the process matrix."""

OWNER = ROLES[0].name

CLOSED = """\
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname ~ '^lo_|^loread$|^lowrite$|advisory|^pg_logical_emit_message$'
    LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END LOOP;
END $$"""
"""Large objects and messages in the log fill the disk, advisory locks use up the locks of all:
anybody may, with PostgreSQL's defaults, and nothing of ours needs to."""


HOLDERS = """\
CREATE OR REPLACE FUNCTION public.end_holders() RETURNS TABLE (role text, held_s int)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH held AS MATERIALIZED (
        SELECT a.pid, a.usename::text AS role,
               extract(epoch FROM clock_timestamp() - a.xact_start)::int AS held_s
          FROM pg_stat_activity a
          JOIN (VALUES {bounds}) AS b (role, idle_s, whole_s) ON b.role = a.usename
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
           AND (a.state LIKE 'idle in transaction%'
                AND a.state_change < clock_timestamp() - make_interval(secs => b.idle_s)
                OR a.xact_start < clock_timestamp() - make_interval(secs => b.whole_s)))
    SELECT role, held_s FROM held WHERE pg_terminate_backend(pid)
$$"""
"""A session may set its own timeouts to nothing; this the superuser ends all the same. It takes no
argument and ends nobody who keeps to his bounds, so that whoever may call it can do no harm."""


def bootstrap(superuser_dsn: str, database: str, passwords: Mapping[str, str]) -> None:
    """Make or renew roles, database, extension and their closed doors; safe to repeat."""
    with psycopg.connect(superuser_dsn, autocommit=True) as link:
        if link.info.server_version < OLDEST_SERVER:
            raise ServerFailedError(
                f"this PostgreSQL is {link.info.server_version // 10000}; 16 is the oldest we know",
                hint="Use a newer server, or let ethops start its own: unset DATABASE_URL.",
            )
        for statement in role_statements(passwords):
            link.execute(statement)
        found = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if found.fetchone() is None:
            link.execute(create_database(database))
    with psycopg.connect(superuser_dsn, dbname=database, autocommit=True) as link:
        for statement in [*database_statements(database), *inside_statements()]:
            link.execute(statement)


def script(database: str, passwords: Mapping[str, str]) -> str:
    """The same statements for a person with psql; passwords stand in it only as SCRAM verifiers."""
    make = sql.SQL(
        "SELECT {text} WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {name})"
    ).format(text=sql.Literal(create_database(database).as_string()), name=sql.Literal(database))
    parts = [
        "-- Run by a superuser with psql; safe to repeat.",
        *(f"{statement.as_string()};" for statement in role_statements(passwords)),
        f"{make.as_string()} \\gexec",
        f"\\connect {sql.Identifier(database).as_string()}",
        *(f"{statement.as_string()};" for statement in database_statements(database)),
        *(f"{statement.as_string()};" for statement in inside_statements()),
    ]
    return "\n".join(parts)


def role_statements(passwords: Mapping[str, str]) -> list[Statement]:
    """Roles of the whole server."""
    made: list[Statement] = []
    for role in ROLES:
        name = sql.Identifier(role.name)
        made += [
            sql.SQL(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {text}) "
                "THEN CREATE ROLE {name}; END IF; END $$"
            ).format(text=sql.Literal(role.name), name=name),
            sql.SQL(
                "ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION "
                "NOBYPASSRLS NOINHERIT CONNECTION LIMIT {limit} PASSWORD {verifier}"
            ).format(
                name=name,
                limit=sql.Literal(role.connections),
                verifier=sql.Literal(scram_verifier(passwords[role.name])),
            ),
            _set(name, "statement_timeout", role.statement_timeout),
            _set(name, "idle_in_transaction_session_timeout", role.idle_in_transaction),
            _set(name, "lock_timeout", role.lock_timeout),
        ]
    return made


def create_database(database: str, template: str = "template1") -> Statement:
    """The database belongs to the owner of the tables."""
    return sql.SQL("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}").format(
        name=sql.Identifier(database),
        owner=sql.Identifier(OWNER),
        template=sql.Identifier(template),
    )


def database_statements(database: str) -> list[Statement]:
    """Rights on the database itself; a clone of it does not carry them, so repeat them there."""
    name = sql.Identifier(database)
    return [
        # Takes temporary tables from everyone, too.
        sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(name=name),
        sql.SQL("GRANT CONNECT ON DATABASE {name} TO {roles}").format(
            name=name, roles=_names(ROLES)
        ),
    ]


def inside_statements() -> list[Statement]:
    """Rights and the extension inside the database; a clone carries them."""
    owner = sql.Identifier(OWNER)
    return [
        sql.SQL("CREATE EXTENSION IF NOT EXISTS vector"),
        sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {roles}").format(roles=_names(ROLES)),
        sql.SQL("GRANT CREATE ON SCHEMA public TO {owner}").format(owner=owner),
        # Functions are everybody's to run by default.
        sql.SQL(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
        ).format(owner=owner),
        sql.SQL(CLOSED),
        # Blocks of code, as `DO` runs them; functions of ours need no such right to run.
        sql.SQL("REVOKE USAGE ON LANGUAGE sql, plpgsql FROM PUBLIC"),
        sql.SQL("GRANT USAGE ON LANGUAGE sql, plpgsql TO {owner}").format(owner=owner),
        *_holders(),
    ]


def _holders() -> list[Statement]:
    bounds = [
        sql.SQL("({}, {}, {})").format(
            sql.Literal(role.name),
            sql.Literal(role.longest_idle_s),
            sql.Literal(role.longest_transaction_s),
        )
        for role in ROLES
        if role.longest_idle_s
    ]
    return [
        sql.SQL(HOLDERS).format(bounds=sql.SQL(", ").join(bounds)),
        # Also where somebody restored it from a dump.
        sql.SQL("ALTER FUNCTION public.end_holders() OWNER TO CURRENT_USER"),
        sql.SQL("REVOKE ALL ON FUNCTION public.end_holders() FROM PUBLIC"),
        sql.SQL("GRANT EXECUTE ON FUNCTION public.end_holders() TO ethops_app"),
    ]


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a password (RFC 5802), so that no log ever holds the password."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    server = _keyed(salted, b"Server Key")
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _set(name: sql.Identifier, setting: str, value: str) -> Statement:
    return sql.SQL("ALTER ROLE {name} SET {setting} = {value}").format(
        name=name, setting=sql.Identifier(setting), value=sql.Literal(value)
    )


def _names(roles: tuple[Role, ...]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(role.name) for role in roles)
