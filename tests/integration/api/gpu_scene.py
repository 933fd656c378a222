"""Cards with a past, written as their owner: what workers would have left in the rows."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

NASTY = "</script><img src=x onerror=alert(1)>"
SLOTS = (
    # name, model, kind, context, vram_mb, load_s, tokens_per_s, prefill_per_s, tiers
    ("ops", "qwen3:8b", "chat", 8192, 7000, 4.5, 45.0, 1500.0, ["ops", "research"]),
    ("reason", "qwen3:14b", "chat", 8192, 11500, 8.0, 27.0, 800.0, ["ops", "research"]),
    ("code", "qwen2.5-coder:14b", "chat", 8192, 11500, 9.0, 26.0, 800.0, ["research"]),
    ("embed", "nomic-embed-text:latest", "embed", 2048, 900, 1.5, 1.0, 8000.0, ["embedding"]),
)


def ago(seconds: float) -> datetime:
    """So many seconds before now."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


@dataclass
class GpuScene:
    """The owner's connection, and what was written through it."""

    connect: Callable[[str], psycopg.Connection[Any]]
    link: Any = None
    jobs: list[UUID] = field(default_factory=list)

    def run(self, statement: str, *values: object) -> None:
        self.link = self.link or self.connect("owner")
        self.link.execute(statement, values)

    def slots(self) -> None:
        """The default card's slots, two of them measured."""
        for name, model, kind, context, vram, load, speed, prefill, tiers in SLOTS:
            self.run(
                "INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s,"
                " tokens_per_s, prefill_per_s, tiers) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
                *(name, model, kind, json.dumps({"num_ctx": context}), context, vram, load),
                *(speed, prefill, json.dumps(tiers)),
            )
        self.run(
            "UPDATE gpu_slot SET measured_load_s = load_s * 1.1, mean_tokens_out = 220,"
            " measured_tokens_per_s = tokens_per_s * 0.95 WHERE name IN ('ops', 'reason')"
        )

    def card(self, name: str = "card0", *, up: bool = True, **more: object) -> None:
        """One card, its worker heard just now unless it is not up."""
        said: dict[str, object] = {
            "name": name, "url": "http://127.0.0.1:11434", "vram_mb": 16376, "reserve_mb": 1024,
            "doing_since": ago(1.2), "seen_at": ago(1 if up else 90), "fence": 3,
            "lease_until": ago(-600 if up else 75), "holder": "host:1", "resident": [],
            **more,
        }  # fmt: skip
        said["resident"] = json.dumps(said["resident"])
        names = ", ".join(said)
        marks = ", ".join(["%s"] * len(said))
        self.run(f"INSERT INTO gpu_card ({names}) VALUES ({marks})", *said.values())
        if up:
            self.run("SELECT audit.alive(%s)", f"gpu-{name}")

    def job(
        self,
        tier: str,
        slot: str,
        came: datetime,
        *,
        wait: float | None = None,
        ran: float | None = None,
        state: str = "",
        card: str = "card0",
        error: str = "",
        **more: object,
    ) -> UUID:
        """One request: waiting without `wait`, on the card without `ran`, else ended."""
        job_id = uuid4()
        started = None if wait is None else came + timedelta(seconds=wait)
        ended = None if started is None or ran is None else started + timedelta(seconds=ran)
        state = state or ("ready" if started is None else "leased" if ended is None else "done")
        self.run(
            "INSERT INTO audit_work (id, kind, queue, state, subject, created_at, lease_until,"
            " settled_at, error) VALUES (%s, 'inference', %s, %s, 'system', %s, %s, %s, %s)",
            *(job_id, f"{tier}.{slot}", state, came, ago(-60) if state == "leased" else None),
            *(ended, error),
        )
        said: dict[str, object] = {
            "id": job_id, "tier": tier, "slot": slot, "kind": "chat", "principal": "system",
            "request": json.dumps({"messages": []}), "created_at": came, "deadline_at": ago(-3600),
            "card": card if started else "", "started_at": started, "finished_at": ended,
            "wait_s": wait, "tokens_asked": 400, "tokens_in": 400 if ended else None,
            "tokens_out": 200 if ended else None, "busy_s": ran or 0.0, **more,
        }  # fmt: skip
        names = ", ".join(said)
        marks = ", ".join(["%s"] * len(said))
        self.run(f"INSERT INTO gpu_job ({names}) VALUES ({marks})", *said.values())
        self.jobs.append(job_id)
        return job_id

    def piece(
        self,
        kind: str,
        tier: str,
        slot: str,
        began: datetime,
        seconds: float,
        *,
        ending: str = "finished",
        card: str = "card0",
        job: UUID | None = None,
        tokens: int = 0,
    ) -> None:
        """One piece of a card's time."""
        self.run(
            "INSERT INTO gpu_piece (card, kind, tier, slot, job, began_at, ended_at, ending,"
            " tokens) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(card, kind, tier, slot, job, began, began + timedelta(seconds=seconds), ending),
            tokens,
        )

    def small(self) -> None:
        """One card with one request on it, two that wait, and three that ended."""
        self.slots()
        begun = self.job(
            "ops", "ops", ago(3), wait=1.8, ticket_ref="INC-02017", label=f"triage {NASTY}",
            principal="run:9000aaaa-0000-4000-8000-000000000001",
        )  # fmt: skip
        self.card(
            doing="running", doing_tier="ops", doing_slot="ops", doing_job=begun,
            resident=["embed", "ops"], strangers_mb=0,
        )  # fmt: skip
        self.job("ops", "ops", ago(300), wait=0.4, ran=5, card="card0")
        self.job(
            "ops", "ops", ago(200), wait=3.1, ran=5, quoted_start=ago(199), quoted_end=ago(190)
        )
        self.job("research", "reason", ago(600), wait=40, ran=60, preemptions=1, client="lab")
        self.piece("load", "ops", "ops", ago(205), 4.8)
        self.piece("run", "ops", "ops", ago(197), 5, tokens=200)
        self.piece("load", "research", "reason", ago(560), 8)
        self.piece("run", "research", "reason", ago(552), 20, ending="preempted", tokens=400)
        self.job("embedding", "embed", ago(9), kind="embed", principal="key:lab", client="lab")
        self.job("research", "code", ago(30), principal="key:lab", client="lab")

    def busy(self, *, hours: float = 4.2, seed: int = 1, card: str = "card0") -> None:
        """Hours of a busy card: agents, embeddings in small batches, research in between."""
        dice = random.Random(seed)  # noqa: S311 - a scene, no secret
        at, resident = ago(hours * 3600), ""
        now = datetime.now(UTC)
        with self.link.transaction():
            while at < now - timedelta(seconds=4):
                tier, slot, ran = dice.choices(
                    (
                        ("ops", "ops", dice.uniform(2, 7)),
                        ("embedding", "embed", dice.uniform(0.6, 4)),
                        ("research", dice.choice(("reason", "code")), dice.uniform(10, 55)),
                        ("", "", dice.uniform(5, 90)),
                    ),
                    (5, 4, 3, 1.2),
                )[0]
                if not tier:
                    at += timedelta(seconds=ran)
                    continue
                load = 0.0
                if slot not in {resident, "embed"}:
                    load, resident = {"ops": 4.6, "reason": 8.2, "code": 9.1}[slot], slot
                    self.piece("load", tier, slot, at, load, card=card)
                    at += timedelta(seconds=load)
                preempted = tier == "research" and dice.random() < 0.12
                wait = load + dice.expovariate(1 / {"ops": 0.8, "embedding": 9}.get(tier, 70))
                quoted = at + timedelta(seconds=dice.gauss(-0.5, 2.5))
                job = self.job(
                    tier, slot, at - timedelta(seconds=wait), wait=wait, ran=ran, card=card,
                    preemptions=int(preempted), swapped=load > 0, load_s=load, quoted_start=quoted,
                    quoted_end=quoted + timedelta(seconds=ran), tokens_out=int(ran * 27),
                )  # fmt: skip
                self.piece(
                    "run", tier, slot, at, ran, job=job, tokens=int(ran * 27), card=card,
                    ending="preempted" if preempted else "finished",
                )  # fmt: skip
                at += timedelta(seconds=ran + dice.uniform(0, 1.5))

    def queue(self, tickets: tuple[str, ...] = ("INC-02014",)) -> None:
        """A queue as it is at three in the morning."""
        self.job(
            "ops", "ops", ago(1.5), ticket_ref=tickets[0], label="diagnose",
            principal="run:a10f7777-0000-4000-8000-000000000002",
        )  # fmt: skip
        for n in range(5):
            self.job(
                "embedding", "embed", ago(30 - n), kind="embed", client="wiki",
                principal="key:wiki", tokens_asked=900,
            )  # fmt: skip
        self.job("research", "reason", ago(240), client="ada", principal="key:ada-laptop")
        self.job("research", "code", ago(180), client="ada", principal="key:ada-laptop")
        self.job("research", "card", ago(80), kind="hold", principal="person:ada",
                 label="python train.py --epochs 3")  # fmt: skip
