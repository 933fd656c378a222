"""Who was seen alive, and when: watchers that look, each in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import httpx
import psycopg
import redis

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
CALM_LOOK_SECONDS = 2.0


class Sightings:
    """When each name was last seen, on the monotonic clock; safe between threads."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._steady_since: dict[str, float] = {}
        self._lock = threading.Lock()

    def saw(self, name: str) -> None:
        """Note that this one lives."""
        now = time.monotonic()
        with self._lock:
            before = self._last.get(name)
            if before is None or now - before > 5 * CALM_LOOK_SECONDS:
                self._steady_since[name] = now
            self._last[name] = now

    def last(self, name: str) -> float | None:
        """When this one was last seen; None if never since `forget`."""
        with self._lock:
            return self._last.get(name)

    def steady_since(self, name: str) -> float | None:
        """Since when this one has been seen without a gap."""
        with self._lock:
            return self._steady_since.get(name)

    def forget(self, name: str) -> None:
        """A new process takes this name: it has not been seen yet."""
        with self._lock:
            self._last.pop(name, None)
            self._steady_since.pop(name, None)


class Look(Protocol):
    """Something that looks once per call, and says `saw` of whoever it saw."""

    def __call__(self) -> None:
        """Look once; any fault of the network means not seen."""

    def close(self) -> None:
        """Give back what it holds."""


class Watchers:
    """Threads that look after names until they are stopped."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._calm = threading.Event()
        self._threads: list[threading.Thread] = []

    def watch(self, name: str, look: Look) -> None:
        """Look again and again, in a thread that no other look can hold up."""
        thread = threading.Thread(target=self._again, args=(look,), name=f"see {name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def calm(self) -> None:
        """Everything is up: look less often."""
        self._calm.set()

    def stop(self) -> None:
        """End the threads; one that hangs in a call ends with the process."""
        self._stop.set()
        for thread in self._threads:
            thread.join(1.0)

    def _again(self, look: Look) -> None:
        while not self._stop.is_set():
            try:
                look()
            except (OSError, psycopg.Error, redis.RedisError, httpx.HTTPError) as fault:
                log.debug("not seen: %s", fault)
            self._stop.wait(CALM_LOOK_SECONDS if self._calm.is_set() else LOOK_SECONDS)
        look.close()


class SeeDatabase:
    """Sees PostgreSQL, and through its heartbeat rows every process that keeps one."""

    def __init__(self, dsn: str, saw: Callable[[str], None]) -> None:
        self._dsn = dsn
        self._saw = saw
        self._link: psycopg.Connection | None = None
        self._beats: dict[str, object] = {}

    def __call__(self) -> None:
        """Look once; whoever's row has moved since the last look is alive."""
        try:
            beats = self._read()
        except psycopg.Error:
            self.close()
            raise
        self._saw("postgres")
        for name, at in beats.items():
            # Compared with what was there before, so that no two clocks are compared.
            if self._beats.get(name) != at:
                self._beats[name] = at
                self._saw(name)

    def learn(self) -> None:
        """Remember rows of an earlier life, so that they count for nobody."""
        self._beats = self._read()

    def close(self) -> None:
        """Leave the database."""
        if self._link is not None:
            self._link.close()
        self._link = None

    def _read(self) -> dict[str, object]:
        if self._link is None:
            self._link = psycopg.connect(self._dsn, autocommit=True, connect_timeout=3)
        return dict(self._link.execute("SELECT name, at FROM public.audit_heartbeat").fetchall())


class SeeWeb:
    """Sees a web server when it answers with a status up to `well`."""

    def __init__(self, name: str, url: str, saw: Callable[[str], None], *, well: int) -> None:
        self._name = name
        self._url = url
        self._saw = saw
        self._well = well
        self._client = httpx.Client(timeout=5.0, trust_env=False)

    def __call__(self) -> None:
        """Look once."""
        if self._client.get(self._url).status_code <= self._well:
            self._saw(self._name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class SeeRedis:
    """Sees Redis when it answers."""

    def __init__(self, url: str, saw: Callable[[str], None]) -> None:
        self._saw = saw
        self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3)

    def __call__(self) -> None:
        """Look once."""
        self._client.ping()
        self._saw("redis")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
