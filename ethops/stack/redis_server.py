"""The embedded Redis: loopback, a password, and no data worth missing."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from ethops.stack import binaries
from ethops.stack.errors import ServerFailedError
from ethops.stack.places import Places
from ethops.stack.spawn import spawn

START_SECONDS = 15.0

CONFIGURATION = """\
# Written by ethops at every start.
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
save ""
appendonly yes
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
databases 16
"""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One Redis in the servers' folder of a stack."""

    where: Places
    port: int
    password: str
    environment: Mapping[str, str]

    @property
    def data(self) -> Path:
        """Its own folder."""
        return self.where.servers / "redis"

    def url(self, database: int = 0) -> str:
        """How clients reach it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server; `wait` tells when it answers."""
        program = binaries.redis_program(for_other_user=self.where.account is not None)
        return spawn(
            [program, self._configure()],
            environment=self.environment,
            folder=self.where.servers,
            log=self.where.log("redis"),
            account=self.where.account,
            death_signal=signal.SIGTERM,
        )

    def wait(self, process: subprocess.Popen[bytes]) -> str:
        """Wait until the server answers; its version. ServerFailedError if it ends or is late."""
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url(), socket_timeout=2) as client:
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    return str(client.info("server")["redis_version"])
                except redis.RedisError:  # not there yet, or still loading its file
                    time.sleep(0.05)
        raise ServerFailedError(
            f"Redis did not answer (exit {process.poll()})",
            hint="Its log says why.",
            log=self.where.log("redis"),
        )

    def _configure(self) -> Path:
        self.data.mkdir(exist_ok=True, mode=0o700)
        path = self.data / "redis.conf"
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(
                CONFIGURATION.format(port=self.port, password=self.password, folder=self.data)
            )
        if self.where.account is not None:
            os.chown(self.data, self.where.account.uid, self.where.account.gid)
            os.chown(path, self.where.account.uid, self.where.account.gid)
        return path


def outside_version(url: str) -> str:
    """The version of a server that we do not run; ServerFailedError if it does not answer."""
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            return str(client.info("server")["redis_version"])
    except redis.RedisError as fault:
        raise ServerFailedError(
            f"the Redis of REDIS_URL does not answer: {fault}",
            hint="Start it, or let ethops start its own: unset REDIS_URL.",
        ) from fault
