"""The embedded PostgreSQL: made once, configured at each start, stopped fast."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ethops.stack import binaries
from ethops.stack.errors import ServerFailedError
from ethops.stack.places import Places
from ethops.stack.spawn import spawn

START_SECONDS = 30.0
SUPERUSER = "postgres"

SETTINGS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "140",
    "shared_buffers": "64MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # Claims leave dead rows; the default round of a minute makes empty claims slow.
    "autovacuum_naptime": "10s",
    "log_min_duration_statement": "2s",
    "log_line_prefix": "%m %q%u ",
}
"""Our settings; everything else is PostgreSQL's own default."""

UNSAFE_FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings under which a power loss loses data; only for databases that are thrown away."""

HBA = """\
# Written by ethops at every start.
local  all  {superuser}  peer map=ethops
local  all  all          scram-sha-256
host   all  {superuser}  all           reject
host   all  all          127.0.0.1/32  scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster in the servers' folder of a stack."""

    where: Places
    port: int
    environment: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The cluster's own folder."""
        return self.where.servers / "postgres"

    def superuser_dsn(self, database: str = "postgres") -> str:
        """The superuser over the unix socket: no password, and no way in over TCP."""
        return (
            f"host={self.where.sockets} port={self.port} user={SUPERUSER} "
            f"dbname={database} connect_timeout=5"
        )

    def is_made(self) -> bool:
        """True once the cluster exists."""
        return (self.data / "PG_VERSION").exists()

    def make(self) -> None:
        """Create the cluster, whole or not at all; nothing happens if it exists."""
        if self.is_made():
            return
        half = self.where.servers / "postgres.new"
        shutil.rmtree(half, ignore_errors=True)
        done = subprocess.run(
            [
                str(self._programs() / "initdb"),
                f"--pgdata={half}",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--auth-local=peer",
                "--auth-host=scram-sha-256",
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            cwd=self.where.servers,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            user=self.where.account.uid if self.where.account else None,
            group=self.where.account.gid if self.where.account else None,
            extra_groups=[] if self.where.account else None,
        )
        if done.returncode != 0:
            raise ServerFailedError(
                f"initdb failed: {done.stderr.strip().splitlines()[-1:] or done.stdout[-200:]}",
                hint=f"Look at what stands in the way in {self.where.servers}.",
            )
        half.rename(self.data)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server; `wait` tells when it answers."""
        self._configure()
        return spawn(
            [self._programs() / "postgres", "-D", self.data],
            environment=self.environment,
            folder=self.where.servers,
            log=self.where.log("postgres"),
            account=self.where.account,
            death_signal=signal.SIGINT,
        )

    def wait(self, process: subprocess.Popen[bytes]) -> str:
        """Wait until the server answers; its version. ServerFailedError if it ends or is late."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with psycopg.connect(self.superuser_dsn(), autocommit=True) as link:
                    return str(link.info.parameter_status("server_version") or "").split(" ")[0]
            except psycopg.OperationalError:
                time.sleep(0.05)
        ended = process.poll()
        raise ServerFailedError(
            "PostgreSQL did not answer in time"
            if ended is None
            else f"PostgreSQL ended at once (exit {ended}): {self._last_line()}",
            hint="Its log says why.",
            log=self.where.log("postgres"),
        )

    def start(self) -> tuple[subprocess.Popen[bytes], str]:
        """Make, start and wait; after a kill the first tries may meet the old one's remains."""
        self.make()
        for delay in (0.3, 1.0, 3.0, None):
            process = self.spawn()
            try:
                return process, self.wait(process)
            except ServerFailedError:
                stop(process, seconds=10)
                if delay is None:
                    raise
                time.sleep(delay)
        raise AssertionError("the loop returns or raises")

    def _programs(self) -> Path:
        return binaries.postgres_programs(for_other_user=self.where.account is not None)

    def _configure(self) -> None:
        said = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.where.sockets),
            "unix_socket_permissions": "0700",
            **self.settings,
        }
        quoted = {name: value.replace("'", "''") for name, value in said.items()}
        lines = [f"{name} = '{value}'" for name, value in quoted.items()]
        self._write("postgresql.conf", "# Written by ethops at every start.\n" + "\n".join(lines))
        self._write("pg_hba.conf", HBA.format(superuser=SUPERUSER))
        us = pwd.getpwuid(os.geteuid()).pw_name
        self._write("pg_ident.conf", f'ethops "{us}" {SUPERUSER}')

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)
        if self.where.account is not None:
            os.chown(path, self.where.account.uid, self.where.account.gid)

    def _last_line(self) -> str:
        try:
            lines = self.where.log("postgres").read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        telling = [line for line in lines[-20:] if "FATAL" in line or "could not" in line]
        return (telling or lines or ["no word in its log"])[-1]


def stop(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Stop fast: sessions are ended, the write-ahead log is closed; kill only if that fails."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
