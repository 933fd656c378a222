"""The servers of one test run: started by the process that outlives the others, shared by all."""

import json
import logging
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from ethops.env import CLONE
from ethops.stack import places, roles
from ethops.stack.layout import Layout
from ethops.stack.ports import Ports, free_ports
from ethops.stack.postgres import UNSAFE_FOR_TESTS, stop

LEAVE = """
SELECT usename, application_name, state, left(query, 200), pg_terminate_backend(pid, 5000)
  FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
"""
"""Ends every session in a database, and says what each was at."""
logger = logging.getLogger(__name__)
END_WHAT_IS_BEGUN = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid() AND state IS DISTINCT FROM 'idle'
"""
"""A statement whose process was killed goes on, and would write into what was just emptied."""
EMPTY = """
DO $$
DECLARE
    v_table regclass; v_full boolean; v_guards name[]; v_guard name; v_sequence record;
BEGIN
    -- References are not looked after, and only guards that always stand have to be told.
    SET LOCAL session_replication_role = replica;
    FOR v_table IN
        SELECT c.oid FROM pg_class c WHERE c.relkind = 'r'
           AND c.relnamespace = 'public'::regnamespace AND pg_relation_size(c.oid) > 0
           AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
           AND c.relname NOT LIKE 'django_celery_beat%'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', v_table) INTO v_full;
        CONTINUE WHEN NOT v_full;
        SELECT coalesce(array_agg(tgname), '{}') INTO v_guards FROM pg_trigger
         WHERE tgrelid = v_table AND NOT tgisinternal AND tgenabled = 'A' AND tgtype & 8 <> 0;
        FOREACH v_guard IN ARRAY v_guards LOOP
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', v_table, v_guard);
        END LOOP;
        EXECUTE format('DELETE FROM %s', v_table);
        FOREACH v_guard IN ARRAY v_guards LOOP
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', v_table, v_guard);
        END LOOP;
    END LOOP;
    FOR v_sequence IN
        SELECT q.seqrelid, q.seqstart FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid
         WHERE c.relnamespace = 'public'::regnamespace
           AND c.relname NOT LIKE 'django_%' AND c.relname NOT LIKE 'auth_permission%'
           AND pg_sequence_last_value(q.seqrelid) IS NOT NULL
    LOOP
        PERFORM setval(v_sequence.seqrelid, v_sequence.seqstart, false);
    END LOOP;
    INSERT INTO audit_head (id) VALUES (1);
    INSERT INTO personas_stop (id) VALUES (1);
    INSERT INTO personas_environment (name, max_concurrent, max_queued)
    VALUES ('operations', 32, 1000), ('torch.dev.gpu', 4, 100), ('ros.dev.gpu', 4, 100);
    INSERT INTO audit_witnessing (id) VALUES (1);
    INSERT INTO approvals_profile (id) VALUES (1);
END $$
"""
"""All rows that tests wrote go; the single rows that migrations made come back."""
SWOLLEN = """
SELECT c.oid::regclass::text FROM pg_class c
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
   AND pg_relation_size(c.oid) > 512 * 1024
"""
"""What holds much that is deleted, which every look at it would pass over."""
PROVIDED = (
    CLONE / "ethops/sla/sql/0002_provided.sql",
    CLONE / "ethops/notify/sql/0002_provided.sql",
    CLONE / "ethops/desk/sql/0008_numbers.sql",
    CLONE / "adapters/cmdb/sql/0010_precedence.sql",
)
"""What the desk is given where nobody says otherwise."""
BUILT = """
SELECT concat_ws(' ',
    (SELECT md5(string_agg(g::text, ' ' ORDER BY g.name)) FROM gate.guard g),
    (SELECT md5(string_agg(md5(p.prosrc), '' ORDER BY md5(p.prosrc))) FROM pg_proc p
      WHERE p.pronamespace IN ('gate'::regnamespace, 'audit'::regnamespace)),
    (SELECT md5(string_agg(t.tgname || t.tgenabled::text, '' ORDER BY t.tgname, t.tgrelid))
       FROM pg_trigger t WHERE NOT t.tgisinternal))
