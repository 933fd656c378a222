"""The proxy's price: the same requests through it, and straight to the simulated server.

A stack of its own, since the one of the other figures has no card. The requests take turns, so
that a slow moment of the machine meets both.
"""

import json
import sys
import time
from dataclasses import dataclass, field

import httpx
import psycopg

from ethops.stack.layout import Layout
from tests.bench.card_house import card_house
from tests.bench.figures import Figure, cpu, percentile, spread

SLOT = "ops-8b"
SCALE = 0.2
"""A token every 4.4 ms: quicker than any card, slow enough for the simulated server."""
ROUNDS = 30
TOKENS = 100
WARM = 4
STAGES = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY
               1000 * extract(epoch FROM w.claimed_at - j.created_at)),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY
               1000 * extract(epoch FROM j.started_at - j.created_at))
      FROM gpu_job j JOIN audit_work w ON w.id = j.id WHERE j.client = 'bench'
"""


@dataclass(slots=True)
class Timed:
    """Milliseconds to the first token, and from there to the last, of each request."""

    first: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    chunks: int = 0


def measure() -> list[Figure]:
    """Return both figures, with what they are made of."""
    with card_house(SCALE) as house:
        layout, server = house.layout, house.server
        key = house.manage("gpu", "key", "add", "bench", "--tier", "ops")
        headers = {"Authorization": f"Bearer {key}"}
        web = house.process("web")
        straight, through, short = Timed(), Timed(), Timed()
        with httpx.Client(timeout=60) as client:
            for _ in range(WARM):
                _ask(client, server, {}, Timed())
                _ask(client, layout.web_url, headers, Timed())
            before = 1000 * cpu(web)
            for _ in range(ROUNDS):
                _ask(client, server, {}, straight)
                _ask(client, layout.web_url, headers, through)
            between = 1000 * cpu(web)
            for _ in range(ROUNDS):
                _ask(client, layout.web_url, headers, short, tokens=1)
            once = (1000 * cpu(web) - between) / ROUNDS
        stages = _stages(layout)
    chunks = through.chunks / ROUNDS
    added = percentile(through.first, 0.5) - percentile(straight.first, 0.5)
    longer = percentile(through.rest, 0.5) - percentile(straight.rest, 0.5)
    each = ((between - before) / ROUNDS - once) / (chunks - 1)
    return [
        Figure("proxy: added time to the first token, p50", f"{added:.1f} ms", "15 ms"),
        Figure("... straight to the server", spread(straight.first)),
        Figure("... through the proxy and the queue", spread(through.first)),
        Figure("... from its row to its claim, to the card's begin, p50", stages),
        Figure("proxy: added per streamed chunk", f"{longer / (chunks - 1):.2f} ms", "1 ms"),
        Figure("... CPU of the web process", f"{each:.2f} ms, and {once:.1f} ms per request"),
    ]


def _ask(
    client: httpx.Client, url: str, headers: dict[str, str], timed: Timed, tokens: int = TOKENS
) -> None:
    """Stream one answer; nothing else asks meanwhile, so that both find the model loaded."""
    body = {
        "model": SLOT,
        "messages": [{"role": "user", "content": "Say something about Ethernet."}],
        "options": {"num_ctx": 16384, "num_predict": tokens},
        "keep_alive": -1,
    }
    began = time.perf_counter()
    marks = []
    with client.stream("POST", f"{url}/api/chat", json=body, headers=headers) as response:
        for line in response.iter_lines():
            said = json.loads(line)
            assert "error" not in said, said
            if not said["done"]:
                marks.append(time.perf_counter())
    timed.first.append(1000 * (marks[0] - began))
    timed.rest.append(1000 * (marks[-1] - marks[0]))
    timed.chunks += len(marks)


def _stages(layout: Layout) -> str:
    with psycopg.connect(layout.dsn("ethops_owner")) as link:
        row = link.execute(STAGES).fetchone()
    assert row is not None
    return f"{row[0]:.1f}, {row[1]:.1f} ms"


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure.what:<66} {figure.found}   {figure.target}\n")
