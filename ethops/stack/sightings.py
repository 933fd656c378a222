"""Who was seen alive, and when: watchers that look, each in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

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


class Watchers:
    """Threads that look after names until they are stopped."""

    def __init__(self, sightings: Sightings) -> None:
        self.sightings = sightings
        self._stop = threading.Event()
        self._calm = threading.Event()
        self._threads: list[threading.Thread] = []

    def watch(self, name: str, look: Callable[[], None]) -> None:
        """Call `look` again and again; it calls `saw` for whoever it saw."""
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

    def _again(self, look: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                look()
            except (OSError, psycopg.Error, redis.RedisError, httpx.HTTPError) as fault:
                log.debug("not seen: %s", fault)
            self._stop.wait(CALM_LOOK_SECONDS if self._calm.is_set() else LOOK_SECONDS)


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
            self._drop()
            raise
        self._saw("postgres")
        for name, at in beats.items():
            # Compared with what was there before, so that no two clocks are compared.
            if name not in self._beats or self._beats[name] != at:
                self._beats[name] = at
                self._saw(name)

    def learn(self) -> None:
        """Remember rows of an earlier life, so that they count for nobody."""
        self._beats = dict(self._read())

    def _read(self) -> dict[str, object]:
        if self._link is None:
            self._link = psycopg.connect(self._dsn, autocommit=True, connect_timeout=3)
        return dict(self._link.execute("SELECT name, at FROM public.audit_heartbeat").fetchall())

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None


def see_http(name: str, url: str, saw: Callable[[str], None], *, well: int) -> Callable[[], None]:
    """A look at a web server: seen when it answers with a status up to `well`."""
    client = httpx.Client(timeout=5.0, trust_env=False)

    def look() -> None:
        if client.get(url).status_code <= well:
            saw(name)

    return look


def see_redis(url: str, saw: Callable[[str], None]) -> Callable[[], None]:
    """A look at Redis: seen when it answers."""
    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3)

    def look() -> None:
        client.ping()
        saw("redis")

    return look
