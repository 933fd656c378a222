"""A small house for tests of the card: simulated servers, real workers, and who relays for them."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import redis
from django.conf import settings
from django.db import Error, connections
from kombu import pools
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.recorder import Recorder
from audit.work import relay as wakeups
from ethops.env import CLONE
from ethops.stack.layout import Layout
from ethops.stack.matrix import gpu_worker, processes
from ethops.stack.spawn import spawn
from gpu import celery, loading, relay, rows
from gpu.profile import read_profile
from gpu.rows import JobRow, Request
from gpu.simulated.card import card_of
from gpu.simulated.serve import Simulated
from gpu.simulated.serve import simulated as running
from gpu.states import JobKind
from gpu.tiers import Tier, queue_name
from gpu.worker import channel
from personas import gate
from personas import loading as personas
from tests.conftest import point_django
from tests.doubles.wire import Wire
from tests.servers import Servers
from tests.waiting import PATIENCE_SECONDS, eventually

SCALE = 0.01
LEASE_SECONDS = 4
"""Renewed each second: a machine that stands still for two of them takes nobody's work away."""
UNACKED = "unacked"


@dataclass
class Keeper:
    """What the control process does for the queue, in a thread of the test."""

    over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def begin(self) -> None:
        """Relay, repair and reconcile until the end."""
        self.thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Stop, and let go of the database."""
        self.over.set()
        if self.thread is not None:
            self.thread.join()

    def _keep(self) -> None:
        repair_at = 0.0
        while not self.over.wait(0.02):
            try:
                wakeups.relay_once(relay.publish)
                if time.monotonic() >= repair_at:
                    repair_at = time.monotonic() + 0.5
                    relay.repair_once()
                    relay.end_overdue()
                    gate.reconcile()
            except (Error, RedisError, OperationalError, OSError):
                # Servers are stopped on purpose: as the control process, it goes on.
                connections["default"].close()
        connections["default"].close()


@dataclass
class House:
    """The database by role, Redis, servers and workers of one module."""

    servers: Servers
    database: str
    redis_url: str
    folder: Path
    stack: ExitStack
    profile: str = "simulated"
    variables: Mapping[str, str] = field(default_factory=dict)
    simulated: dict[str, Simulated] = field(default_factory=dict)
    workers: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    keeper: Keeper = field(default_factory=Keeper)
    wires: dict[str, Wire] = field(default_factory=dict)
    """Where there are any, the workers reach their servers over these."""
    links: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    # ------------------------------------------------------------ rows and Redis

    def connect(self, role: str) -> psycopg.Connection[Any]:
        """The connection of this role, closed at the end."""
        if role not in self.links:
            dsn = self.servers.dsn(f"ethops_{role}", self.database)
            self.links[role] = self.stack.enter_context(psycopg.connect(dsn, autocommit=True))
        return self.links[role]

    def owner(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the owner of the tables."""
        with psycopg.connect(
            self.servers.dsn("ethops_owner", self.database), autocommit=True
        ) as link:
            cursor = link.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    @property
    def queue_url(self) -> str:
        """The Redis database of the card's messages."""
        return str(settings.ETHOPS_GPU_REDIS_URL)

    def redis(self) -> "redis.Redis":
        """A client of the card's messages."""
        return redis.Redis.from_url(self.queue_url, decode_responses=True)

    def wipe(self) -> None:
        """Let Redis lose all that this house has there; other workers have theirs beside it."""
        for url in (self.redis_url, self.queue_url):
            with redis.Redis.from_url(url) as client:
                client.flushdb()

    def messages(self, queue: str) -> list[str]:
        """The jobs that messages of a queue name, the next one first."""
        with self.redis() as client:
            raw = client.lrange(queue, 0, -1)
        return [json.loads(one)["headers"]["id"] for one in reversed(raw)]  # type: ignore[arg-type]

    def record(self) -> None:
        """Let the recorder write down what waits."""
        with psycopg.connect(
            self.servers.dsn("ethops_audit_writer", self.database), autocommit=True
        ) as link:
            origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
            while Recorder("").record(link, origin):
                pass

    def entries(self, subject: UUID) -> list[tuple[str, dict[str, Any]]]:
        """What the ledger holds of a job: kind and body."""
        self.record()
        found = self.owner(
            "SELECT kind, body FROM audit_entry WHERE subject = %s ORDER BY seq", str(subject)
        )
        return [(kind, json.loads(bytes(body))["body"]) for kind, body in found]

    # ------------------------------------------------------------ cards

    def add_card(self, name: str = "card0", **more: Any) -> Simulated:
        """Start a simulated server; it is declared with the next `declare`."""
        profile = read_profile(self.profile).value
        assert profile is not None
        made = self.stack.enter_context(running(card_of(profile, scale=SCALE, **more)))
        self.simulated[name] = made
        return made

    def lay_wires(self) -> None:
        """Let workers reach PostgreSQL, Redis and the first card over wires that can be cut."""
        ports = self.servers.layout.ports
        self.wires = {"postgres": Wire(ports.postgres), "redis": Wire(ports.redis)}
        url = self.simulated["card0"].url
        self.wires["ollama"] = Wire(int(url.rpartition(":")[2]))
        self.declare({"card0": self.wires["ollama"].through(url)})
        for wire in self.wires.values():
            self.stack.callback(wire.cut)

    def declare(self, urls: Mapping[str, str] | None = None) -> None:
        """Write cards and profile into rows, as the launcher does."""
        urls = urls or {name: each.url for name, each in self.simulated.items()}
        lines = [f"profile: {self.profile}", "cards:"]
        lines += [f"  - {{name: {name}, url: '{url}'}}" for name, url in urls.items()]
        self._load(lines)

    def serve(self, url: str, models: Mapping[str, str], key: Path, *, beside: str = "") -> None:
        """Declare one card whose server speaks OpenAI's API, and an Ollama beside it."""
        cards = [{"name": "card0", "url": url, "models": dict(models), "key_file": str(key)}]
        cards += [{"name": "card1", "url": beside}] if beside else []
        lines = [f"  - {json.dumps(card)}" for card in cards]
        self._load([f"profile: {self.profile}", "cards:", *lines])

    def _load(self, lines: Sequence[str]) -> None:
        (self.folder / "gpu.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        point_django(self.servers, self.database, "ethops_owner")
        try:
            loading.load()
            personas.load()
        finally:
            point_django(self.servers, self.database, "ethops_app")

    def start_worker(
        self, card: str = "card0", *, log: Path | None = None, **variables: str
    ) -> "subprocess.Popen[bytes]":
        """Start the worker of a card; it is not up yet."""
        database, messages = self.servers.dsn("ethops_app", self.database), self.redis_url
        layout = Layout(
            state=self.servers.layout.state,
            database_url=self.wires["postgres"].through(database) if self.wires else database,
            redis_url=self.wires["redis"].through(messages) if self.wires else messages,
        )
        process = spawn(
            gpu_worker(card).command,
            environment={
                **layout.environment("gpu", card),
                "ETHOPS_STATE": str(self.folder),
                "ETHOPS_DATABASE_POOL": "1",
                "ETHOPS_LEASE_SECONDS": str(LEASE_SECONDS),
                "ETHOPS_GPU_SCALE": f"{SCALE:g}",
                **self.variables,
                **variables,
            },
            folder=CLONE,
            log=log or self.log(card),
        )
        self.stack.callback(_end, process)
        return process

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        """Start another process of the house, by its name in the matrix."""
        layout = Layout(
            state=self.servers.layout.state,
            database_url=self.servers.dsn("ethops_app", self.database),
            redis_url=self.redis_url,
        )
        commands = {each.name: each.command for each in processes(layout.ports)}
        said = {"ETHOPS_STATE": str(self.folder), "ETHOPS_SITE": str(self.folder / "site.yaml")}
        process = spawn(
            commands[name],
            environment={**layout.environment(name), **said, "ETHOPS_DATABASE_POOL": "1"},
            folder=CLONE,
            log=self.folder / "log" / f"{name}.log",
        )
        self.stack.callback(_end, process)
        return process

    def worker(self, card: str = "card0", **variables: str) -> "subprocess.Popen[bytes]":
        """Start the worker of a card and wait until it serves."""
        (began,) = self.owner("SELECT clock_timestamp()")[0]
        process = self.start_worker(card, log=None, **variables)
        self.workers[card] = process
        eventually(lambda: self.serves(card, process, began))
        return process

    def refused(self, card: str = "card0", **variables: str) -> tuple[int, str]:
        """Start a worker that has to refuse; return its exit status and what it said."""
        log = self.folder / "log" / f"{card}-refused.log"
        log.unlink(missing_ok=True)
        process = self.start_worker(card, log=log, **variables)
        return process.wait(PATIENCE_SECONDS), log.read_text(encoding="utf-8")

    def end_worker(self, card: str = "card0", how: signal.Signals = signal.SIGKILL) -> int:
        """End the worker of a card and return its exit status."""
        process = self.workers.pop(card)
        process.send_signal(how)
        return process.wait(PATIENCE_SECONDS)

    def serves(self, card: str, process: "subprocess.Popen[bytes]", began: datetime) -> bool:
        """Tell whether this worker has the card and asks for messages.

        Its heartbeat is one of its own: that of a worker killed just before is still young.
        """
        assert process.poll() is None, self.log(card).read_text(encoding="utf-8")
        (holder,) = self.owner("SELECT holder FROM gpu_card WHERE name = %s", card)[0]
        if f":{process.pid}:" not in holder:
            return False
        beat = "SELECT 1 FROM audit_heartbeat WHERE name = %s AND at > %s"
        return bool(self.owner(beat, f"gpu-{card}", began))

    def log(self, card: str = "card0") -> Path:
        """What the worker of a card has said."""
        return self.folder / "log" / f"gpu-{card}.log"

    def card(self, name: str = "card0") -> dict[str, Any]:
        """The row of a card."""
        with psycopg.connect(self.servers.dsn("ethops_owner", self.database)) as link:
            cursor = link.execute("SELECT * FROM gpu_card WHERE name = %s", [name])
            names = [column.name for column in cursor.description or ()]
            return dict(zip(names, cursor.fetchone() or (), strict=True))

    def add_slot(self, name: str, *, model: str, like: str = "astro-12b") -> None:
        """Declare one slot more, at run time."""
        self.owner(
            "INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s,"
            " tokens_per_s, prefill_per_s, tiers, continues) SELECT %s, %s, kind, options,"
            " context, vram_mb, load_s, tokens_per_s, prefill_per_s, tiers, continues"
            " FROM gpu_slot WHERE name = %s",
            *(name, model, like),
        )

    def retire(self, name: str) -> None:
        """Declare a slot no more."""
        self.owner("UPDATE gpu_slot SET enabled = false WHERE name = %s", name)

    def digest(self, slot: str) -> str:
        """The digest that a slot is pinned to."""
        ((found,),) = self.owner("SELECT digest FROM gpu_slot WHERE name = %s", slot)
        return str(found)

    def fault(self, kind: str, card: str = "card0", **more: object) -> None:
        """Order a fault of the simulated server."""
        url = f"{self.simulated[card].url}/simulated/faults"
        httpx.post(url, json={"kind": kind, **more}).raise_for_status()

    def clear_faults(self) -> None:
        """Take all faults away."""
        for each in self.simulated.values():
            httpx.delete(f"{each.url}/simulated/faults").raise_for_status()

    def seen(self, card: str = "card0") -> list[Mapping[str, Any]]:
        """What the simulated server noted, oldest first."""
        return list(self.simulated[card].machine.log.newest)

    # ------------------------------------------------------------ jobs

    def ask(
        self,
        text: str = "say something",
        *,
        tier: Tier = Tier.RESEARCH,
        slot: str = "code-14b",
        tokens: int | None = 20,
        publish: bool = True,
        **more: Any,
    ) -> UUID:
        """Ask for a chat; `tokens` None leaves its length to the model."""
        sampling = {} if tokens is None else {"num_predict": tokens}
        body: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
        body |= {"sampling": sampling, **more.pop("body", {})}
        # By its label the simulated server knows how long a continued answer gets in all.
        more.setdefault("label", uuid4().hex)
        return self.submit(
            Request(tier, slot, JobKind.CHAT, "person:ada", body, **more), publish=publish
        )

    def embed(self, inputs: Sequence[str], *, publish: bool = True, **more: Any) -> UUID:
        """Ask for vectors."""
        body = {"input": list(inputs), **more.pop("body", {})}
        said = {"tokens_asked": sum(len(text.split()) for text in inputs), **more}
        slot = said.pop("slot", "embed-8b")
        request = Request(Tier.EMBEDDING, slot, JobKind.EMBED, "person:ada", body, **said)
        return self.submit(request, publish=publish)

    def submit(self, request: Request, *, publish: bool = True) -> UUID:
        """Write a job and tell the workers, as whoever asks does."""
        job_id = rows.submit(request)
        if publish:
            relay.publish(queue_name(request.tier, request.slot), job_id)
        return job_id

    def publish(self, job_id: UUID) -> None:
        """Send one message more for a job."""
        relay.publish(str(self.job(job_id)["queue"]), job_id)

    def told(self, job_id: UUID) -> list[dict[str, Any]]:
        """The pieces that the token channel of a job has brought."""
        with self.redis() as client:
            found: Any = client.xrange(channel.key(job_id))
        said = [json.loads(fields["d"]) for _, fields in found]
        return [one for one in said if one["t"] == "chunk"]

    def ended(self, job_id: UUID, seconds: float = PATIENCE_SECONDS) -> JobRow:
        """Wait for the end of a job."""

        def over() -> JobRow | None:
            row = rows.job(job_id)
            assert row is not None
            return row if row.over else None

        found: JobRow = eventually(over, seconds)
        return found

    def done(self, job_id: UUID, seconds: float = PATIENCE_SECONDS) -> JobRow:
        """Wait for the end of a job that has to succeed."""
        row = self.ended(job_id, seconds)
        assert row.state == "done", f"{row.state}: {row.error_code} {row.error}"
        return row

    def begun(self, job_id: UUID) -> None:
        """Wait until the card works on a job, past its first tokens."""
        eventually(lambda: self.job(job_id)["started_at"] is not None)
        eventually(
            lambda: any(
                each.machine.running and self.card(name)["doing_job"] == job_id
                for name, each in self.simulated.items()
            )
        )

    def job(self, job_id: UUID) -> dict[str, Any]:
        """The whole row of a job, and the state of its work."""
        with psycopg.connect(self.servers.dsn("ethops_owner", self.database)) as link:
            cursor = link.execute(
                "SELECT j.*, w.state, w.attempts, w.fence, w.queue FROM gpu_job j"
                " JOIN audit_work w ON w.id = j.id WHERE j.id = %s",
                [job_id],
            )
            names = [column.name for column in cursor.description or ()]
            return dict(zip(names, cursor.fetchone() or (), strict=True))

    def text(self, job_id: UUID) -> str:
        """The text of a chat that is done."""
        answer: Any = self.done(job_id).answer
        return str(answer["message"]["content"])

    def calm(self) -> None:
        """Nothing is asked any more, and every card that is served is idle."""
        self.clear_faults()
        for (job_id,) in self.owner(
            "SELECT id FROM audit_work WHERE kind = 'inference'"
            " AND state IN ('waiting', 'ready', 'leased')"
        ):
            rows.cancel(job_id, "the test is over")
        eventually(self._is_calm)

    def _is_calm(self) -> bool:
        open_ = self.owner(
            "SELECT 1 FROM audit_work WHERE kind = 'inference'"
            " AND state IN ('waiting', 'ready', 'leased')"
        )
        alive = [name for name, process in self.workers.items() if process.poll() is None]
        return not open_ and all(self.card(name)["doing"] == "idle" for name in alive)


def words(count: int, begin: int = 1) -> str:
    """What a simulated model says that is asked for so many tokens."""
    return "".join(f"w{n} " for n in range(begin, begin + count))


@contextmanager
def furnished(servers: Servers, database: str, number: int, folder: Path) -> Iterator[House]:
    """A house without cards; everything that was started ends with the block."""
    redis_url = servers.redis_url(number)
    kept = {
        name: getattr(settings, name)
        for name in ("ETHOPS_GPU_REDIS_URL", "ETHOPS_GPU", "ETHOPS_OLLAMA_HOST")
    }
    settings.ETHOPS_GPU_REDIS_URL = servers.redis_url(number + 1)
    settings.ETHOPS_GPU = folder / "gpu.yaml"
    settings.ETHOPS_OLLAMA_HOST = ""
    flush(servers, number)
    point_celery(settings.ETHOPS_GPU_REDIS_URL)
    with ExitStack() as stack:
        house = House(servers, database, redis_url, folder, stack)
        house.keeper.begin()
        stack.callback(house.keeper.end)
        yield house
    flush(servers, number)
    for name, value in kept.items():
        setattr(settings, name, value)
    pools.reset()


def point_celery(url: str) -> None:
    """Let this process publish into that database."""
    channel.connect.cache_clear()
    celery.app.conf.update(broker_url=url)
    pools.reset()
    celery.app._pool = None  # type: ignore[attr-defined]
    celery.app.amqp._producer_pool = None  # type: ignore[attr-defined]


def flush(servers: Servers, number: int) -> None:
    """Empty both databases of this worker."""
    for each in (number, number + 1):
        with redis.Redis.from_url(servers.redis_url(each)) as client:
            client.flushdb()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
