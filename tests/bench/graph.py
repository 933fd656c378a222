"""Blast radius of 10,000 CIs, 50,000 edges, beside plain SQL: `python -m tests.bench.graph`."""

import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import django
import psycopg

from tests.bench.figures import Figure, percentile

PLACES: Final = 10_000
EDGES: Final = 50_000
ASKED: Final = 100
TARGET: Final = "50 ms"

PLAIN: Final = """
    WITH RECURSIVE walk (place, steps) AS (
        SELECT %s::text, 0
        UNION
        SELECT edge.dependent::text, walk.steps + 1
        FROM walk JOIN public.cmdb_relation edge ON edge.support = walk.place
        WHERE NOT edge.gone AND walk.steps < 32
    )
    SELECT place, min(steps) FROM walk GROUP BY place
"""
"""What one writes first: it finds a place again at every distance at which it lies."""


def relations(seed: int = 1) -> list[tuple[str, str]]:
    """Return edges without a circle: each CI stands on some that come before it."""
    dice = random.Random(seed)  # noqa: S311 - edges that can be repeated
    found: set[tuple[str, str]] = set()
    while len(found) < EDGES:
        upper = dice.randrange(1, PLACES)
        found.add((f"ci{upper:05}", f"ci{dice.randrange(upper):05}"))
    return sorted(found)


def measured() -> list[Figure]:
    """Ask about CIs drawn by lot, both ways, in turn."""
    from tests.conftest import TEMPLATE, _make_template, point_django
    from tests.servers import Servers

    servers = Servers.started()
    try:
        _make_template(servers)
        with psycopg.connect(servers.dsn("ethops_owner", TEMPLATE), autocommit=True) as link:
            _fill(link)
            point_django(servers, TEMPLATE, "ethops_agent")
            return _figures(link)
    finally:
        servers.stop()


def _fill(link: psycopg.Connection) -> None:
    with (
        link.cursor() as cursor,
        cursor.copy("COPY cmdb_relation (dependent, support, kind, source) FROM STDIN") as copy,
    ):
        for dependent, support in relations():
            copy.write_row((dependent, support, "depends_on", "bench"))
    link.execute("ANALYZE cmdb_relation")


def _figures(link: psycopg.Connection) -> list[Figure]:
    from adapters.graph.embedded import Reader

    reader = Reader()
    dice = random.Random(2)  # noqa: S311 - the same CIs each time
    refs = [f"ci{dice.randrange(PLACES):05}" for _ in range(ASKED)]
    ours, plain = [], []
    for ref in refs:
        ours.append(_milliseconds(partial(reader.blast_radius, ref)))
        plain.append(_milliseconds(partial(_plainly, link, ref)))
    p95, bare = percentile(ours, 0.95), percentile(plain, 0.95)
    return [
        Figure(f"blast radius p95, {PLACES:,} CIs, {EDGES:,} edges", f"{p95:.1f} ms", TARGET),
        Figure("... beside a plain recursion, not cut", f"{p95 / bare:.2f} of {bare:.1f} ms"),
    ]


def _plainly(link: psycopg.Connection, ref: str) -> None:
    link.execute(PLAIN, [ref]).fetchall()


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for figure in measured():
        sys.stdout.write(f"{figure.what}: {figure.found} {figure.target}\n")