"""
"""Guards, functions of the gate and the ledger, and triggers, as one line to compare."""


@dataclass(slots=True)
class Servers:
    """PostgreSQL and Redis in a folder that is thrown away."""

    layout: Layout
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    """Empty in a worker, which joined servers that its controller started."""
    built: dict[str, str] = field(default_factory=dict)
    """What stood in a database when it was cloned; a test that moves it must move it back."""
    links: dict[str, psycopg.Connection] = field(default_factory=dict)
    """The session that empties each of them."""

    @classmethod
    def started(cls) -> Self:
        """Start both; the caller must `stop` them."""
        state = Path(tempfile.mkdtemp(prefix="ethops-tests-"))
        layout = Layout(state=state, ports=free_ports(), postgres_settings=UNSAFE_FOR_TESTS)
        places.make(layout.where)
        assert layout.postgres is not None
        assert layout.redis is not None
        postgres, _ = layout.postgres.start()
        wakeups = layout.redis.spawn()
        layout.redis.wait(wakeups)
        return cls(layout, [wakeups, postgres])

    @classmethod
    def joined(cls, described: str) -> Self:
        """The servers that another process started."""
        state, *ports = json.loads(described)
        return cls(Layout(Path(state), Ports(*ports), postgres_settings=UNSAFE_FOR_TESTS))

    def describe(self) -> str:
        """What another process needs to join."""
        ports = self.layout.ports
        return json.dumps(
            [str(self.layout.state), ports.web, ports.flower, ports.postgres, ports.redis]
        )

    def stop(self) -> None:
        """End both and leave nothing behind; a worker leaves that to its controller."""
        if not self.running:
            return
        for process in self.running:
            stop(process, seconds=10)
        self.running.clear()
        places.remove(self.layout.where)
        shutil.rmtree(self.layout.state, ignore_errors=True)

    def superuser_dsn(self, database: str = "postgres") -> str:
        """The superuser of the server."""
        assert self.layout.postgres is not None
        return self.layout.postgres.superuser_dsn(database)

    def dsn(self, role: str, database: str) -> str:
        """One database as one role sees it."""
        password = self.layout.secrets.role_passwords[role]
        port = self.layout.ports.postgres
        return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"

    def redis_url(self, number: int) -> str:
        """One database of Redis."""
        assert self.layout.redis is not None
        return self.layout.redis.url(number)

    def has_database(self, name: str) -> bool:
        """True if it is there."""
        with psycopg.connect(self.superuser_dsn(), autocommit=True) as link:
            found = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def clone(self, template: str, name: str) -> None:
        """Make a database anew from a template; rights on the database do not come along."""
        self.drop(name)
        with psycopg.connect(self.superuser_dsn(), autocommit=True) as link:
            # Nobody may be in a template: what an earlier test left there is ended, and said.
            for left in link.execute(LEAVE, [template]):
                logger.warning("ended in %s: %s", template, left)
            link.execute(roles.create_database(name, template))
            for statement in roles.database_statements(name):
                link.execute(statement)
        with psycopg.connect(self.superuser_dsn(name)) as link:
            self.built[name] = _built(link)

    def empty(self, name: str) -> None:
        """Bring a database back to what the migrations left in it; much faster than a clone.

        Raises:
            AssertionError: the test that just ended left another gate or ledger behind, on which
                every later test of this worker would be tried.
        """
        link = self._kept(name)
        link.execute(END_WHAT_IS_BEGUN)
        link.execute(EMPTY)
        for rows in PROVIDED:
            link.execute(rows.read_text(encoding="utf-8"))
        for (table,) in link.execute(SWOLLEN).fetchall():
            link.execute(f"VACUUM {table}")
        now = _built(link)
        if now != (before := self.built.setdefault(name, now)):
            self.built[name] = now
            raise AssertionError(f"guards, functions, triggers were {before}, and are {now}")

    def _kept(self, name: str) -> psycopg.Connection:
        """A session that has read the catalogue of all tables, which takes a new one longest."""
        link = self.links.get(name)
        try:
            if link is not None:
                link.execute("SELECT 1")
                return link
        except psycopg.OperationalError:
            pass  # a test ended it, or the database with it
        self.links[name] = psycopg.connect(self.superuser_dsn(name), autocommit=True)
        return self.links[name]

    def drop(self, name: str) -> None:
        """Throw a database away, whoever is in it."""
        if (link := self.links.pop(name, None)) is not None:
            link.close()
        with psycopg.connect(self.superuser_dsn(), autocommit=True) as link:
            link.execute(
                sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(
                    name=sql.Identifier(name)
                )
            )

    def rename(self, name: str, to: str) -> None:
        """A template gets its name only when it is whole."""
        with psycopg.connect(self.superuser_dsn(), autocommit=True) as link:
            link.execute(
                sql.SQL("ALTER DATABASE {name} RENAME TO {to}").format(
                    name=sql.Identifier(name), to=sql.Identifier(to)
                )
            )


def _built(link: psycopg.Connection) -> str:
    (found,) = link.execute(BUILT).fetchone() or ("",)
    return str(found)
